#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/model/label_set.h"
#include "storage/segment/block_cache.h"
#include "storage/segment/line_offsets.h"
#include "storage/segment/metadata_column.h"
#include "storage/segment/segment.h"
#include "storage/segment/signature.h"
#include "storage/segment/ts_column.h"

static char folder[64];
static uint64_t seed;
static size_t part_bytes; /* of segments that are written */

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

struct row {
    size_t stream;
    int64_t ts_ns;
    struct slice line, metadata;
};

struct dataset {
    struct arena arena;
    struct slice labels[40];
    struct hash128 ids[40];
    size_t stream_count;
    struct row *rows;
    size_t row_count;
};

static struct slice encode_one(struct arena *arena, const char *name, struct slice value)
{
    struct label label = {slice_str(name), value};
    return label_set_encode_in(arena, &(struct label_set){&label, 1});
}

static struct slice random_line(struct arena *arena, bool any_byte)
{
    size_t len = next_random() % 8 == 0 ? next_random() % 700 : next_random() % 60;
    char *p = arena_alloc(arena, len + 1, 1);
    for (size_t i = 0; i < len; i++)
        p[i] = any_byte ? (char)next_random() : (char)("abcdefGHIJ 0123=[]"[next_random() % 18]);
    return slice_of(p, len);
}

static void dataset_make(struct dataset *data, size_t streams, size_t rows_a_stream, bool any_byte, int64_t step_ns)
{
    *data = (struct dataset){.arena = ARENA_INIT, .stream_count = streams};
    data->rows = mem_array(streams * rows_a_stream, sizeof(*data->rows));
    for (size_t s = 0; s < streams; s++) {
        data->labels[s] = encode_one(&data->arena, "app", arena_printf(&data->arena, "app-%zu", s));
        data->ids[s] = stream_id(SLICE("tenant"), data->labels[s]);
        int64_t now = INT64_C(1700000000000000000);
        for (size_t i = 0; i < rows_a_stream; i++) {
            now += (int64_t)(next_random() % 5) * step_ns;
            struct row *row = &data->rows[data->row_count++];
            *row = (struct row){s, now, random_line(&data->arena, any_byte), SLICE_NONE};
            if (s % 2 == 1)
                row->metadata = encode_one(&data->arena, "trace", arena_printf(&data->arena, "id%llx", (unsigned long long)(next_random() % 900)));
        }
    }
}

static void dataset_end(struct dataset *data)
{
    mem_free(data->rows);
    arena_fini(&data->arena);
}

