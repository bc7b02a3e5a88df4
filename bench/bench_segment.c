/* bench_segment: sealing, reading and probing over files of log lines, each file a stream; floor: zstd level 1 over the same blocks.
 * Usage: bench_segment <file>... (lines are read as they are, 64 MiB in all at most) */
#include "bench/bench.h"

#include <zstd.h>

#include "core/base/mem.h"
#include "core/model/label_set.h"
#include "storage/segment/segment.h"

#define RAW_BYTES_MAX ((size_t)64 << 20)

struct work {
    struct buf *texts;
    size_t count, raw_bytes;
    struct segment_stats stats;
    struct segment *segment;
    ZSTD_CCtx *zstd;
    char *packed;
    size_t packed_bytes;
};

static void stop(const struct err *err)
{
    (void)fprintf(stderr, "%s\n", err->text);
    exit(1);
}

static uint64_t seal(void *state, size_t n)
{
    struct work *work = state;
    for (size_t round = 0; round < n; round++) {
        struct segment_writer_config config = {
            .disk = &system_disk, .folder = "/tmp", .name = "logi-bench-segment", .zstd_level = 1, .block_bytes = (size_t)512 << 10};
        struct segment_writer *writer = NULL;
        struct err err;
        if (!segment_writer_open(&config, &writer, &err))
            stop(&err);
        for (size_t i = 0; i < work->count; i++) {
            struct arena arena = ARENA_INIT;
            struct label label = {SLICE("file"), arena_printf(&arena, "%zu", i)};
            struct slice labels = label_set_encode_in(&arena, &(struct label_set){&label, 1});
            bool ok = segment_writer_stream(writer, SLICE("bench"), stream_id(SLICE("bench"), labels), labels, &err);
            int64_t now = INT64_C(1700000000000000000);
            for (struct slice rest = buf_slice(&work->texts[i]); ok && rest.len > 0;) {
                size_t len = slice_find_byte(rest, '\n');
                now += (int64_t)(len * 2654435761u % 40) * 1000000;
                ok = segment_writer_entry(writer, now, slice_of(rest.ptr, len), SLICE_NONE, &err);
                rest = slice_from(rest, len < rest.len ? len + 1 : len);
            }
            arena_fini(&arena);
            if (!ok)
                stop(&err);
        }
        if (!segment_writer_finish(writer, &work->stats, &err))
            stop(&err);
    }
    return work->stats.file_bytes;
}

static uint64_t floor_zstd(void *state, size_t n)
{
    struct work *work = state;
    for (size_t round = 0; round < n; round++) {
        work->packed_bytes = 0;
        for (size_t i = 0; i < work->count; i++) {
            for (struct slice rest = buf_slice(&work->texts[i]); rest.len > 0;) {
                size_t len = rest.len < (size_t)512 << 10 ? rest.len : (size_t)512 << 10;
                work->packed_bytes += ZSTD_compressCCtx(work->zstd, work->packed, ZSTD_compressBound((size_t)512 << 10), rest.ptr, len, 1);
                rest = slice_from(rest, len);
            }
        }
    }
    return work->packed_bytes;
}

static uint64_t read_all(void *state, size_t n)
{
    struct work *work = state;
    uint64_t sum = 0;
    struct block_reader *reader = block_reader_create();
    for (size_t round = 0; round < n; round++) {
        for (size_t b = 0; b < segment_block_count(work->segment); b++) {
            struct block_view view;
            struct err err;
            if (!segment_read_block(work->segment, b, SCAN_LINES, reader, &view, &err))
                stop(&err);
            sum += view.offsets[view.entries];
        }
    }
    block_reader_destroy(reader);
    return sum;
}

static uint64_t probe(void *state, size_t n)
{
    struct work *work = state;
    uint64_t left = 0;
    struct slice text = SLICE("f2a91c77b06de414");
    for (size_t round = 0; round < n; round++) {
        uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
        memset(blocks, 0xff, sizeof(blocks));
        segment_probe(work->segment, &(struct needle){&text, 1, false}, blocks);
        for (size_t w = 0; w < LENGTH(blocks); w++)
            left += (uint64_t)__builtin_popcountll(blocks[w]);
    }
    return left;
}

int main(int argc, char **argv)
{
    struct work work = {.texts = mem_array((size_t)argc, sizeof(struct buf)), .zstd = ZSTD_createCCtx()};
    struct err err;
    work.packed = mem_alloc(ZSTD_compressBound((size_t)512 << 10));
    for (int i = 1; i < argc; i++, work.count++) {
        if (!disk_read_file(&system_disk, argv[i], RAW_BYTES_MAX / (size_t)(argc - 1), &work.texts[work.count], &err))
            stop(&err);
        work.raw_bytes += work.texts[work.count].len;
    }
    if (work.raw_bytes == 0) {
        (void)fprintf(stderr, "usage: bench_segment <file of log lines>...\n");
        return 2;
    }
    (void)bench("segment seal", work.raw_bytes, seal, &work);
    (void)bench("floor: zstd level 1", work.raw_bytes, floor_zstd, &work);
    if (!segment_open(&system_disk, "/tmp", "logi-bench-segment", &work.segment, &err))
        stop(&err);
    (void)bench("segment read, lines and times", work.raw_bytes, read_all, &work);
    (void)bench("segment probe, absent hex16", 0, probe, &work);
    printf("raw %zu, lines %llu, segment %llu, signature %llu, ratio %.2f; zstd alone %.2f; absent hex16 left %llu of %u blocks\n", work.raw_bytes,
           (unsigned long long)work.stats.entries, (unsigned long long)work.stats.file_bytes, (unsigned long long)work.stats.signature_bytes,
           (double)work.raw_bytes / (double)(work.stats.file_bytes + work.stats.signature_bytes),
           (double)work.raw_bytes / (double)work.packed_bytes,
           (unsigned long long)probe(&work, 1), work.stats.blocks);
    segment_unlink_on_close(work.segment);
    segment_unref(work.segment);
    return 0;
}
