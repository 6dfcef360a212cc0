/*
 * farthing check: exit status, where the lines go and how they look.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "config_fixture.h"

#include "../../src/cli/check.c"

static char out[16384], err[4096]; /* what the last run wrote */

static void
read_back(FILE *f, char *to, size_t size)
{
	rewind(f);
	size_t n = fread(to, 1, size - 1, f);
	to[n] = '\0';
	fclose(f);
}

/* Runs the command with stdout and stderr in files. The words end with NULL. */
static int
run(const char *const *words)
{
	char *argv[8] = { NULL };
	FILE *files[2] = { tmpfile(), tmpfile() };
	int argc = 0, kept[2];
	for (; words[argc] != NULL; argc++)
		argv[argc] = str_dup(str_from(words[argc]));
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		kept[i] = dup(i + 1);
		dup2(fileno(files[i]), i + 1);
	}
	int rc = cmd_check(argc, argv);
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], i + 1);
		close(kept[i]);
	}
	read_back(files[0], out, sizeof out);
	read_back(files[1], err, sizeof err);
	for (int i = 0; i < 8; i++)
		free(argv[i]);
	return rc;
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void
good_file_is_summed_up_on_stdout(void **state)
{
	(void)state;
	char path[64];
	write_file(path, "listen: '[::1]:81'\nbatch: { tasks: [x] }\ncache: off\n");
	assert_int_equal(RUN("check", "-c", path, "--db", "other.db"), 0);
	unlink(path);
	assert_string_equal(err, "");
	assert_non_null(strstr(out, "listen      [::1]:81\n"));
	assert_non_null(strstr(out, "database    other.db\n"));
	assert_non_null(
	    strstr(out, "tiers       simple gpt-4o-mini, moderate gpt-4o-mini, complex gpt-4o\n"));
	assert_non_null(strstr(out, "on          routing, dedup, batching, budget, deferred requests\n"));
	assert_non_null(strstr(out, "not yet     nothing\n"));
	assert_non_null(strstr(out, "off         exact cache, similarity cache, capture\n"));
}

static void
limits_projects_and_alerts_are_summed_up(void **state)
{
	(void)state;
	char path[64];
	write_file(path, "projects: { shop: { budget: { daily_usd: 1.5 } }, free: {} }\n"
			 "paths: { /v1/batches: { usd: 1.5 }, /v1/moderations: { free: true } }\n"
			 "alerts: { at: [75], webhook: 'https://hooks.example.com/verysecret' }\n");
	assert_int_equal(RUN("check", "-c", path), 0);
	unlink(path);
	assert_non_null(strstr(out, "projects    2: shop (day $1.50), free (no limit)\n"));
	assert_non_null(strstr(out, "paths       2: /v1/batches ($1.50), /v1/moderations (free)\n"));
	assert_non_null(strstr(out, "limits      request $0.05, day $2.00 (UTC)\n"));
	assert_non_null(strstr(out, "alerts      75 %, told to a webhook\n"));
	assert_null(strstr(out, "verysecret"));
}

static void
budget_without_any_limit_is_off(void **state)
{
	(void)state;
	char path[64];
	write_file(path, "budget: off\nalerts: off\n");
	assert_int_equal(RUN("check", "-c", path), 0);
	assert_non_null(strstr(out, "budget, capture\n"));
	assert_non_null(strstr(out, "limits      no limit (UTC)\nalerts      none\n"));
	unlink(path);
	write_file(path, "budget: off\nprojects: { shop: { budget: { request_usd: 0 } } }\n");
	assert_int_equal(RUN("check", "-c", path), 0);
	unlink(path);
	assert_non_null(strstr(out, "on          routing, exact cache, similarity cache, dedup, budget, "
				    "deferred requests\n"));
}

static void
key_is_not_in_the_summary(void **state)
{
	(void)state;
	setenv("OPENAI_API_KEY", "sk-verysecret", 1);
	char path[64];
	write_file(path, "mode: observe\n");
	assert_int_equal(RUN("check", "--config", path), 0);
	unlink(path);
	assert_non_null(strstr(out, "https://api.openai.com/v1"));
	assert_null(strstr(out, "verysecret"));
}

static void
each_problem_is_one_line_on_stderr(void **state)
{
	(void)state;
	char path[64], wanted[300];
	write_file(path, "listen: 1\nlisen: 2\nworkers: 0\n");
	assert_int_equal(RUN("check", "-c", path), 1);
	unlink(path);
	snprintf(wanted, sizeof wanted,
	    "%s:2: lisen: is unknown here; did you mean listen?\n%s:3: workers: must be from 1 to 16\n", path,
	    path);
	assert_string_equal(err, wanted);
	assert_string_equal(out, "");
}

static void
missing_file_is_bad(void **state)
{
	(void)state;
	assert_int_equal(RUN("check", "-c", "/nowhere/x.yaml"), 1);
	assert_string_equal(err, "/nowhere/x.yaml: cannot be read: No such file or directory\n");
}

static void
usage_is_2_and_help_is_0(void **state)
{
	(void)state;
	assert_int_equal(RUN("check", "--help"), 0);
	assert_non_null(strstr(out, "usage: farthing check"));
	assert_int_equal(RUN("check", "--nonsense"), 2);
	assert_non_null(strstr(err, "usage: farthing check"));
	assert_int_equal(RUN("check", "stray"), 2);
	assert_int_equal(RUN("check", "-c"), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(good_file_is_summed_up_on_stdout),
		T(limits_projects_and_alerts_are_summed_up),
		T(budget_without_any_limit_is_off),
		T(key_is_not_in_the_summary),
		T(each_problem_is_one_line_on_stderr),
		T(missing_file_is_bad),
		T(usage_is_2_and_help_is_0),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