static bool write_segment(const struct disk *disk, const struct dataset *data, const char *name, size_t block_bytes,
                          struct segment_stats *stats, struct err *err)
{
    struct segment_writer_config config = {.disk = disk, .folder = folder, .name = name, .zstd_level = 1, .block_bytes = block_bytes, .part_bytes = part_bytes,
                                           .level = 3, .mark = {4, 2, 99}, .created_ns = 7};
    struct segment_writer *writer = NULL;
    if (!segment_writer_open(&config, &writer, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < data->row_count; i++) {
        const struct row *row = &data->rows[i];
        if (i == 0 || row->stream != row[-1].stream)
            ok = segment_writer_stream(writer, SLICE("tenant"), data->ids[row->stream], data->labels[row->stream], err);
        ok = ok && segment_writer_entry(writer, row->ts_ns, row->line, row->metadata, err);
    }
    if (!ok) {
        segment_writer_abandon(writer);
        return false;
    }
    return segment_writer_finish(writer, stats, err);
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s (seed %llu)", err->text, (unsigned long long)seed);
}

/* True: all that can be read is what was written. cache: NULL: none. */
static bool reads_back(struct segment *segment, const struct dataset *data, struct block_cache *cache, struct err *err)
{
    struct block_reader *reader = block_reader_create(cache);
    _Atomic int64_t allowance = INT64_MAX;
    block_reader_keep(reader, &allowance);
    bool ok = true;
    size_t at = 0;
    for (size_t b = 0; ok && b < segment_block_count(segment); b++) {
        struct block_view view;
        const struct segment_block *block = segment_block_at(segment, b);
        const struct segment_run *runs = segment_block_runs(segment, block);
        ok = segment_read_block(segment, b, SCAN_TIMES, reader, &view, err) &&
             segment_read_block(segment, b, SCAN_METADATA, reader, &view, err) &&
             segment_read_block(segment, b, SCAN_METADATA | SCAN_LINES, reader, &view, err);
        for (uint32_t r = 0; ok && r < block->run_count; r++) {
            for (uint32_t row = runs[r].first_row; row < runs[r].first_row + runs[r].entries; row++, at++) {
                const struct row *want = &data->rows[at];
                struct slice line = slice_of(view.text + view.offsets[row], view.offsets[row + 1] - 1 - view.offsets[row]);
                struct slice metadata = view.metadata_index == NULL ? SLICE_NONE : view.metadata_sets[view.metadata_index[row]];
                assert_int_equal(view.ts_ns[row], want->ts_ns);
                assert_true(slice_eq(line, want->line));
                assert_true(slice_eq(metadata, want->metadata));
                assert_true(hash128_eq(segment_stream_at(segment, runs[r].stream)->id, data->ids[want->stream]));
            }
        }
    }
    block_reader_destroy(reader);
    if (ok)
        assert_int_equal(at, data->row_count);
    return ok;
}

/* True: each part by itself, in falling order, is what was written. */
static bool reads_back_by_parts(struct segment *segment, const struct dataset *data, struct block_cache *cache, size_t *parts, struct err *err)
{
    struct block_reader *reader = block_reader_create(cache);
    _Atomic int64_t allowance = INT64_MAX;
    block_reader_keep(reader, &allowance);
    bool ok = true;
    size_t at = 0; // of the block's first row
    for (size_t b = 0; ok && b < segment_block_count(segment); b++) {
        struct block_view view;
        const struct segment_block *block = segment_block_at(segment, b);
        uint32_t count = segment_block_parts(block);
        ok = count == 0 || segment_read_layout(segment, b, SCAN_METADATA, reader, &view, err);
        for (uint32_t i = count; ok && i-- > 0;) {
            struct block_part_span span;
            struct block_rows_view rows;
            ok = segment_read_part(segment, b, i, i % 3 == 0 ? SCAN_TIMES : SCAN_LINES, reader, &rows, err);
            if (!ok)
                break;
            block_view_part(&view, i, &span);
            assert_true(rows.first_row == span.first_row && rows.first_row + rows.rows == span.end_row && rows.rows > 0);
            assert_int_equal(span.end_row == block->entries, i + 1 == count);
            (*parts)++;
            for (uint32_t r = 0; r < rows.rows; r++) {
                const struct row *want = &data->rows[at + rows.first_row + r];
                struct slice metadata = view.metadata_index == NULL ? SLICE_NONE : view.metadata_sets[view.metadata_index[rows.first_row + r]];
                assert_int_equal(rows.ts_ns[r], want->ts_ns);
                assert_true(want->ts_ns >= span.first_ns && want->ts_ns <= span.last_ns);
                assert_true(slice_eq(metadata, want->metadata));
                if (rows.text != NULL)
                    assert_true(slice_eq(slice_of(rows.text + rows.offsets[r], rows.offsets[r + 1] - 1 - rows.offsets[r]), want->line));
            }
        }
        at += block->entries;
    }
    block_reader_destroy(reader);
    return ok;
}

static void count_damage(void *self, const char *what)
{
    (void)what;
    (*(unsigned *)self)++;
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 24; round++) {
        seed = 1000 + round;
        part_bytes = round % 4 == 3 ? 600 : 0;
        size_t parts = 0;
        struct dataset data;
        struct err err;
        struct segment_stats stats;
        struct segment *segment = NULL;
        dataset_make(&data, 1 + round, 1 + round * 20, round % 3 == 0, round % 2 == 0 ? 1000000 : 1);
        must(write_segment(&system_disk, &data, "round", 3000, &stats, &err), &err);
        must(segment_open(&system_disk, folder, "round", &segment, &err), &err);
        must(reads_back(segment, &data, NULL, &err), &err);
        must(reads_back_by_parts(segment, &data, NULL, &parts, &err), &err);
        assert_true(part_bytes == 0 ? parts == 0 : parts > segment_block_count(segment));
        assert_int_equal(stats.entries, data.row_count);
        assert_int_equal(segment_stats(segment)->file_bytes, stats.file_bytes);
        assert_int_equal(segment_stats(segment)->signature_bytes, stats.signature_bytes);
        assert_int_equal(segment_stats(segment)->mark.sequence, 99);
        for (size_t s = 0; s < data.stream_count; s++) {
            const struct segment_stream *stream = segment_stream_find(segment, data.ids[s]);
            assert_non_null(stream);
            assert_true(slice_eq(stream->encoded_labels, data.labels[s]));
            assert_true(slice_eq(stream->tenant, SLICE("tenant")));
        }
        assert_null(segment_stream_find(segment, (struct hash128){1, 2}));
        unsigned damages = 0;
        segment_verify(segment, count_damage, &damages);
        assert_int_equal(damages, 0);
        segment_unlink_on_close(segment);
        segment_unref(segment);
        assert_false(segment_open(&system_disk, folder, "round", &segment, &err));
        dataset_end(&data);
    }
    part_bytes = 0;
}

