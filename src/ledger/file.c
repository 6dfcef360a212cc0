/*
 * The ledger's file before SQLite sees it.
 *
 * The lock is a file of its own beside the ledger: POSIX drops all of a process's record locks on a file when any
 * descriptor of it is closed, so a lock on the ledger itself would take SQLite's locks with it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema.h"

/* Some ten thousand requests with their attempts: more than can be running. */
enum { BALLAST_BYTES = 16 * 1024 * 1024 };

static char *
beside(const char *path, const char *suffix)
{
	struct str p = str_from(path), s = str_from(suffix);
	char *name = must_alloc(p.n + s.n + 1);
	memcpy(name, p.p, p.n);
	memcpy(name + p.n, s.p, s.n);
	return name;
}

char *
file_beside(const struct file *f, const char *suffix)
{
	return beside(f->path, suffix);
}

/* A file that does not exist yet has no real path; its folder has. */
static char *
resolve(const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	if (real != NULL || errno != ENOENT) {
		if (real == NULL)
			err_set(e, 503, "ledger_unavailable", "cannot reach the ledger %s: %s", path,
			    strerror(errno));
		return real;
	}
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	struct str dir = slash == NULL   ? STR(".")
			 : slash == path ? STR("/")
					 : (struct str){ path, (size_t)(slash - path) };
	char *wanted = str_dup(dir);
	char *folder = realpath(wanted, NULL);
	if (folder == NULL) {
		err_set(e, 503, "ledger_unavailable", "cannot create the ledger %s: its directory %s: %s",
		    path, wanted, strerror(errno));
	} else if (base[0] == '\0') {
		err_set(e, 503, "ledger_unavailable", "the ledger %s names a directory, not a file", path);
	} else {
		char *tail = beside(strcmp(folder, "/") == 0 ? "" : "/", base);
		real = beside(folder, tail);
		free(tail);
	}
	free(folder);
	free(wanted);
	return real;
}

static long
lock_holder(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	return n > 0 ? strtol(text, NULL, 10) : 0;
}

int
file_lock(struct file *f, const char *path, struct err *e)
{
	*f = (struct file){ .lock = -1 };
	f->path = resolve(path, e);
	if (f->path == NULL)
		return -1;
	char *name = beside(f->path, ".lock");
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err_set(e, 503, "ledger_unavailable",
		    "cannot open %s: %s; farthing must be able to write to the directory of its ledger", name,
		    strerror(errno));
		free(name);
		return -1;
	}
	free(name);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			err_set(e, 503, "ledger_in_use",
			    "%s is in use by another farthing (pid %ld); stop it first, or give this one "
			    "a database of its own",
			    f->path, lock_holder(fd));
		else
			err_set(e, 503, "ledger_unavailable", "cannot lock %s.lock: %s", f->path,
			    strerror(errno));
		close(fd);
		return -1;
	}
	char pid[24];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	/* Only the message of a second process needs the number, so failing to write it is no failure to lock. */
	bool named = ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) == n;
	(void)named;
	f->lock = fd;
	return 0;
}

/* The lock file stays: to remove it could take away the name of a lock that another process just got. */
void
file_unlock(struct file *f)
{
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	*f = (struct file){ .lock = -1 };
}

static int64_t
size_of(const char *path, const char *suffix)
{
	char *name = beside(path, suffix);
	struct stat st;
	int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
	free(name);
	return size;
}

