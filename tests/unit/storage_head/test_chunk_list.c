/* Generations, chunk lists, head rows: what is appended is what is read, by readers at the same time too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/mem.h"
#include "storage/head/batch_builder.h"
#include "storage/head/generation.h"
#include "storage/head/head_rows.h"

struct head {
    struct page_pool *pool;
    struct stream_table *table;
    struct tenant_table *tenants;
    struct generation *generation;
    _Atomic size_t bytes;
};

static void head_open(struct head *head)
{
    rcu_thread_join();
    *head = (struct head){.pool = page_pool_create(), .table = stream_table_create(), .tenants = tenant_table_create()};
    head->generation = generation_create(head->pool, 0, 1, 0, &head->bytes);
}

static void head_close(struct head *head)
{
    generation_unref(head->generation);
    assert_int_equal(head->bytes, 0);
    stream_table_destroy(head->table);
    rcu_wait_frees();
    tenant_table_destroy(head->tenants);
    page_pool_destroy(head->pool);
    rcu_thread_part();
}

static struct chunk_list *list_of(struct head *head, uint64_t n)
{
    struct hash128 id = {n, n * 77};
    struct store_tenant *tenant = tenant_table_get(head->tenants, SLICE("t"));
    struct stream_record *stream = stream_table_find_or_add(head->table, tenant, id, SLICE("\x01" "a\x01" "b"));
    return generation_list(head->generation, stream);
}

static void append(struct head *head, struct chunk_list *list, struct push_entry *entries, size_t count)
{
    struct push_run run = {.entries = entries, .count = count, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
    for (size_t i = 0; i < count; i++) {
        run.first_ns = entries[i].ts_ns < run.first_ns ? entries[i].ts_ns : run.first_ns;
        run.last_ns = entries[i].ts_ns > run.last_ns ? entries[i].ts_ns : run.last_ns;
        run.line_bytes += entries[i].line.len;
    }
    generation_append(head->generation, list, &run);
}

static const struct rows_case {
    const char *name;
    struct {
        int64_t ts;
        const char *line, *metadata;
    } in[6];
    const char *want; /* "ts line metadata|" in order */
    uint64_t duplicates;
} rows_cases[] = {
    {"in order", {{1, "a", ""}, {2, "b", ""}, {3, "c", ""}}, "1 a |2 b |3 c |", 0},
    {"out of order", {{3, "c", ""}, {1, "a", ""}, {2, "b", ""}}, "1 a |2 b |3 c |", 0},
    {"ties keep the order of arrival", {{2, "z", ""}, {1, "b", ""}, {1, "a", ""}}, "1 b |1 a |2 z |", 0},
    {"a duplicate goes", {{1, "a", ""}, {1, "b", ""}, {1, "a", ""}}, "1 a |1 b |", 1},
    {"an out of order duplicate goes", {{1, "a", ""}, {2, "b", ""}, {1, "a", ""}}, "1 a |2 b |", 1},
    {"other metadata is another entry", {{1, "a", "x"}, {1, "a", ""}, {1, "a", "x"}, {1, "a", "y"}}, "1 a x|1 a |1 a y|", 1},
    {"empty lines are entries", {{1, "", ""}, {1, "", ""}, {2, "", ""}}, "1  |2  |", 1},
    {"before 1970", {{5, "p", ""}, {-5, "m", ""}}, "-5 m |5 p |", 0},
};

static void rows_are_sorted_stable_and_unique(void **state)
{
    (void)state;
    for (size_t c = 0; c < LENGTH(rows_cases); c++) {
        const struct rows_case *test = &rows_cases[c];
        struct head head;
        head_open(&head);
        struct chunk_list *list = list_of(&head, 1);
        for (size_t i = 0; i < LENGTH(test->in) && test->in[i].line != NULL; i++) {
            struct push_entry entry = {test->in[i].ts, slice_str(test->in[i].line), slice_str(test->in[i].metadata)};
            append(&head, list, &entry, 1);
        }
        struct chunk_list_view view;
        chunk_list_see(list, &view);
        struct head_rows rows = HEAD_ROWS_INIT;
        head_rows_collect(&rows, list, &view, INT64_MIN, INT64_MAX);
        struct buf got = BUF_INIT;
        for (size_t i = 0; i < rows.count; i++) {
            struct slice set = rows.rows[i].metadata == METADATA_NONE ? SLICE("") : metadata_pool_get(generation_metadata(head.generation), rows.rows[i].metadata);
            buf_printf(&got, "%lld %.*s %.*s|", (long long)rows.rows[i].ts_ns, (int)rows.rows[i].line_len, rows.rows[i].line, SLICE_ARG(set));
        }
        if (!slice_eq_str(buf_slice(&got), test->want) || rows.duplicates != test->duplicates)
            fail_msg("%s: \"%.*s\", %d duplicates", test->name, SLICE_ARG(buf_slice(&got)), (int)rows.duplicates);
        buf_fini(&got);
        head_rows_fini(&rows);
        head_close(&head);
    }
}

