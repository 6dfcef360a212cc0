/*
 * The auditor of the books: recomputes from the rows everything that must be true of them. Reads only; a gateway may
 * be writing to the same file meanwhile (it sees one moment of it).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FARTHING_LEDGER_CHECK_H
#define FARTHING_LEDGER_CHECK_H

#include "base/err.h"

/*
 * 0 when all holds. -1 with *e otherwise; where rules are broken, each breach is a line of the report (at most twenty
 * a rule, then their number). The report's last line counts rows. The file is never changed.
 */
int ledger_check(const char *path, struct buf *report, struct err *e);

#endif
