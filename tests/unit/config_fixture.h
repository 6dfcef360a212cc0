/*
 * What the tests of the configuration share: a clean environment, parsing from memory, temporary files.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/core/config_parse.h"
#include "base/money.h"
#include "core/config.h"

static const char *const config_variables[] = { "OPENAI_API_KEY", "OPENAI_BASE_URL", "FARTHING_ADMIN_KEY",
	"CREDENTIALS_DIRECTORY", "FARTHING_TEST_WORD" };

static inline int
clean_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof config_variables / sizeof *config_variables; i++)
		unsetenv(config_variables[i]);
	return 0;
}

/* The tree of a text that must be good; a problem is printed and fails the test. */
static inline struct config *
good(const char *text)
{
	struct config_problem *problems;
	struct config *c = config_parse("t.yaml", str_from(text), NULL, &problems);
	for (const struct config_problem *p = problems; p != NULL; p = p->next)
		print_error("%s:%d: %s: %s\n", p->file, p->line, p->key, p->text);
	assert_null(problems);
	assert_non_null(c);
	return c;
}

/* The problems of a text that must be bad. */
static inline struct config_problem *
bad(const char *text)
{
	struct config_problem *problems;
	struct config *c = config_parse("t.yaml", str_from(text), NULL, &problems);
	assert_null(c);
	assert_non_null(problems);
	return problems;
}

/* A temporary file with this content; its path is in path. */
static inline void
write_file(char path[64], const char *content)
{
	str_copy(path, 64, STR("/tmp/farthing-test-XXXXXX"));
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

#endif