static void bytes_of_metadata_are_names_and_values_of_every_entry(void **state)
{
    (void)state;
    struct head head;
    head_open(&head);
    struct chunk_list *list = list_of(&head, 1);
    const struct slice set = SLICE("\x05" "level\x04" "info\x01" "t\x02" "77"), other = SLICE("\x01" "a\x01" "b");
    struct push_entry entries[] = {{1, SLICE("x"), set}, {2, SLICE("yy"), set}, {3, SLICE("z"), SLICE_NONE}, {4, SLICE("z"), other}};
    append(&head, list, entries, 3); // as after a restart: the run does not say how many bytes
    append(&head, list, entries + 3, 1);
    struct chunk_list_view view;
    chunk_list_see(list, &view);
    assert_int_equal(view.entries, 4);
    assert_int_equal(view.line_bytes, 5);
    assert_int_equal(view.metadata_bytes, 12 + 12 + 2);
    head_close(&head);
}

static int by_ts_then_arrival(const void *a, const void *b)
{
    const struct push_entry *x = a, *y = b;
    return x->ts_ns != y->ts_ns ? (x->ts_ns < y->ts_ns ? -1 : 1) : (x->line.ptr > y->line.ptr) - (x->line.ptr < y->line.ptr);
}

static void random_rows_equal_a_stable_sort(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 50; seed++) {
        unsigned random = seed;
        struct head head;
        head_open(&head);
        struct chunk_list *list = list_of(&head, 1);
        size_t count = (size_t)rand_r(&random) % 3000;
        char *text = mem_alloc(count * 8 + 8); // each line has bytes of its own, so that nothing is a duplicate and addresses tell the arrival
        struct push_entry *entries = mem_array(count + 1, sizeof(*entries));
        for (size_t i = 0; i < count; i++) {
            (void)snprintf(text + i * 8, 8, "%07zu", i);
            entries[i] = (struct push_entry){.ts_ns = rand_r(&random) % 500, .line = slice_of(text + i * 8, 7)};
        }
        for (size_t i = 0; i < count;) {
            size_t n = 1 + (size_t)rand_r(&random) % 40;
            n = n > count - i ? count - i : n;
            append(&head, list, entries + i, n);
            i += n;
        }
        struct chunk_list_view view;
        chunk_list_see(list, &view);
        assert_int_equal(view.entries, count);
        qsort(entries, count, sizeof(*entries), by_ts_then_arrival);
        struct head_rows rows = HEAD_ROWS_INIT;
        int64_t start = rand_r(&random) % 500, end = start + rand_r(&random) % 500;
        head_rows_collect(&rows, list, &view, start, end);
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            if (entries[i].ts_ns < start || entries[i].ts_ns > end)
                continue;
            if (n >= rows.count || memcmp(rows.rows[n].line, entries[i].line.ptr, 7) != 0)
                fail_msg("seed %u: row %zu", seed, n);
            n++;
        }
        assert_int_equal(n, rows.count);
        head_rows_fini(&rows);
        mem_free(text);
        mem_free(entries);
        head_close(&head);
    }
}

static void lines_larger_than_pages_and_many_streams_are_kept(void **state)
{
    (void)state;
    struct head head;
    head_open(&head);
    size_t big = HEAD_PAGE_BYTES * 3;
    char *line = mem_alloc(big);
    memset(line, 'x', big);
    for (uint64_t s = 1; s <= 2000; s++) {
        struct push_entry entry = {(int64_t)s, slice_of(line, s % 500 == 0 ? big : s), SLICE_NONE};
        append(&head, list_of(&head, s), &entry, 1);
    }
    for (uint64_t s = 1; s <= 2000; s++) {
        struct chunk_list *list = generation_find(head.generation, (struct hash128){s, s * 77});
        struct chunk_list_view view;
        chunk_list_see(list, &view);
        assert_int_equal(view.entries, 1);
        struct chunk_cursor cursor = chunk_list_begin(list, &view);
        struct chunk_entry entry;
        assert_true(chunk_cursor_next(&cursor, &entry));
        assert_int_equal(entry.line.len, s % 500 == 0 ? big : s);
        assert_false(chunk_cursor_next(&cursor, &entry));
    }
    assert_null(generation_find(head.generation, (struct hash128){9999, 1}));
    assert_true(stream_table_bytes(head.table) / 2000 <= 300);
    mem_free(line);
    head_close(&head);
}

