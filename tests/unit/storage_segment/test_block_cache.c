/* test_block_cache.c: what is kept, what goes first, and that a block that is held stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "storage/segment/block_cache.h"

#define ROWS 100u
#define ROW_BYTES 1000u /* of a line with its '\n': a block is 100 kB */
#define TEXT_BYTES ((size_t)ROWS * ROW_BYTES)
#define BLOCK_BYTES ((size_t)110 << 10) /* about what a block takes of the cache */

struct made { /* a block such as a reader has it; what is in it says which one it is */
    int64_t ts_ns[ROWS];
    uint32_t offsets[ROWS + 1], indexes[ROWS];
    char text[TEXT_BYTES + 64];
    char metadata[16];
    struct slice sets[2];
    struct block_view view;
};

static void make(struct made *made, uint64_t serial, size_t number)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        made->ts_ns[i] = (int64_t)(serial * 1000 + number);
        made->offsets[i] = i * ROW_BYTES;
        made->indexes[i] = i % 2;
    }
    made->offsets[ROWS] = TEXT_BYTES;
    memset(made->text, 'a' + (int)(number % 26), sizeof(made->text));
    memset(made->metadata, 'A' + (int)(serial % 26), sizeof(made->metadata));
    made->sets[0] = SLICE_NONE;
    made->sets[1] = slice_of(made->metadata + 4, 8);
    made->view = (struct block_view){.entries = ROWS, .ts_ns = made->ts_ns, .text = made->text, .offsets = made->offsets,
                                     .metadata_index = made->indexes, .metadata_sets = made->sets, .metadata_set_count = 2};
}

static void add(struct block_cache *cache, uint64_t serial, size_t number)
{
    struct made *made = malloc(sizeof(*made));
    assert_non_null(made);
    make(made, serial, number);
    block_cache_add(cache, serial, number, BLOCK_WHOLE, SCAN_LINES | SCAN_METADATA, &made->view, slice_of(made->metadata, sizeof(made->metadata)), TEXT_BYTES);
    memset(made, 0, sizeof(*made)); // the cache has a copy
    free(made);
}

static bool is_right(const struct cached_block *block, uint64_t serial, size_t number)
{
    const struct block_view *view = &block->view;
    bool ok = view->entries == ROWS && view->offsets[ROWS] == TEXT_BYTES && view->metadata_set_count == 2 && view->metadata_sets[0].len == 0 &&
              view->metadata_sets[1].len == 8 && view->metadata_sets[1].ptr[7] == (char)('A' + serial % 26);
    for (uint32_t i = 0; i < ROWS; i++)
        ok = ok && view->ts_ns[i] == (int64_t)(serial * 1000 + number) && view->text[view->offsets[i]] == (char)('a' + number % 26) &&
             view->metadata_index[i] == i % 2;
    return ok;
}

static bool has(struct block_cache *cache, uint64_t serial, size_t number)
{
    const struct cached_block *block = block_cache_find(cache, serial, number, BLOCK_WHOLE, SCAN_LINES | SCAN_METADATA);
    bool found = block != NULL;
    if (found)
        assert_true(is_right(block, serial, number));
    block_cache_release(block);
    return found;
}

static void the_least_recently_read_goes_first(void **state)
{
    (void)state;
    struct block_cache *cache = block_cache_create(5 * BLOCK_BYTES);
    struct block_cache_stats stats;
    for (size_t i = 0; i < 5; i++)
        add(cache, 1, i);
    assert_true(has(cache, 1, 0)); // 1 is the oldest now
    add(cache, 2, 0);
    assert_true(has(cache, 1, 0) && has(cache, 2, 0) && has(cache, 1, 2));
    assert_false(has(cache, 1, 1));
    block_cache_stats(cache, &stats);
    assert_true(stats.bytes <= 5 * BLOCK_BYTES && stats.bytes > 4 * TEXT_BYTES);
    assert_int_equal(stats.evictions, 1);
    assert_int_equal(stats.hits, 4);
    assert_int_equal(stats.misses, 1);
    block_cache_shrink(cache, BLOCK_BYTES);
    assert_true(has(cache, 1, 2)); // the last that was read
    assert_false(has(cache, 2, 0));
    block_cache_destroy(cache);
}