/* The first streams say the same again and again, the last have a quarter of random bytes, the others lie between: blocks of very different variety. */
static void dataset_make_uneven(struct dataset *data)
{
    seed = 4343;
    dataset_make(data, 9, 120, true, 1000000);
    for (size_t i = 0; i < data->row_count; i++) {
        struct row *row = &data->rows[i];
        size_t len = row->stream / 3 == 1 ? 120 : 60 + next_random() % 200;
        char *p = arena_alloc(&data->arena, len, 1);
        for (size_t k = 0; k < len; k++)
            p[k] = row->stream / 3 == 0   ? "GET /api/orders took 12 ms, status=200 "[k % 39]
                   : row->stream / 3 == 1 ? (k < 100 ? 'x' : "0123456789"[next_random() % 10])
                                            : (k < len * 3 / 4 ? 'y' : (char)next_random());
        row->line = slice_of(p, len);
    }
}

static bool is_kept(const struct segment *segment, struct slice text, bool in_metadata, size_t block)
{
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
    memset(blocks, 0xff, sizeof(blocks));
    segment_probe(segment, &(struct needle){&text, 1, in_metadata}, blocks);
    return (blocks[block / 64] >> (block % 64) & 1) == 1;
}

/* Parts of lines, and whole values of metadata, are found in the blocks that they are in. */
static void check_needles(const struct segment *segment, const struct dataset *data)
{
    size_t row = 0;
    for (size_t b = 0; b < segment_block_count(segment); b++) {
        for (uint32_t i = 0; i < segment_block_at(segment, b)->entries; i++, row++) {
            struct slice line = data->rows[row].line;
            for (unsigned cut = 0; cut < 6 && line.len > 0; cut++) {
                size_t at = cut == 0 && line.len > 7 ? line.len - 7 : next_random() % line.len;
                struct slice text = slice_of(line.ptr + at, cut == 1 ? line.len - at : next_random() % (line.len - at + 1));
                assert_true(is_kept(segment, text, false, b));
            }
            struct slice rest = data->rows[row].metadata;
            struct label label;
            while (label_next(&rest, &label))
                assert_true(is_kept(segment, label.value, true, b));
        }
    }
    assert_int_equal(row, data->row_count);
}

