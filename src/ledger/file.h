/*
 * The ledger's file before SQLite sees it: who may use it, whether it is one of ours, and whether it is still
 * where it was. Nothing here writes to the file itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_SRC_LEDGER_FILE_H
#define FARTHING_SRC_LEDGER_FILE_H

#include <sys/types.h>

#include "base/err.h"

struct file {
	char *path;   /* absolute, links resolved; owned */
	int lock;     /* descriptor of PATH.lock, or -1 */
	dev_t device; /* of the file that file_remember saw */
	ino_t inode;
	int64_t bytes; /* its size at file_inspect */
	bool missing;
};

/* Fills the path and takes the lock, one process per file. 0, or -1 with *e. Free with file_unlock either way. */
int file_lock(struct file *f, const char *path, struct err *e);
void file_unlock(struct file *f);

/* The name of a file that lies beside it: PATH and the suffix; the caller's to free */
char *file_beside(const struct file *f, const char *suffix);

/* Looks at the header: 0 when it is ours to open or missing (f->missing), else -1 with *e saying what it is.
 * Checks what can be told without SQLite: kind, emptiness, application, schema version, whether it was cut. */
int file_inspect(struct file *f, struct err *e);

int file_remember(struct file *f);        /* notes device and inode; -1 when it is not there */
bool file_in_place(const struct file *f); /* the name still leads to the remembered file */

/*
 * Ballast: space taken beforehand, so that the rows of what is already running can be written on a full disk.
 * Taking it again needs as much free space, so a disk that is almost full does not flutter between the two.
 */
/* 0: it is there, or this file system knows no such thing; -1: no space */
int file_take_ballast(const struct file *f);
bool file_release_ballast(const struct file *f); /* true: there was some */

#endif
