#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/loql/loql_run.h"
#include "tests/unit/core_plan/memory_source.h"

#define ENTRIES ((size_t)300)

static const struct memory_stream streams[] = {
    {{{"app", 3}, {"a", 1}}, {{"env", 3}, {"x", 1}}},
    {{{"app", 3}, {"a", 1}}, {{"env", 3}, {"y", 1}}},
    {{{"app", 3}, {"b", 1}}, {{NULL, 0}, {NULL, 0}}},
};

/* Entry i: stream i % 3, time i / 2, line "even" or "odd", metadata n = i % 10 but for each fourth. */
static void fill(struct memory_entry entries[ENTRIES])
{
    static const char digits[] = "0123456789";
    for (size_t i = 0; i < ENTRIES; i++) {
        entries[i] = (struct memory_entry){.stream = (uint32_t)(i % 3), .ts_ns = (int64_t)(i / 2), .line = i % 2 == 0 ? SLICE("even") : SLICE("odd")};
        if (i % 4 != 0)
            entries[i].metadata = (struct label){SLICE("n"), slice_of(&digits[i % 10], 1)};
    }
}

struct told {
    int64_t ts_ns[ENTRIES];
    size_t count, most; /* told to stop at most */
    bool is_sorted;
};

static bool each(void *self, const struct loql_row *row, struct err *err)
{
    struct told *told = self;
    if (told->count == told->most)
        return err_set(err, ERR_CANCELLED, "enough");
    told->is_sorted = told->is_sorted && (told->count == 0 || told->ts_ns[told->count - 1] >= row->ts_ns);
    told->ts_ns[told->count++] = row->ts_ns;
    return true;
}

static bool run(struct loql_query *query, int64_t memory_max, struct told *told, struct err *err)
{
    static struct memory_entry entries[ENTRIES];
    struct memory_source memory;
    struct arena arena = ARENA_INIT;
    struct limits limits;
    struct query_control control = {.clock = &system_clock, .memory_max = memory_max};
    fill(entries);
    memory_source_init(&memory, streams, LENGTH(streams), entries, ENTRIES, 16);
    limits_defaults(&limits);
    atomic_init(&control.memory_left, memory_max);
    atomic_init(&control.bytes_read_left, INT64_MAX);
    struct loql_request request = {.tenant = SLICE("t"), .query = query, .limits = &limits, .arena = &arena};
    *told = (struct told){.most = told->most, .is_sorted = true};
    bool ok = loql_run(&memory.source, &serial_executor, &request, &control, each, told, err);
    assert_int_equal(atomic_load(&memory.scans_open), 0);
    assert_int_equal(atomic_load(&control.memory_left), memory_max); // all was given back
    arena_fini(&arena);
    return ok;
}

static const struct run_case {
    const char *conditions; /* behind a range that is set by hand */
    int64_t first_ns, last_ns;
} run_cases[] = {
    {"", INT64_MIN, INT64_MAX},
    {"", 10, 20}, /* both ends are inside */
    {"", 20, 20},
    {"{app=a}", 0, 100},
    {"{app=a env!=x}", 0, 100},
    {"{app=b or env=y}", 0, 100},
    {"_msg=even", 0, 149},
    {"n=3", 0, 149},
    {"{app=a} n~'[1-3]'", 0, 149},
    {"{app=a} n='' or _msg~od", 0, 149},
    {"app=b n!=7", 5, 140},
};

/* The same by looking at each entry. */
static size_t count_plainly(const struct loql_query *query)
{
    struct memory_entry entries[ENTRIES];
    size_t count = 0;
    fill(entries);
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct memory_stream *stream = &streams[entries[i].stream];
        struct label labels[2] = {stream->label, stream->second};
        struct label_set set = {labels, stream->second.name.len > 0 ? 2 : 1};
        struct buf metadata = BUF_INIT;
        if (entries[i].metadata.name.len > 0)
            label_set_encode(&(struct label_set){&entries[i].metadata, 1}, &metadata);
        count += entries[i].ts_ns >= query->first_ns && entries[i].ts_ns <= query->last_ns && loql_tags_accept(query->tags, &set) &&
                 loql_fields_accept(query->fields, &set, buf_slice(&metadata), entries[i].line);
        buf_fini(&metadata);
    }
    return count;
}

static void parse(const char *conditions, struct arena *arena, struct loql_query *out)
{
    struct loql_fault fault;
    struct err err = {.code = ERR_NONE};
    if (!loql_parse(arena_printf(arena, "[1s,now] %s", conditions), 0, arena, out, &fault, &err))
        fail_msg("%s: %s", conditions, err.text);
}

static void every_entry_that_fulfils_it_comes_newest_first(void **state)
{
    (void)state;
    size_t total = 0;
    for (size_t i = 0; i < LENGTH(run_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct loql_query query;
        static struct told told;
        struct err err = {.code = ERR_NONE};
        parse(run_cases[i].conditions, &arena, &query);
        query.first_ns = run_cases[i].first_ns;
        query.last_ns = run_cases[i].last_ns;
        told.most = ENTRIES;
        if (!run(&query, 1 << 20, &told, &err))
            fail_msg("%s: %s", run_cases[i].conditions, err.text);
        if (told.count != count_plainly(&query) || !told.is_sorted)
            fail_msg("case %zu: %zu rows, want %zu; sorted: %d", i, told.count, count_plainly(&query), told.is_sorted);
        total += told.count;
        loql_query_fini(&query);
        arena_fini(&arena);
    }
    assert_true(total > 500);
}

static void what_does_not_fit_or_is_stopped_gives_its_memory_back(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct loql_query query;
    static struct told told;
    struct err err = {.code = ERR_NONE};
    parse("", &arena, &query);
    query.first_ns = 0;
    query.last_ns = INT64_MAX;
    told.most = ENTRIES;
    assert_false(run(&query, 4096, &told, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(told.count, 0);
    told.most = 7;
    assert_false(run(&query, 1 << 20, &told, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_int_equal(told.count, 7);
    loql_query_fini(&query);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_that_fulfils_it_comes_newest_first),
        cmocka_unit_test(what_does_not_fit_or_is_stopped_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