static void no_block_that_holds_a_needle_is_pruned(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        struct dataset data;
        struct err err;
        struct segment_stats stats;
        struct segment *segment = NULL;
        seed = 77;
        if (round == 0)
            dataset_make(&data, 12, 150, true, 1);
        else
            dataset_make_uneven(&data);
        must(write_segment(&system_disk, &data, "needle", round == 0 ? 4000 : 12000, &stats, &err), &err);
        must(segment_open(&system_disk, folder, "needle", &segment, &err), &err);
        assert_true(stats.signature_bytes > 0);
        check_needles(segment, &data);
        segment_unlink_on_close(segment);
        segment_unref(segment);
        dataset_end(&data);
    }
}

static void a_stream_with_much_of_a_block_ends_with_a_small_part(void **state)
{
    (void)state;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    struct segment *segment = NULL;
    seed = 12;
    part_bytes = 4000;
    dataset_make(&data, 6, 1000, false, 1000000); // some 40 KB a stream
    must(write_segment(&system_disk, &data, "ends", 100000, &stats, &err), &err);
    must(segment_open(&system_disk, folder, "ends", &segment, &err), &err);
    struct block_reader *reader = block_reader_create(NULL);
    for (size_t b = 0; b < segment_block_count(segment); b++) {
        const struct segment_block *block = segment_block_at(segment, b);
        const struct segment_run *runs = segment_block_runs(segment, block);
        struct block_view view;
        must(segment_read_layout(segment, b, 0, reader, &view, &err), &err);
        for (uint32_t r = 0; r < block->run_count; r++) {
            uint32_t end = runs[r].first_row + runs[r].entries;
            if (runs[r].line_bytes_low < 2 * part_bytes)
                continue;
            bool is_found = false;
            for (uint32_t i = 0; i < view.layout.part_count; i++) {
                struct block_part_span span;
                struct block_rows_view rows;
                block_view_part(&view, i, &span);
                must(segment_read_part(segment, b, i, SCAN_LINES, reader, &rows, &err), &err);
                assert_true(rows.offsets[rows.rows] <= part_bytes + part_bytes / 2 + 700);
                is_found = is_found || (span.end_row == end && rows.offsets[rows.rows] <= part_bytes / 2);
            }
            assert_true(is_found);
        }
    }
    block_reader_destroy(reader);
    segment_unlink_on_close(segment);
    segment_unref(segment);
    dataset_end(&data);
    part_bytes = 0;
}

static void a_block_of_many_long_lines_has_no_more_parts_than_a_table_holds(void **state)
{
    (void)state;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    struct segment *segment = NULL;
    size_t parts = 0;
    seed = 13;
    part_bytes = 1; // less than a line
    dataset_make(&data, 40, 100, false, 1000000);
    must(write_segment(&system_disk, &data, "many", 1 << 20, &stats, &err), &err);
    must(segment_open(&system_disk, folder, "many", &segment, &err), &err);
    assert_int_equal(segment_block_count(segment), 1);
    must(reads_back(segment, &data, NULL, &err), &err);
    must(reads_back_by_parts(segment, &data, NULL, &parts, &err), &err);
    assert_true(parts > 20 && parts <= 255);
    segment_unlink_on_close(segment);
    segment_unref(segment);
    dataset_end(&data);
    part_bytes = 0;
}

