/*
 * From a file, the environment and the table's defaults to one tree.
 *
 *     bytes -> yaml_read -> nodes -> upstreams -> models -> defaults -> the file's sections -> tasks, projects
 *
 * Upstreams and models come first, because everything else may name them; tasks last, because they copy the rest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_account.h"
#include "config_model.h"
#include "config_parse.h"
#include "config_path.h"
#include "config_task.h"

#define SCRATCH_BYTES ((size_t)64 * 1024)

/* Reserved once and never outgrown, so that no copy of a secret is left behind by a reallocation. */
static void
scratch_open(struct buf *b)
{
	buf_init(b, SCRATCH_BYTES);
	if (buf_reserve(b, SCRATCH_BYTES) != 0)
		abort();
}

static void
scratch_close(struct buf *b)
{
	explicit_bzero(b->p, b->cap);
	buf_free(b);
}

static void
check_limits(struct reader *r, const struct node *root)
{
	const struct limits_conf *l = &r->config->limits;
	const struct node *n = node_get(root, "limits");
	if (n == NULL)
		return;
	if (l->event > l->stream)
		problem_add(r->problems, n->line, "limits.event", "is above limits.stream");
	if (l->per_address > l->connections && node_get(n, "per_address") != NULL)
		problem_add(r->problems, n->line, "limits.per_address", "is above limits.connections");
	if (l->per_key > l->concurrent && node_get(n, "per_key") != NULL)
		problem_add(r->problems, n->line, "limits.per_key", "is above limits.concurrent");
}

static void
read_tree(struct reader *r, const struct node *root)
{
	struct config *c = r->config;
	if (root != NULL && root->kind != NODE_MAP && !node_null(root)) {
		problem_add(r->problems, root->line, "", "must be a map of keys: listen: ..., models: ...");
		return;
	}
	c->hosts = config_memory_take(r->memory, sizeof *c->hosts);
	upstreams_read(r, root);
	models_read(r, root);
	alerts_defaults(&c->alerts);
	read_defaults(r, &config_root, "", c);
	read_section(r, &config_root, root, "", c);
	check_limits(r, root);
	upstreams_check(r, root);
	tasks_read(r, root);
	projects_read(r, root);
	paths_read(r, root);
	alerts_read(r, root);
}

static struct config *
parse(const char *label, struct str text, const char *database, bool without_secrets,
    struct config_problem **problems)
{
	struct config_memory *m = config_memory_new(), *nodes = config_memory_new();
	struct config *c = config_memory_take(m, sizeof *c);
	struct problem_list list = { .file = label };
	struct reader r = { .config = c, .memory = m, .problems = &list, .without_secrets = without_secrets };
	c->memory = m;
	c->holders = 1;
	c->path = config_memory_text(m, str_from(label));
	scratch_open(&r.text);
	scratch_open(&r.secret);

	struct node *root = yaml_read(text, nodes, &list);
	if (root != NULL || list.first == NULL)
		read_tree(&r, root);
	if (database != NULL)
		c->database = config_memory_text(m, str_from(database));

	scratch_close(&r.text);
	scratch_close(&r.secret);
	config_memory_free(&nodes);
	problem_sort(&list);
	*problems = list.first;
	if (list.first != NULL)
		config_drop(&c);
	return c;
}

struct config *
config_parse(const char *label, struct str text, const char *database, struct config_problem **problems)
{
	return parse(label, text, database, false, problems);
}

/* The file's bytes, at most one more than yaml_read takes, so that it can tell. */
static int
read_file(const char *path, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		goto done;
	}
	buf_init(out, YAML_MOST_BYTES + 1);
	if (buf_reserve(out, YAML_MOST_BYTES + 1) != 0)
		goto done;
	for (ssize_t got = 1; got > 0 && out->n < out->max; out->n += (size_t)got) {
		got = read(fd, out->p + out->n, out->max - out->n);
		if (got < 0)
			goto done;
	}
	rc = 0;
done:
	close(fd);
	return rc;
}

/* The first of the usual places where there is something, or NULL. What is there and cannot be read is not skipped. */
static const char *
usual_path(void)
{
	static const char *const usual[] = { "./farthing.yaml", "/etc/farthing/farthing.yaml" };
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (access(usual[i], F_OK) == 0 || errno == EACCES)
			return usual[i];
	return NULL;
}

static struct config *
load(const char *path, const char *database, bool without_secrets, struct config_problem **problems)
{
	struct config *c = NULL;
	struct buf bytes = { 0 };
	*problems = NULL;
	if (path == NULL)
		path = usual_path();
	if (path == NULL)
		return parse("", STR(""), database, without_secrets, problems);
	if (read_file(path, &bytes) != 0) {
		struct problem_list list = { .file = path };
		problem_add(&list, 0, "", "cannot be read: %s", strerror(errno));
		*problems = list.first;
	} else {
		c = parse(path, buf_str(&bytes), database, without_secrets, problems);
	}
	if (bytes.cap > 0)
		explicit_bzero(bytes.p, bytes.n);
	buf_free(&bytes);
	return c;
}

struct config *
config_load(const char *path, const char *database, struct config_problem **problems)
{
	return load(path, database, false, problems);
}

struct config *
config_load_without_secrets(const char *path, const char *database, struct config_problem **problems)
{
	return load(path, database, true, problems);
}

void
config_hold(struct config *c)
{
	assert(c->holders > 0);
	c->holders++;
}

void
config_drop(struct config **config)
{
	struct config *c = *config;
	*config = NULL;
	if (c == NULL)
		return;
	assert(c->holders > 0);
	if (--c->holders > 0)
		return;
	struct config_memory *m = c->memory; /* the tree itself lies in it */
	config_memory_free(&m);
}

const struct model_conf *
config_model(const struct config *c, struct str name)
{
	const struct model_conf *m = table_get(&c->memory->models, name);
	struct str family = m == NULL ? price_family(name) : (struct str){ NULL, 0 };
	if (family.n > 0)
		m = table_get(&c->memory->models, family);
	return m != NULL && family.n > 0 && !m->family ? NULL : m;
}

const struct price *
config_price_at(const struct model_conf *m, int64_t wall_us)
{
	const struct price *p = &m->price;
	for (size_t i = 0; i < m->history_count && (i == 0 || m->history[i].from_us <= wall_us); i++)
		p = &m->history[i].price;
	return p;
}

const struct project_conf *
config_project(const struct config *c, struct str name)
{
	return table_get(&c->memory->projects, name);
}

const struct path_conf *
config_path(const struct config *c, struct str path)
{
	const struct path_conf *best = NULL;
	size_t longest = 0;
	for (size_t i = 0; i < c->path_count; i++) {
		struct str rule = str_from(c->paths[i].path);
		bool inside = path.n == rule.n || (path.n > rule.n && path.p[rule.n] == '/');
		if (rule.n <= longest || !inside || !str_starts(path, rule))
			continue;
		best = &c->paths[i];
		longest = rule.n;
	}
	return best;
}

const struct task_conf *
config_task(const struct config *c, struct str name)
{
	const struct task_conf *t = table_get(&c->memory->tasks, name);
	return t != NULL ? t : &c->tasks[0];
}
