/* Any bytes as X-Loki-Query-Limits: what is taken loosens no limit, and what is refused, with a reason, changes none. */
#include <stdlib.h>
#include <string.h>

#include "net/tenancy/request_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tighter(int64_t before, int64_t after)
{
    if (after < 0 || (before > 0 && (after > before || after == 0)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct limits before;
    struct limits after;
    struct err err = {.text = ""};
    limits_defaults(&before);
    after = before;
    if (!request_limits_tighten(slice_of(data, size), &arena, &after, &err)) {
        if (err.text[0] == '\0' || memcmp(&before, &after, sizeof(after)) != 0)
            abort();
        arena_fini(&arena);
        return 0;
    }
    check_tighter(before.max_query_length, after.max_query_length);
    check_tighter(before.max_query_range, after.max_query_range);
    check_tighter(before.max_query_lookback, after.max_query_lookback);
    check_tighter(before.query_timeout, after.query_timeout);
    check_tighter(before.max_entries_limit_per_query, after.max_entries_limit_per_query);
    check_tighter(before.max_query_bytes_read, after.max_query_bytes_read);
    if (after.minimum_labels_number < before.minimum_labels_number || after.required_labels.count > REQUEST_LABELS_MAX)
        abort();
    arena_fini(&arena);
    return 0;
}
