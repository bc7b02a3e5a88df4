/* fuzz_loql.c: LOQL texts. What parses is true or false of a stream and entry, and what the index would be asked for never leaves out what the
 * conditions accept. What does not has a place inside the text. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/loql/loql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct label labels[] = {{{"app", 3}, {"web", 3}}, {{"env", 3}, {"prod", 4}}};
static const struct label_set set = {labels, 2};

static bool contains_one(struct slice line, const struct needle *needle)
{
    for (size_t i = 0; i < needle->count; i++) {
        if (needle->any[i].len == 0 || memmem(line.ptr, line.len, needle->any[i].ptr, needle->any[i].len) != NULL)
            return true;
    }
    return false;
}

static void check(const struct loql_query *query, struct arena *arena)
{
    static const struct slice lines[] = {{"error", 5}, {"a", 1}, {"", 0}, {"GET /x 500 b", 12}};
    struct matcher *matchers = NULL;
    struct needle *needles = NULL;
    struct slice value;
    size_t matcher_count = loql_matchers(query->tags, arena, &matchers);
    size_t needle_count = loql_needles(query->fields, arena, &needles);
    if (query->first_ns > query->last_ns)
        abort();
    for (size_t i = 0; loql_tags_accept(query->tags, &set) && i < matcher_count; i++) {
        bool has = label_set_get(&set, matchers[i].name, &value);
        if (!matcher_accepts(&matchers[i], has ? value : SLICE("")) || matcher_accepts(&matchers[i], SLICE("")) != matchers[i].matches_empty)
            abort();
    }
    for (size_t l = 0; l < LENGTH(lines); l++) {
        bool accepted = loql_fields_accept(query->fields, &set, SLICE("\x01" "a\x01" "b"), lines[l]);
        for (size_t i = 0; accepted && i < needle_count; i++) {
            if (!contains_one(lines[l], &needles[i]))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct loql_query query;
    struct loql_fault fault = {0, 0, SLICE_NONE};
    struct err err = {.code = ERR_NONE};
    if (loql_parse(slice_of(data, size), (int64_t)1767225600 * NS_PER_S, &arena, &query, &fault, &err))
        check(&query, &arena);
    else if (fault.line == 0 || fault.column == 0 || fault.column > size + 1 || fault.text.len == 0)
        abort();
    loql_query_fini(&query);
    arena_fini(&arena);
    return 0;
}
