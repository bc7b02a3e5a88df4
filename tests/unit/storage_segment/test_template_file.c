#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/ingest/level.h"
#include "core/model/label_set.h"
#include "storage/segment/segment_templates.h"

#define BLOCKS 5u

static char folder[64];
static uint64_t seed = 99;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

static const char *path_in(const char *name)
{
    static char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* A file of random rows; the rows are left in `rows`. */
static void write_file(const struct line_template *templates, uint32_t count, uint16_t *rows, const uint32_t *sizes)
{
    struct template_writer *writer = NULL;
    struct err err;
    must(template_writer_open(&system_disk, path_in("x.pat.tmp"), &writer, &err), &err);
    for (unsigned b = 0, at = 0; b < BLOCKS; at += sizes[b++]) {
        for (uint32_t i = 0; i < sizes[b]; i++)
            rows[at + i] = (uint16_t)(b == 0 ? 3 : next_random() % count); // the first block has one template only
        must(template_writer_block(writer, rows + at, sizes[b], &err), &err);
    }
    must(template_writer_finish(writer, path_in("x.pat"), 1234, templates, count, &err), &err);
}

static void rows_and_templates_are_read_back_in_numbers_of_one_and_of_two_bytes(void **state)
{
    (void)state;
    static const uint32_t counts[] = {4, 200, 257, TEMPLATE_FILE_TEMPLATES_MAX};
    const uint32_t sizes[BLOCKS] = {300, 1, 5000, 256, 9000};
    static uint16_t rows[20000];
    for (size_t c = 0; c < LENGTH(counts); c++) {
        struct arena arena = ARENA_INIT;
        struct line_template *templates = ARENA_ARRAY(&arena, struct line_template, counts[c]);
        for (uint32_t i = 0; i < counts[c]; i++)
            templates[i] = (struct line_template){arena_printf(&arena, "a <_> %u", i), (uint8_t)(i % LEVEL_COUNT)};
        write_file(templates, counts[c], rows, sizes);
        struct template_file *file = NULL;
        struct template_reader *reader = template_reader_create();
        struct err err;
        must(template_file_open(&system_disk, path_in("x.pat"), 1234, BLOCKS, &file, &err), &err);
        assert_int_equal(template_file_count(file), counts[c]);
        for (uint32_t i = 0; i < counts[c]; i++) {
            assert_true(slice_eq(template_file_templates(file)[i].text, templates[i].text));
            assert_int_equal(template_file_templates(file)[i].level, templates[i].level);
        }
        for (unsigned b = 0, at = 0; b < BLOCKS; at += sizes[b++]) {
            const uint16_t *got;
            must(template_file_read(file, b, sizes[b], reader, &got, &err), &err);
            assert_memory_equal(got, rows + at, sizes[b] * sizeof(*got));
            assert_false(template_file_read(file, b, sizes[b] + 1, reader, &got, &err) && b > 1); // but one template alone is that of any number of rows
        }
        template_file_close(file);
        assert_false(template_file_open(&system_disk, path_in("x.pat"), 1235, BLOCKS, &file, &err));
        assert_false(template_file_open(&system_disk, path_in("x.pat"), 1234, BLOCKS + 1, &file, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        template_reader_destroy(reader);
        arena_fini(&arena);
    }
}

/* True: all of it reads. */
static bool reads(const char *path, const uint32_t *sizes)
{
    struct template_file *file = NULL;
    struct err err = {.code = ERR_NONE};
    const uint16_t *got;
    bool ok = template_file_open(&system_disk, path, 1234, BLOCKS, &file, &err);
    struct template_reader *reader = template_reader_create();
    for (unsigned b = 0; ok && b < BLOCKS; b++)
        ok = template_file_read(file, b, sizes[b], reader, &got, &err);
    if (!ok && err.code != ERR_CORRUPT && err.code != ERR_TRUNCATED)
        fail_msg("code %d: %s", err.code, err.text);
    template_reader_destroy(reader);
    template_file_close(file);
    return ok;
}

static void every_flipped_bit_and_every_cut_is_found(void **state)
{
    (void)state;
    static const struct line_template templates[] = {{{"<_>", 3}, 0}, {{"a <_>", 5}, 3}, {{"b", 1}, 5}, {{"c", 1}, 1}};
    const uint32_t sizes[BLOCKS] = {20, 1, 40, 30, 2};
    static uint16_t rows[100];
    struct buf bytes = BUF_INIT;
    struct err err;
    write_file(templates, LENGTH(templates), rows, sizes);
    must(disk_read_file(&system_disk, path_in("x.pat"), 1 << 20, &bytes, &err), &err);
    assert_true(reads(path_in("x.pat"), sizes));
    int fd = open(path_in("y.pat"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
        assert_int_equal(pwrite(fd, bytes.ptr, bytes.len, 0), bytes.len);
        if (reads(path_in("y.pat"), sizes))
            fail_msg("bit %zu of byte %zu was not missed", bit % 8, bit / 8);
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
    }
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(pwrite(fd, bytes.ptr, len, 0), len);
        assert_int_equal(ftruncate(fd, (off_t)len), 0);
        assert_false(reads(path_in("y.pat"), sizes));
    }
    (void)close(fd);
    buf_fini(&bytes);
}

static void count_damage(void *self, const char *what)
{
    (void)what;
    (*(unsigned *)self)++;
}

static bool goes_on(void *self)
{
    unsigned *blocks = self;
    return blocks == NULL || (*blocks)-- > 0;
}

/* A segment of two tenants with lines alike. */
static struct segment *write_segment(const char *name)
{
    struct segment_writer_config config = {.disk = &system_disk, .folder = folder, .name = name, .zstd_level = 1, .block_bytes = 3000, .mark = {1, 0, 1}};
    struct segment_writer *writer = NULL;
    struct segment_stats stats;
    struct segment *segment = NULL;
    struct err err;
    struct arena arena = ARENA_INIT;
    static const char *const tenants[] = {"acme", "other"};
    static const char *const levels[] = {"info", "error", "odd"};
    must(segment_writer_open(&config, &writer, &err), &err);
    for (unsigned s = 0; s < 6; s++) {
        struct label label = {SLICE("app"), arena_printf(&arena, "app%u", s)};
        struct slice labels = label_set_encode_in(&arena, &(struct label_set){&label, 1});
        struct slice tenant = slice_str(tenants[s % 2]);
        must(segment_writer_stream(writer, tenant, stream_id(tenant, labels), labels, &err), &err);
        for (unsigned i = 0; i < 200; i++) {
            struct label level = {SLICE("detected_level"), slice_str(levels[next_random() % 3])};
            struct slice metadata = next_random() % 4 == 0 ? SLICE_NONE : label_set_encode_in(&arena, &(struct label_set){&level, 1});
            struct slice line = s % 2 == 0 ? arena_printf(&arena, "user anna took %u ms", i) : arena_printf(&arena, "user bert took %u ms", i);
            must(segment_writer_entry(writer, i, i % 50 == 7 ? SLICE("") : line, metadata, &err), &err);
        }
    }
    must(segment_writer_finish(writer, &stats, &err), &err);
    must(segment_open(&system_disk, folder, name, &segment, &err), &err);
    assert_true(segment_block_count(segment) > 4);
    arena_fini(&arena);
    return segment;
}

static void templates_of_a_segment_accept_its_lines_and_do_not_mix_tenants(void **state)
{
    (void)state;
    struct segment *segment = write_segment("built");
    struct template_figures figures;
    struct err err;
    unsigned damages = 0;
    assert_null(segment_templates(segment));
    assert_null(segment_templates_known(segment));
    must(segment_templates_build(segment, goes_on, NULL, &figures, &err), &err);
    const struct template_file *file = segment_templates(segment);
    assert_non_null(file);
    assert_int_equal(figures.templates, template_file_count(file));
    assert_int_equal(figures.evicted, 0);
    bool has_anna = false, has_both = false;
    for (uint32_t i = 0; i < template_file_count(file); i++) {
        struct slice text = template_file_templates(file)[i].text;
        has_anna = has_anna || slice_eq(text, SLICE("user anna took <_> ms"));
        has_both = has_both || slice_eq(text, SLICE("user <_> took <_> ms"));
    }
    assert_true(has_anna && !has_both);
    segment_templates_verify(segment, count_damage, &damages);
    assert_int_equal(damages, 0);

    // Opened again they are there; spoilt they are not, and are made again.
    struct segment *again = NULL;
    must(segment_open(&system_disk, folder, "built", &again, &err), &err);
    assert_non_null(segment_templates(again));
    segment_templates_spoil(again, segment_templates(again));
    assert_null(segment_templates(again));
    must(segment_templates_build(again, goes_on, NULL, &figures, &err), &err);
    assert_non_null(segment_templates(again));
    segment_unref(again);

    // They go with their segment.
    assert_int_equal(access(path_in("built.pat"), F_OK), 0);
    segment_unlink_on_close(segment);
    segment_unref(segment);
    assert_int_equal(access(path_in("built.pat"), F_OK), -1);
}

static void a_build_that_is_stopped_or_fails_leaves_nothing(void **state)
{
    (void)state;
    struct segment *segment = write_segment("stopped");
    struct template_figures figures;
    struct err err;
    unsigned blocks = 2;
    assert_false(segment_templates_build(segment, goes_on, &blocks, &figures, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    assert_null(segment_templates(segment));
    assert_int_equal(access(path_in("stopped.pat"), F_OK), -1);
    assert_int_equal(access(path_in("stopped.pat.tmp"), F_OK), -1);
    segment_unlink_on_close(segment);
    segment_unref(segment);
}

/* tests/golden/segment/v1.pat is of format version 1, written by the build that introduced it. It is never written anew. */
static void a_template_file_of_the_first_version_is_read(void **state)
{
    (void)state;
    struct segment *segment = NULL;
    struct err err;
    unsigned damages = 0;
    must(segment_open(&system_disk, "tests/golden/segment", "v1", &segment, &err), &err);
    const struct template_file *file = segment_templates(segment);
    assert_non_null(file);
    assert_int_equal(template_file_count(file), 186);
    assert_true(slice_eq(template_file_templates(file)[0].text, SLICE("<_>")));
    segment_templates_verify(segment, count_damage, &damages);
    assert_int_equal(damages, 0);
    segment_unref(segment);
}

int main(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-test-templates-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_templates_are_read_back_in_numbers_of_one_and_of_two_bytes),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_found),
        cmocka_unit_test(templates_of_a_segment_accept_its_lines_and_do_not_mix_tenants),
        cmocka_unit_test(a_build_that_is_stopped_or_fails_leaves_nothing),
        cmocka_unit_test(a_template_file_of_the_first_version_is_read),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct err err;
    if (!disk_remove_folder(&system_disk, folder, &err))
        return 1;
    return failed;
}
