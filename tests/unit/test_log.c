/*
 * Proves src/base/log.c with a pipe in the place of stderr: what a line looks like, that nobody can forge one, and that a full
 * sink costs lines and never time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

static int sink = -1, real_stderr = -1; /* the pipe's reading end; where stderr leads otherwise */
static struct buf seen;

static int
open_sink(void **state)
{
	(void)state;
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	sink = fds[0];
	fcntl(sink, F_SETFL, O_NONBLOCK);
	clock_fake(0, INT64_C(1700000000123456));
	log_setup(LOG_DEBUG, false);
	return 0;
}

static int
close_sink(void **state)
{
	(void)state;
	log_hold(false);
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(sink);
	clock_fake(-1, -1);
	log_setup(LOG_INFO, false);
	buf_free(&seen);
	return 0;
}

/* What was written since the last time. */
static const char *
drain(void)
{
	char bytes[4096];
	ssize_t n;
	buf_clear(&seen);
	while ((n = read(sink, bytes, sizeof bytes)) > 0)
		buf_add(&seen, (struct str){ bytes, (size_t)n });
	return buf_text(&seen);
}

static void
text_line_has_time_level_verb_and_pairs(void **state)
{
	(void)state;
	log_line(LOG_INFO, "closed", "exchange=%d bytes=%lld id=%s why=%q fixed=word", 41,
	    (long long)INT64_C(-9000000000), "req_1", "client hung up");
	assert_string_equal(drain(),
	    "2023-11-14T22:13:20.123Z info closed exchange=41 bytes=-9000000000 id=req_1 "
	    "why=\"client hung up\" fixed=word\n");
	log_line(LOG_ERROR, "stopped", "");
	assert_string_equal(drain(), "2023-11-14T22:13:20.123Z error stopped\n");
}

static void
json_line_is_one_object(void **state)
{
	(void)state;
	log_setup(LOG_DEBUG, true);
	log_line(LOG_WARN, "closed", "exchange=%d bytes=%lld id=%s why=%q fixed=word", 41, 7LL, "req\"1",
	    "client \"hung\" up\n");
	assert_string_equal(drain(),
	    "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"event\":\"closed\","
	    "\"exchange\":41,\"bytes\":7,\"id\":\"req\\\"1\",\"why\":\"client \\\"hung\\\" "
	    "up\\n\",\"fixed\":\"word\"}\n");
}

static const char *const forgeries[] = { "a\n2023-11-14T22:13:20.123Z error forged", "a\r\nb",
	"\" level=error x=\"", "\x1b[2J\x1b[31m", "\\", "\\\"", "\x7f", "%s%n%d", "\xff\xfe", "\xe2\x80\xa8",
	"", "{\"a\":1}" };

static void
foreign_words_cannot_forge_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
		/* given a word from outside in a text line */
		log_setup(LOG_DEBUG, false);
		log_line(LOG_INFO, "got", "word=%q end=%d", forgeries[i], 1);
		struct str line = str_from(drain());
		/* then it is one line of harmless bytes */
		assert_int_equal(str_find(line, STR("\n")), line.n - 1);
		for (size_t k = 0; k + 1 < line.n; k++)
			assert_true((unsigned char)line.p[k] >= 0x20 && line.p[k] != 0x7f);
		/* and what stands between the quotes is that word again, as a JSON string */
		ptrdiff_t at = str_find(line, STR("word="));
		assert_true(str_ends(line, STR(" end=1\n")));
		struct str quoted = { line.p + at + 5, line.n - (size_t)at - 5 - strlen(" end=1\n") };
		struct json j = { 0 };
		struct json_fault fault;
		assert_int_equal(json_scan(&j, quoted, JSON_LIMITS, &fault), 0);
		bool utf8 = forgeries[i][0] != '\xff'; /* what is none comes back as replacement characters */
		assert_true(!utf8 || json_is(&j, 0, forgeries[i]));
		/* and the same in JSON */
		log_setup(LOG_DEBUG, true);
		log_line(LOG_INFO, "got", "word=%q raw=%s", forgeries[i], forgeries[i]);
		line = str_from(drain());
		assert_int_equal(str_find(line, STR("\n")), line.n - 1);
		assert_int_equal(json_scan(&j, line, JSON_LIMITS, &fault), 0);
		assert_true(!utf8 || json_is(&j, json_member(&j, 0, "word"), forgeries[i]));
		json_free(&j);
	}
}

static void
missing_word_is_an_empty_one(void **state)
{
	(void)state;
	log_line(LOG_INFO, "got", "a=%q b=%s", (const char *)NULL, (const char *)NULL);
	assert_string_equal(drain(), "2023-11-14T22:13:20.123Z info got a=\"\" b=\n");
}