static void a_cache_gives_the_blocks_that_were_read(void **state)
{
    (void)state;
    struct dataset data[2];
    struct err err;
    struct segment_stats stats;
    struct segment *segments[2];
    struct block_cache *cache = block_cache_create((size_t)64 << 20);
    static const char *const names[] = {"one", "two"};
    for (size_t i = 0; i < 2; i++) { // two segments, whose blocks have the same numbers
        seed = 77 + i;
        part_bytes = 0;
        dataset_make(&data[i], 9, 300, i == 1, 1000000);
        must(write_segment(&system_disk, &data[i], names[i], 3000, &stats, &err), &err);
        must(segment_open(&system_disk, folder, names[i], &segments[i], &err), &err);
    }
    for (size_t i = 0; i < 6; i++)
        must(reads_back(segments[i % 2], &data[i % 2], cache, &err), &err);
    struct block_cache_stats seen;
    block_cache_stats(cache, &seen);
    size_t blocks = segment_block_count(segments[0]) + segment_block_count(segments[1]);
    assert_int_equal(seen.misses, blocks);
    assert_int_equal(seen.hits, 2 * blocks);
    assert_int_equal(seen.evictions, 0);
    for (size_t i = 0; i < 2; i++) {
        segment_unlink_on_close(segments[i]);
        segment_unref(segments[i]);
        dataset_end(&data[i]);
    }
    block_cache_destroy(cache);
}

static void a_cache_gives_the_parts_that_were_read(void **state)
{
    (void)state;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    struct segment *segment;
    struct block_cache *cache = block_cache_create((size_t)64 << 20);
    struct block_cache_stats seen[2];
    size_t parts = 0;
    seed = 79;
    part_bytes = 500;
    dataset_make(&data, 9, 300, true, 1000000);
    must(write_segment(&system_disk, &data, "parts", 3000, &stats, &err), &err);
    must(segment_open(&system_disk, folder, "parts", &segment, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        must(reads_back_by_parts(segment, &data, cache, &parts, &err), &err);
        block_cache_stats(cache, &seen[i > 0]);
    }
    assert_true(seen[0].hits == 0 && seen[0].misses > segment_block_count(segment));
    assert_int_equal(seen[1].misses, seen[0].misses);
    assert_int_equal(seen[1].hits, 2 * seen[0].misses);
    must(reads_back(segment, &data, cache, &err), &err); // whole blocks are not mistaken for their parts
    segment_unlink_on_close(segment);
    segment_unref(segment);
    dataset_end(&data);
    block_cache_destroy(cache);
    part_bytes = 0;
}

/* The files in tests/golden/segment are of the format's versions, each written by the build that introduced it. They are never written anew: a build that cannot
 * read them cannot read its users' data. */
static void a_segment_of_every_version_is_read(void **state)
{
    (void)state;
    static const char *const names[] = {"v1", "v2"}; // v2: in parts
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct dataset data;
        struct err err;
        struct segment *segment = NULL;
        size_t parts = 0;
        seed = 4242;
        dataset_make(&data, 6, 40, true, 1000000);
        must(segment_open(&system_disk, "tests/golden/segment", names[i], &segment, &err), &err);
        must(reads_back(segment, &data, NULL, &err), &err);
        must(reads_back_by_parts(segment, &data, NULL, &parts, &err), &err);
        check_needles(segment, &data);
        assert_false(is_kept(segment, SLICE("an absent needle is in no block"), false, 0));
        assert_int_equal(parts > 0, i > 0);
        assert_int_equal(segment_stats(segment)->mark.sequence, 99);
        unsigned damages = 0;
        segment_verify(segment, count_damage, &damages);
        assert_int_equal(damages, 0);
        segment_unref(segment);
        dataset_end(&data);
    }
}

/* log2 of the bits that the signature's blocks have in a row: the least and the most. */
static void signature_shifts(const char *path, size_t blocks, unsigned *least, unsigned *most)
{
    struct buf file = BUF_INIT;
    struct err err;
    must(disk_read_file(&system_disk, path, 1 << 20, &file, &err), &err);
    assert_int_equal(file.ptr[8], 2);
    *least = *most = (unsigned)file.ptr[SIGNATURE_HEAD];
    for (size_t i = 0; i < blocks; i++) {
        unsigned shift = (unsigned)file.ptr[SIGNATURE_HEAD + i];
        *least = shift < *least ? shift : *least;
        *most = shift > *most ? shift : *most;
    }
    buf_fini(&file);
}

