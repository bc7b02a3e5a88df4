/* loql_run.h: runs a LOQL query over a source: every entry that fulfils it, newest first, within the query's memory.
 * Thread: the query's own, plus the executor's workers. */
#pragma once

#include "core/loql/loql.h"
#include "core/model/limits.h"
#include "core/plan/executor.h"

struct loql_row {
    int64_t ts_ns;
    const struct label_set *labels; /* of the stream */
    struct slice metadata;          /* label_set encoding */
    struct slice line;
};

struct loql_request {
    struct slice tenant;
    const struct loql_query *query;
    const struct limits *limits;
    struct arena *arena;
};

/* Calls each(self, row, err) for the rows, newest first, of one time by stream; false ends it with its error. A row's slices live until loql_run
 * returns. ERR_LIMIT over max_query_memory or max_query_bytes_read. */
bool loql_run(const struct source *source, const struct executor *executor, const struct loql_request *request, struct query_control *control,
              bool (*each)(void *self, const struct loql_row *row, struct err *err), void *self, struct err *err) MUST_CHECK;