static void a_block_that_is_held_outlives_its_place(void **state)
{
    (void)state;
    struct block_cache *cache = block_cache_create(5 * BLOCK_BYTES);
    add(cache, 1, 7);
    const struct cached_block *held = block_cache_find(cache, 1, 7, BLOCK_WHOLE, SCAN_LINES);
    assert_non_null(held);
    for (size_t i = 0; i < 10; i++)
        add(cache, 2, i);
    assert_false(has(cache, 1, 7));
    assert_true(is_right(held, 1, 7));
    block_cache_release(held);
    block_cache_destroy(cache);
}

static void columns_that_are_missing_are_a_miss_until_they_are_added(void **state)
{
    (void)state;
    struct block_cache *cache = block_cache_create(5 * BLOCK_BYTES);
    struct made *made = malloc(sizeof(*made));
    assert_non_null(made);
    make(made, 3, 3);
    struct block_view bare = made->view;
    bare.metadata_index = NULL;
    bare.metadata_sets = NULL;
    bare.metadata_set_count = 0;
    block_cache_add(cache, 3, 3, BLOCK_WHOLE, SCAN_LINES, &bare, SLICE_NONE, TEXT_BYTES);
    assert_null(block_cache_find(cache, 3, 3, BLOCK_WHOLE, SCAN_LINES | SCAN_METADATA));
    const struct cached_block *block = block_cache_find(cache, 3, 3, BLOCK_WHOLE, SCAN_LINES);
    assert_non_null(block);
    assert_null(block->view.metadata_index);
    block_cache_release(block);
    add(cache, 3, 3);
    assert_true(has(cache, 3, 3));
    struct block_cache_stats stats;
    block_cache_stats(cache, &stats);
    assert_true(stats.bytes < 2 * TEXT_BYTES); // one has taken the other's place
    block_cache_destroy(cache);
    free(made);
}

static void what_is_too_large_for_it_is_not_kept(void **state)
{
    (void)state;
    struct block_cache *small = block_cache_create(3 * BLOCK_BYTES);
    struct block_cache *none = block_cache_create(0);
    add(small, 1, 1);
    add(none, 1, 1);
    assert_false(has(small, 1, 1));
    assert_false(has(none, 1, 1));
    block_cache_destroy(small);
    block_cache_destroy(none);
}

static void *read_and_add(void *self)
{
    struct block_cache *cache = self;
    struct made *made = malloc(sizeof(*made));
    if (made == NULL)
        abort();
    for (unsigned i = 0; i < 400; i++) {
        size_t number = (i * 7) % 11;
        const struct cached_block *block = block_cache_find(cache, 1, number, BLOCK_WHOLE, SCAN_LINES | SCAN_METADATA);
        if (block != NULL && !is_right(block, 1, number))
            abort();
        block_cache_release(block);
        make(made, 1, number);
        if (block == NULL)
            block_cache_add(cache, 1, number, BLOCK_WHOLE, SCAN_LINES | SCAN_METADATA, &made->view, slice_of(made->metadata, sizeof(made->metadata)), TEXT_BYTES);
    }
    free(made);
    return NULL;
}

static void threads_never_see_another_block_than_they_asked_for(void **state)
{
    (void)state;
    struct block_cache *cache = block_cache_create(6 * BLOCK_BYTES);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_and_add, cache), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct block_cache_stats stats;
    block_cache_stats(cache, &stats);
    assert_true(stats.bytes <= stats.bytes_max);
    assert_int_equal(stats.hits + stats.misses, 1600);
    block_cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_recently_read_goes_first),
        cmocka_unit_test(a_block_that_is_held_outlives_its_place),
        cmocka_unit_test(columns_that_are_missing_are_a_miss_until_they_are_added),
        cmocka_unit_test(what_is_too_large_for_it_is_not_kept),
        cmocka_unit_test(threads_never_see_another_block_than_they_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