/* A block of random bytes has more bits than one that repeats itself; both tell needles apart. */
static void a_block_has_as_many_bits_as_its_variety_asks_for(void **state)
{
    (void)state;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    struct segment *segment = NULL;
    char path[128];
    unsigned least, most, kept = 0;
    dataset_make_uneven(&data);
    must(write_segment(&system_disk, &data, "uneven", 32768, &stats, &err), &err);
    must(segment_open(&system_disk, folder, "uneven", &segment, &err), &err);
    (void)snprintf(path, sizeof(path), "%s/uneven.sig", folder);
    signature_shifts(path, segment_block_count(segment), &least, &most);
    assert_int_equal(least, 0);
    assert_int_equal(most, SIGNATURE_SHIFT_MAX);
    check_needles(segment, &data);
    for (unsigned i = 0; i < 200; i++) {
        char text[24];
        int len = snprintf(text, sizeof(text), "%016llx", (unsigned long long)next_random());
        for (size_t b = 0; b < segment_block_count(segment); b++)
            kept += is_kept(segment, slice_of(text, (size_t)len), false, b);
    }
    if (kept > 20) // of 200 for each block
        fail_msg("%u blocks are kept for needles that none holds", kept);
    segment_unlink_on_close(segment);
    segment_unref(segment);
    dataset_end(&data);
}

/* tests/golden/segment/v1_signature2: a segment of version 1 with a signature of version 2, written by the build that introduced it. */
static void a_signature_of_the_second_version_is_read(void **state)
{
    (void)state;
    struct dataset data;
    struct err err;
    struct segment *segment = NULL;
    unsigned damages = 0, least, most;
    dataset_make_uneven(&data);
    must(segment_open(&system_disk, "tests/golden/segment", "v1_signature2", &segment, &err), &err);
    signature_shifts("tests/golden/segment/v1_signature2.sig", segment_block_count(segment), &least, &most);
    assert_true(least == 0 && most > 0);
    must(reads_back(segment, &data, NULL, &err), &err);
    check_needles(segment, &data);
    assert_false(is_kept(segment, SLICE("an absent needle is in no block"), false, 0));
    segment_verify(segment, count_damage, &damages);
    assert_int_equal(damages, 0);
    segment_unref(segment);
    dataset_end(&data);
}

static void blocks_without_the_needle_are_pruned(void **state)
{
    (void)state;
    seed = 78;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    struct segment *segment = NULL;
    dataset_make(&data, 4, 400, false, 1);
    for (size_t i = 0; i < data.row_count; i++)
        data.rows[i].line = SLICE("GET /api/orders took 12 ms, status=200");
    must(write_segment(&system_disk, &data, "absent", 4000, &stats, &err), &err);
    must(segment_open(&system_disk, folder, "absent", &segment, &err), &err);
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
    struct slice absent = SLICE("an absent needle is in no block");
    memset(blocks, 0xff, sizeof(blocks));
    segment_probe(segment, &(struct needle){&absent, 1, false}, blocks);
    for (size_t w = 0; w < LENGTH(blocks); w++)
        assert_int_equal(blocks[w], 0);
    struct slice other_case = SLICE("get /API/ORDERS");
    memset(blocks, 0xff, sizeof(blocks));
    segment_probe(segment, &(struct needle){&other_case, 1, false}, blocks);
    assert_true((blocks[0] & 1) == 1);
    segment_unlink_on_close(segment);
    segment_unref(segment);
    dataset_end(&data);
}

