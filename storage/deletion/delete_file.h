/* delete_file.h: the delete requests of one tenant as bytes: one file a tenant, replaced as a whole with each change.
 *
 * Format: docs/formats/deletes.md.
 * Thread: any.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"

#define DELETE_REQUESTS_MAX ((size_t)1000)          /* of a tenant, processed ones counted */
#define DELETE_QUERY_BYTES_MAX ((size_t)16 << 10)
#define DELETE_FILE_BYTES_MAX ((size_t)20 << 20)

enum delete_state {
    DELETE_RECEIVED,  /* hides lines */
    DELETE_STARTED,   /* ... and some are erased */
    DELETE_PROCESSED, /* all are erased; what is pushed from now on stays */
};

struct delete_request {
    uint32_t id;
    enum delete_state state;
    unsigned percent; /* of the segments that may hold something of it; under 100 until it is processed */
    int64_t start_ms, end_ms; /* Unix, both inclusive */
    int64_t created_ms;
    int64_t max_interval_ns; /* as asked for; 0: it was not. Lines are erased the same */
    struct slice query;
};

struct delete_list {
    struct slice tenant;
    uint64_t generation; /* rises with each change: Loki's cache generation number */
    struct delete_request *requests; /* by creation */
    size_t count;
};

void delete_list_encode(const struct delete_list *list, struct buf *out);
/* The whole file. ERR_CORRUPT: it does not hold. The list lives in the arena; slices are of the arena too. */
bool delete_list_decode(struct slice bytes, struct arena *arena, struct delete_list *out, struct err *err) MUST_CHECK;

/* The name of the tenant's file. */
#define DELETE_FILE_NAME_MAX 48
void delete_file_name(struct slice tenant, char out[DELETE_FILE_NAME_MAX]);