static void
lines_below_the_least_level_are_left_out(void **state)
{
	(void)state;
	log_setup(LOG_WARN, false);
	log_line(LOG_DEBUG, "a", "");
	log_line(LOG_INFO, "b", "");
	assert_string_equal(drain(), "");
	log_line(LOG_WARN, "c", "");
	assert_true(str_ends(str_from(drain()), STR(" warn c\n")));
	log_setup(LOG_SILENT, false);
	log_line(LOG_ERROR, "d", "");
	log_line(LOG_SILENT, "e", "");
	assert_string_equal(drain(), "");
}

static void
held_lines_leave_in_one_write(void **state)
{
	(void)state;
	log_hold(true);
	log_line(LOG_INFO, "a", "n=%d", 1);
	log_line(LOG_INFO, "b", "n=%d", 2);
	assert_string_equal(drain(), "");
	log_flush();
	assert_string_equal(
	    drain(), "2023-11-14T22:13:20.123Z info a n=1\n2023-11-14T22:13:20.123Z info b n=2\n");
	log_flush();
	assert_string_equal(drain(), "");
	log_line(LOG_INFO, "c", "n=%d", 3);
	log_hold(false); /* and nothing stays behind */
	assert_true(str_ends(str_from(drain()), STR("info c n=3\n")));
}

static void
full_pipe_drops_lines_and_counts_them(void **state)
{
	(void)state;
	/* given a pipe that takes nothing more */
	uint64_t before = log_dropped();
	char block[4096];
	memset(block, '.', sizeof block);
	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	while (write(STDERR_FILENO, block, sizeof block) > 0)
		;
	fcntl(STDERR_FILENO, F_SETFL, 0); /* a write that is tried now blocks for ever */
	/* when lines are written, singly and together */
	for (int i = 0; i < 10; i++)
		log_line(LOG_INFO, "lost", "n=%d", i);
	log_hold(true);
	for (int i = 0; i < 5; i++)
		log_line(LOG_INFO, "lost", "n=%d", i);
	log_hold(false);
	/* then they are lost and counted, */
	assert_int_equal(log_dropped() - before, 15);
	assert_null(strstr(drain(), "lost"));
	/* and those that come when there is room are not */
	log_line(LOG_INFO, "kept", "");
	assert_non_null(strstr(drain(), " info kept\n"));
	assert_int_equal(log_dropped() - before, 15);
}

static void
pipe_that_fills_in_the_middle_counts_the_rest(void **state)
{
	(void)state;
	/* given far more held lines than the pipe takes */
	uint64_t before = log_dropped();
	enum { LINES = 5000 };
	log_hold(true);
	for (int i = 0; i < LINES; i++)
		log_line(
		    LOG_INFO, "line", "number=%d text=%q", i, "some words to make it longer than a word");
	log_hold(false);
	/* then what arrived and what was dropped are all of them, and every line that arrived is whole */
	struct str all = str_from(drain()), line;
	uint64_t came = 0;
	while (str_cut(&all, '\n', &line) && line.n > 0) {
		assert_true(str_starts(line, STR("2023-11-14T22:13:20.123Z info line number=")));
		assert_true(str_ends(line, STR(" than a word\"")));
		came++;
	}
	assert_true(came > 0 && came < LINES);
	assert_int_equal(came + (log_dropped() - before), LINES);
}

enum { THREADS = 4, EACH = 100 };

static void *
write_lines(void *context)
{
	for (int i = 0; i < EACH; i++)
		log_line(LOG_INFO, "line", "thread=%s end=%q", (const char *)context, "end");
	return NULL;
}

static void
lines_of_several_threads_do_not_mix(void **state)
{
	(void)state;
	static const char *const names[THREADS] = { "a", "b", "c", "d" };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	struct str all = str_from(drain()), line;
	int came = 0;
	for (; str_cut(&all, '\n', &line) && line.n > 0; came++) {
		assert_int_equal(line.n, strlen("2023-11-14T22:13:20.123Z info line thread=a end=\"end\""));
		assert_true(str_ends(line, STR(" end=\"end\"")));
	}
	assert_int_equal(came, THREADS * EACH);
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, open_sink, close_sink)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(text_line_has_time_level_verb_and_pairs),
		WITH_SINK(json_line_is_one_object),
		WITH_SINK(foreign_words_cannot_forge_a_line),
		WITH_SINK(missing_word_is_an_empty_one),
		WITH_SINK(lines_below_the_least_level_are_left_out),
		WITH_SINK(held_lines_leave_in_one_write),
		WITH_SINK(full_pipe_drops_lines_and_counts_them),
		WITH_SINK(pipe_that_fills_in_the_middle_counts_the_rest),
		WITH_SINK(lines_of_several_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
