/* index_commit.h: what was added goes into the tables, sorted, in one transaction. Inner header of storage/index. Thread: the writer. */
#pragma once

#include "storage/index/index_db.h"

bool index_commit_pending(struct day_index *index, struct err *err) MUST_CHECK;