static uint32_t
big_endian(const unsigned char *p, int n)
{
	uint32_t value = 0;
	for (int i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

#define UNTOUCHED "; it was left untouched"

/* Offsets are those of the SQLite file format, section 1.3. */
static int
inspect_header(const struct file *f, const unsigned char h[100], struct err *e)
{
	if (memcmp(h, "SQLite format 3", 16) != 0)
		return err_set(e, 503, "ledger_foreign",
		    "%s is not a farthing ledger, or its first page is damaged" UNTOUCHED
		    "; restore a backup, or name another database",
		    f->path);
	uint32_t application = big_endian(h + 68, 4);
	if (application != SCHEMA_APPLICATION)
		return err_set(e, 503, "ledger_foreign",
		    "%s is an SQLite database of another program (application id %u)" UNTOUCHED
		    "; name another database",
		    f->path, application);
	uint32_t version = big_endian(h + 60, 4);
	if (version > SCHEMA_VERSION)
		return err_set(e, 503, "ledger_newer",
		    "%s was written by a newer farthing (schema %u, this one knows %d)" UNTOUCHED
		    "; install the newer version, or restore the backup made before the upgrade",
		    f->path, version, SCHEMA_VERSION);
	uint32_t page = big_endian(h + 16, 2);
	int64_t page_bytes = page == 1 ? 65536 : (int64_t)page;
	int64_t pages = big_endian(h + 28, 4);
	/* A checkpoint that was cut short may have written the first page and not yet the last: then there is a WAL. */
	bool cut = page_bytes < 512 || f->bytes % page_bytes != 0 || f->bytes < pages * page_bytes;
	if (cut && size_of(f->path, "-wal") == 0)
		return err_set(e, 503, "ledger_damaged",
		    "%s is damaged: it has %lld bytes where its header promises %lld" UNTOUCHED
		    "; restore a backup",
		    f->path, (long long)f->bytes, (long long)pages * (long long)page_bytes);
	return 0;
}

int
file_inspect(struct file *f, struct err *e)
{
	struct stat st;
	f->missing = stat(f->path, &st) != 0;
	if (f->missing && errno != ENOENT)
		return err_set(
		    e, 503, "ledger_unavailable", "cannot reach the ledger %s: %s", f->path, strerror(errno));
	if (f->missing) {
		if (size_of(f->path, "-wal") > 0)
			return err_set(e, 503, "ledger_damaged",
			    "%s is missing but its write-ahead log %s-wal is there: put the ledger back "
			    "beside it, or move the log away",
			    f->path, f->path);
		return 0;
	}
	f->bytes = (int64_t)st.st_size;
	if (!S_ISREG(st.st_mode))
		return err_set(e, 503, "ledger_foreign", "the ledger %s is not a regular file", f->path);
	if (access(f->path, R_OK | W_OK) != 0)
		return err_set(e, 503, "ledger_unavailable", "cannot write to the ledger %s: %s", f->path,
		    strerror(errno));
	/* Never made by us: a new ledger gets its name only when it is whole. */
	if (f->bytes == 0)
		return err_set(e, 503, "ledger_damaged",
		    "%s is empty, so the books it may have held are gone" UNTOUCHED
		    "; restore a backup, or delete it to begin new books",
		    f->path);
	unsigned char header[100] = { 0 };
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(
		    e, 503, "ledger_unavailable", "cannot read the ledger %s: %s", f->path, strerror(errno));
	ssize_t n = pread(fd, header, sizeof header, 0);
	close(fd);
	if (n < 0)
		return err_set(
		    e, 503, "ledger_unavailable", "cannot read the ledger %s: %s", f->path, strerror(errno));
	return inspect_header(f, header, e);
}

int
file_remember(struct file *f)
{
	struct stat st;
	if (stat(f->path, &st) != 0)
		return -1;
	f->device = st.st_dev;
	f->inode = st.st_ino;
	return 0;
}

bool
file_in_place(const struct file *f)
{
	struct stat st;
	return stat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode;
}

int
file_take_ballast(const struct file *f)
{
	char *name = beside(f->path, ".ballast");
	int rc = 0;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fallocate(fd, 0, 0, BALLAST_BYTES) != 0) {
		rc = errno == ENOSPC || errno == EDQUOT ? -1 : 0;
		unlink(name);
	}
	if (fd >= 0)
		close(fd);
	free(name);
	return rc;
}

bool
file_release_ballast(const struct file *f)
{
	char *name = beside(f->path, ".ballast");
	bool released = unlink(name) == 0;
	free(name);
	return released;
}
