/* index_read.h: a read transaction of an index, which is told of while it lasts: as long as it does, LMDB reuses no page that was freed since.
 *
 * Thread: any; a read belongs to the thread that began it.
 */
#pragma once

#include "storage/index/index_db.h"

struct index_read {
    MDB_txn *txn;
    size_t slot;
};

bool index_read_begin(struct day_index *index, struct index_read *out, struct err *err) MUST_CHECK;
void index_read_end(struct index_read *read);