/* With the file damaged as it is now: an error, or the same data. */
static void check_damaged(const struct dataset *data, const char *what, size_t at)
{
    struct segment *segment = NULL;
    struct err err = {.code = ERR_NONE};
    bool ok = segment_open(&system_disk, folder, "flip", &segment, &err);
    if (ok) {
        size_t parts = 0;
        ok = reads_back(segment, data, NULL, &err) && reads_back_by_parts(segment, data, NULL, &parts, &err);
        unsigned damages = 0;
        segment_verify(segment, count_damage, &damages);
        if (damages == 0)
            fail_msg("%s at %zu is not found by verify", what, at);
        segment_unref(segment);
    }
    if (!ok && err.code != ERR_CORRUPT && err.code != ERR_TRUNCATED)
        fail_msg("%s at %zu: code %d, %s", what, at, err.code, err.text);
}

static void every_flipped_bit_and_every_cut_is_found(void **state) /* *state: NULL: in blocks without parts */
{
    seed = 5;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    part_bytes = *state == NULL ? 0 : 200;
    dataset_make(&data, 3, 12, false, 1000000);
    must(write_segment(&system_disk, &data, "flip", 700, &stats, &err), &err);
    static const char *const ends[] = {"seg", "sig"};
    for (size_t e = 0; e < 2; e++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/flip.%s", folder, ends[e]);
        struct buf good = BUF_INIT;
        must(disk_read_file(&system_disk, path, 1 << 20, &good, &err), &err);
        int fd = open(path, O_RDWR);
        for (size_t at = 0; at < good.len; at++) {
            char flipped = (char)(good.ptr[at] ^ (1 << (at % 8)));
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
            check_damaged(&data, "flip", at);
            assert_int_equal(pwrite(fd, &good.ptr[at], 1, (off_t)at), 1);
        }
        for (size_t len = good.len; len-- > 0; len -= len % 7) {
            assert_int_equal(ftruncate(fd, (off_t)len), 0);
            check_damaged(&data, "cut", len);
        }
        assert_int_equal(pwrite(fd, good.ptr, good.len, 0), (ssize_t)good.len);
        close(fd);
        buf_fini(&good);
    }
    dataset_end(&data);
}

static void columns_keep_any_times_and_offsets_agree(void **state)
{
    (void)state;
    static const int64_t cases[][4] = {
        {0, 0, 0, 0}, {INT64_MIN, INT64_MAX, INT64_MIN, 0}, {1, 1000001, 3000001, -5000000 + 1}, {-1, 999999999, 1999999999, 2999999999}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct buf out = BUF_INIT;
        int64_t back[4];
        ts_column_encode(cases[i], 4, &out);
        struct slice in = buf_slice(&out);
        assert_true(ts_column_take(&in, 4, back) && in.len == 0);
        assert_memory_equal(back, cases[i], sizeof(back));
        in = slice_of(out.ptr, out.len - 1);
        assert_false(ts_column_take(&in, 4, back));
        buf_fini(&out);
    }
    char text[700] = {0};
    uint32_t a[700];
    uint32_t b[700];
    for (size_t len = 1; len < 600; len++) {
        size_t lines = 0;
        for (size_t i = 0; i < len; i++)
            lines += (size_t)((text[i] = (i + 1 == len || i * 7 % 11 < len % 5) ? '\n' : 'x') == '\n');
        assert_true(line_offsets(slice_of(text, len), lines, a) && line_offsets_portable(slice_of(text, len), lines, b));
        assert_memory_equal(a, b, (lines + 1) * sizeof(*a));
        assert_false(line_offsets(slice_of(text, len), lines + 1, a));
        assert_false(line_offsets(slice_of(text, len), lines - 1, a));
    }
    uint8_t map[640];
    uint64_t fast[10];
    uint64_t plain[10];
    seed = 3;
    for (size_t i = 0; i < sizeof(map); i++)
        map[i] = (uint8_t)(next_random() % 2);
    signature_pack(map, fast, 10);
    signature_pack_portable(map, plain, 10);
    assert_memory_equal(fast, plain, sizeof(fast));
}