#define RACE_ENTRIES 60000

struct race {
    struct head head;
    atomic_bool is_done;
};

/* Entries are numbered; a reader must see a prefix, whole, and never less than before. */
static void *race_read(void *self)
{
    struct race *race = self;
    rcu_thread_join();
    uint32_t before = 0;
    bool last = false;
    while (!last) {
        last = atomic_load(&race->is_done);
        struct chunk_list *list = generation_find(race->head.generation, (struct hash128){1, 77});
        if (list == NULL)
            continue;
        struct chunk_list_view view;
        chunk_list_see(list, &view);
        assert_true(view.entries >= before);
        if (view.entries > 0)
            assert_int_equal(view.last_ns, (int64_t)view.entries - 1);
        before = view.entries;
        struct chunk_cursor cursor = chunk_list_begin(list, &view);
        struct chunk_entry entry;
        for (uint32_t i = 0; i < view.entries; i++) {
            assert_true(chunk_cursor_next(&cursor, &entry));
            assert_int_equal(entry.ts_ns, i);
            assert_int_equal(entry.line.len, i % 200);
            struct slice set = metadata_pool_get(generation_metadata(race->head.generation), entry.metadata);
            assert_int_equal(le32_get(set.ptr), i % 1000);
        }
    }
    assert_int_equal(before, RACE_ENTRIES);
    rcu_thread_part();
    return NULL;
}

static void readers_see_prefixes_while_the_worker_appends(void **state)
{
    (void)state;
    struct race race = {0};
    head_open(&race.head);
    pthread_t readers[2];
    for (size_t i = 0; i < LENGTH(readers); i++)
        assert_int_equal(pthread_create(&readers[i], NULL, race_read, &race), 0);
    char text[200];
    memset(text, 'l', sizeof(text));
    for (int64_t i = 0; i < RACE_ENTRIES;) {
        struct push_entry entries[7];
        uint32_t sets[7];
        size_t n = 0;
        for (; n < LENGTH(entries) && i < RACE_ENTRIES; n++, i++) {
            sets[n] = (uint32_t)(i % 1000);
            entries[n] = (struct push_entry){i, slice_of(text, (size_t)(i % 200)), slice_of(&sets[n], 4)};
        }
        append(&race.head, list_of(&race.head, 1), entries, n);
        (void)list_of(&race.head, 2 + (uint64_t)i); // the table grows under the readers
    }
    atomic_store(&race.is_done, true);
    for (size_t i = 0; i < LENGTH(readers); i++)
        (void)pthread_join(readers[i], NULL);
    head_close(&race.head);
}

static void a_batch_shares_sets_and_ends_lines(void **state)
{
    (void)state;
    struct batch_builder builder;
    batch_builder_init(&builder);
    batch_builder_begin(&builder, SCAN_LINES | SCAN_METADATA);
    uint32_t x = batch_builder_set(&builder, SLICE("x"), true), y = batch_builder_set(&builder, SLICE("y"), true);
    assert_int_equal(batch_builder_set(&builder, SLICE("x"), true), x);
    assert_int_equal(batch_builder_set(&builder, SLICE_NONE, true), 0);
    batch_builder_add(&builder, 1, SLICE("one"), x);
    batch_builder_add(&builder, 2, SLICE(""), 0);
    batch_builder_add(&builder, 3, SLICE("a\nb"), y);
    struct entry_batch batch;
    batch_builder_take(&builder, 5, &batch);
    assert_int_equal(batch.count, 3);
    assert_true(slice_eq_str(entry_batch_line(&batch, 0), "one") && slice_eq_str(entry_batch_line(&batch, 1), "") && slice_eq_str(entry_batch_line(&batch, 2), "a\nb"));
    assert_true(slice_eq_str(entry_batch_metadata(&batch, 0), "x") && entry_batch_metadata(&batch, 1).len == 0 && slice_eq_str(entry_batch_metadata(&batch, 2), "y"));
    assert_int_equal(batch.text[batch.offsets[1] - 1], '\n');
    batch_builder_add(&builder, 4, SLICE("z"), 0);
    batch_builder_take(&builder, 5, &batch);
    assert_int_equal(batch.count, 1);
    assert_null(batch.metadata_index);
    batch_builder_fini(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_stable_and_unique),
        cmocka_unit_test(bytes_of_metadata_are_names_and_values_of_every_entry),
        cmocka_unit_test(random_rows_equal_a_stable_sort),
        cmocka_unit_test(lines_larger_than_pages_and_many_streams_are_kept),
        cmocka_unit_test(readers_see_prefixes_while_the_worker_appends),
        cmocka_unit_test(a_batch_shares_sets_and_ends_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