/* The nth call that may fail, fails. */
static unsigned calls;
static unsigned fails_at;
static bool fails(void)
{
    return ++calls == fails_at && (errno = EIO) == EIO;
}
static int bad_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    return fails() ? -1 : system_disk.open(disk, path, flags, mode);
}
static ssize_t bad_pwrite(const struct disk *disk, int fd, const void *bytes, size_t count, off_t offset)
{
    return fails() ? -1 : system_disk.pwrite(disk, fd, bytes, count, offset);
}
static int bad_fdatasync(const struct disk *disk, int fd)
{
    return fails() ? -1 : system_disk.fdatasync(disk, fd);
}
static int bad_fsync(const struct disk *disk, int fd)
{
    return fails() ? -1 : system_disk.fsync(disk, fd);
}
static int bad_rename(const struct disk *disk, const char *from, const char *to)
{
    return fails() ? -1 : system_disk.rename(disk, from, to);
}

static void a_failed_call_leaves_no_file(void **state)
{
    (void)state;
    struct disk disk = system_disk;
    disk.open = bad_open;
    disk.pwrite = bad_pwrite;
    disk.fdatasync = bad_fdatasync;
    disk.fsync = bad_fsync;
    disk.rename = bad_rename;
    seed = 9;
    struct dataset data;
    struct err err;
    struct segment_stats stats;
    dataset_make(&data, 3, 12, false, 1);
    for (fails_at = 1;; fails_at++) {
        calls = 0;
        bool ok = write_segment(&disk, &data, "fault", 700, &stats, &err);
        static const char *const ends[] = {"seg", "sig", "seg.tmp", "sig.tmp"};
        for (size_t e = 0; e < LENGTH(ends); e++) {
            char path[128];
            (void)snprintf(path, sizeof(path), "%s/fault.%s", folder, ends[e]);
            assert_int_equal(access(path, F_OK) == 0, ok && e < 2);
        }
        if (calls < fails_at) {
            assert_true(ok);
            break;
        }
        assert_false(ok);
    }
    assert_true(fails_at > 7);
    dataset_end(&data);
}

static void streams_of_one_kind_are_similar(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct slice a = encode_one(&arena, "pod", SLICE("web-5d8f7-x2x9k"));
    struct slice b = encode_one(&arena, "pod", SLICE("web-5d8f7-zz111"));
    struct slice c = encode_one(&arena, "app", SLICE("web"));
    struct slice d = encode_one(&arena, "app", SLICE("db"));
    assert_true(segment_similarity(SLICE("t"), a) == segment_similarity(SLICE("t"), b));
    assert_false(segment_similarity(SLICE("t"), c) == segment_similarity(SLICE("t"), d));
    assert_false(segment_similarity(SLICE("t"), c) == segment_similarity(SLICE("u"), c));
    arena_fini(&arena);
}

int main(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-test-segment-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_stream_with_much_of_a_block_ends_with_a_small_part),
        cmocka_unit_test(a_block_of_many_long_lines_has_no_more_parts_than_a_table_holds),
        cmocka_unit_test(a_cache_gives_the_blocks_that_were_read),
        cmocka_unit_test(a_cache_gives_the_parts_that_were_read),
        cmocka_unit_test(a_segment_of_every_version_is_read),
        cmocka_unit_test(no_block_that_holds_a_needle_is_pruned),
        cmocka_unit_test(blocks_without_the_needle_are_pruned),
        cmocka_unit_test(a_block_has_as_many_bits_as_its_variety_asks_for),
        cmocka_unit_test(a_signature_of_the_second_version_is_read),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_found),
        cmocka_unit_test_prestate(every_flipped_bit_and_every_cut_is_found, folder),
        cmocka_unit_test(columns_keep_any_times_and_offsets_agree),
        cmocka_unit_test(a_failed_call_leaves_no_file),
        cmocka_unit_test(streams_of_one_kind_are_similar),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct err err;
    if (!disk_remove_folder(&system_disk, folder, &err))
        return 1;
    return failed;
}
