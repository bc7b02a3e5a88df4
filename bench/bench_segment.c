/* bench_segment: sealing, reading and probing what one shard of two seals of the node benchmark's corpus (bench/node/corpus.h): the streams whose id is
 * even, 120 or so, ordered by segment_similarity, 16 MiB of lines, detected_level on every entry. Floor: zstd level 1 over the same bytes.
 * Usage: bench_segment [<KiB a block> [<zstd level>]] */
#include "bench/bench.h"

#include <zstd.h>

#include "bench/node/corpus.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/ingest/level.h"
#include "core/model/label_set.h"
#include "storage/segment/segment.h"

#define LINE_BYTES ((size_t)16 << 20)

static struct slice level_names[] = {{"level", 5}, {"severity", 8}, {"lvl", 3}};
static const struct slice_list level_list = {level_names, LENGTH(level_names)};
static struct level_fields level_fields; /* set by main */

struct item {
    int64_t ts_ns;
    size_t at, len; /* in lines */
    enum level level;
};

struct bench_stream {
    struct slice labels;
    struct hash128 id;
    uint64_t similarity;
    struct item *items;
    size_t count, cap;
};

struct work {
    struct arena arena;
    struct buf lines;
    struct bench_stream *sources;
    size_t count, raw_bytes, block_bytes;
    int zstd_level;
    struct slice metadata[16]; /* by level */
    struct buf laid;           /* the lines in the order of the segment: the floor's input */
    struct segment_stats stats;
    struct segment *segment;
    unsigned columns;
    ZSTD_CCtx *zstd;
    char *packed;
    size_t packed_bytes;
};

static void stop(const struct err *err)
{
    (void)fprintf(stderr, "%s\n", err->text);
    exit(1);
}

/* The generator's own messages are well-formed: what is not, is a bug of it. */
static void must(bool ok)
{
    if (!ok)
        abort();
}

static struct slice field_take(struct slice *in, uint64_t tag)
{
    struct slice value;
    uint64_t found = 0;
    must(varint_take(in, &found) && found == tag && varint_slice_take(in, &value));
    return value;
}

static struct bench_stream *source_of(struct work *work, struct slice labels_text)
{
    struct label_set set;
    struct err err;
    if (!label_set_parse(labels_text, &work->arena, &set, &err))
        stop(&err);
    struct slice labels = label_set_encode_in(&work->arena, &set);
    struct hash128 id = stream_id(SLICE("bench"), labels);
    for (size_t i = 0; i < work->count; i++) {
        if (hash128_eq(work->sources[i].id, id))
            return &work->sources[i];
    }
    work->sources = mem_grow(work->sources, work->count + 1, sizeof(*work->sources));
    work->sources[work->count] = (struct bench_stream){.labels = labels, .id = id, .similarity = segment_similarity(SLICE("bench"), labels)};
    return &work->sources[work->count++];
}

static void entry_gather(struct work *work, struct bench_stream *source, struct slice entry)
{
    struct slice time = field_take(&entry, 1 << 3 | 2);
    struct slice line = field_take(&entry, 2 << 3 | 2);
    uint64_t tag = 0;
    uint64_t seconds = 0;
    uint64_t nanos = 0;
    must(varint_take(&time, &tag) && varint_take(&time, &seconds) && varint_take(&time, &tag) && varint_take(&time, &nanos));
    if (source->count == source->cap) {
        source->cap = source->cap == 0 ? 256 : source->cap * 2;
        source->items = mem_grow(source->items, source->cap, sizeof(*source->items));
    }
    source->items[source->count++] = (struct item){
        (int64_t)seconds * NS_PER_S + (int64_t)nanos, work->lines.len, line.len, level_of_line(line, &level_fields)};
    buf_put(&work->lines, line);
    work->raw_bytes += line.len;
}

static int by_time(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    return x->ts_ns != y->ts_ns ? (x->ts_ns > y->ts_ns) - (x->ts_ns < y->ts_ns) : (x->at > y->at) - (x->at < y->at);
}

static int by_similarity(const void *a, const void *b)
{
    const struct bench_stream *x = a;
    const struct bench_stream *y = b;
    return x->similarity != y->similarity ? (x->similarity > y->similarity) - (x->similarity < y->similarity) : hash128_cmp(x->id, y->id);
}

static void gather(struct work *work)
{
    struct corpus_config config;
    corpus_config_defaults(&config);
    struct corpus *corpus = corpus_open(&config, 0);
    struct corpus_push push = {.message = BUF_INIT};
    while (work->raw_bytes < LINE_BYTES && corpus_next(corpus, &push)) {
        for (struct slice in = buf_slice(&push.message); in.len > 0;) {
            struct slice stream = field_take(&in, 1 << 3 | 2);
            struct bench_stream *source = source_of(work, field_take(&stream, 1 << 3 | 2));
            while (stream.len > 0 && source->id.low % 2 == 0)
                entry_gather(work, source, field_take(&stream, 2 << 3 | 2));
        }
    }
    corpus_close(corpus);
    buf_fini(&push.message);
    qsort(work->sources, work->count, sizeof(*work->sources), by_similarity);
    for (size_t s = 0; s < work->count; s++) {
        struct bench_stream *source = &work->sources[s];
        if (source->count > 0)
            qsort(source->items, source->count, sizeof(*source->items), by_time);
        for (size_t i = 0; i < source->count; i++) {
            const struct item *item = &source->items[i];
            buf_put(&work->laid, slice_of(work->lines.ptr + item->at, item->len));
            if (work->metadata[item->level].len == 0) {
                struct label label = {SLICE("detected_level"), level_text(item->level)};
                work->metadata[item->level] = label_set_encode_in(&work->arena, &(struct label_set){&label, 1});
            }
        }
    }
}

static uint64_t seal(void *state, size_t n)
{
    struct work *work = state;
    for (size_t round = 0; round < n; round++) {
        struct segment_writer_config config = {.disk = &system_disk, .folder = "/tmp", .name = "logi-bench-segment",
                                               .zstd_level = work->zstd_level, .block_bytes = work->block_bytes};
        struct segment_writer *writer = NULL;
        struct err err;
        if (!segment_writer_open(&config, &writer, &err))
            stop(&err);
        for (size_t s = 0; s < work->count; s++) {
            const struct bench_stream *source = &work->sources[s];
            bool ok = segment_writer_stream(writer, SLICE("bench"), source->id, source->labels, &err);
            for (size_t i = 0; ok && i < source->count; i++) {
                const struct item *item = &source->items[i];
                ok = segment_writer_entry(writer, item->ts_ns, slice_of(work->lines.ptr + item->at, item->len), work->metadata[item->level], &err);
            }
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
        for (struct slice rest = buf_slice(&work->laid); rest.len > 0;) {
            size_t len = rest.len < work->block_bytes ? rest.len : work->block_bytes;
            work->packed_bytes += ZSTD_compressCCtx(work->zstd, work->packed, ZSTD_compressBound(work->block_bytes), rest.ptr, len, 1);
            rest = slice_from(rest, len);
        }
    }
    return work->packed_bytes;
}

static uint64_t read_all(void *state, size_t n)
{
    struct work *work = state;
    uint64_t sum = 0;
    struct block_reader *reader = block_reader_create(NULL);
    for (size_t round = 0; round < n; round++) {
        for (size_t b = 0; b < segment_block_count(work->segment); b++) {
            struct block_view view;
            struct err err;
            if (!segment_read_block(work->segment, b, work->columns, reader, &view, &err))
                stop(&err);
            sum += (uint64_t)view.ts_ns[view.entries - 1];
        }
    }
    block_reader_destroy(reader);
    return sum;
}

static uint64_t blocks_left(struct work *work, struct slice text)
{
    uint64_t left = 0;
    uint64_t blocks[SEGMENT_BLOCKS_MAX / 64];
    memset(blocks, 0xff, sizeof(blocks));
    segment_probe(work->segment, &(struct needle){&text, 1, false}, blocks);
    for (size_t b = 0; b < segment_block_count(work->segment); b++)
        left += blocks[b / 64] >> (b % 64) & 1;
    return left;
}

static uint64_t probe(void *state, size_t n)
{
    uint64_t left = 0;
    for (size_t round = 0; round < n; round++)
        left += blocks_left(state, SLICE("f2a91c77b06de414"));
    return left;
}

/* Blocks that stay, of those that need not: random needles of a kind, absent but for chance. */
static void print_needles(struct work *work)
{
    static const char *const kinds[] = {"absent uuid", "absent hex16", "absent ipv4"};
    for (size_t k = 0; k < LENGTH(kinds); k++) {
        uint64_t left = 0;
        uint64_t random = 88172645463325252;
        for (unsigned i = 0; i < 100; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            unsigned a = (unsigned)(random >> 32);
            char text[64];
            int len = k == 0   ? snprintf(text, sizeof(text), "%08x-%04x-4d0a-9c55-%08x7a16", a, a * 31 % 65536, a * 2654435761u)
                      : k == 1 ? snprintf(text, sizeof(text), "%08x%08x", a, a * 2654435761u)
                               : snprintf(text, sizeof(text), "172.%u.%u.%u", a % 256, a / 256 % 256, a / 65536 % 256);
            left += blocks_left(work, slice_of(text, (size_t)len));
        }
        printf("%s: %.2f of %u blocks left\n", kinds[k], (double)left / 100, work->stats.blocks);
    }
    printf("\"Failed password for root\": %llu of %u blocks left\n",
           (unsigned long long)blocks_left(work, SLICE("Failed password for root")), work->stats.blocks);
}

int main(int argc, char **argv)
{
    level_fields_init(&level_fields, &level_list);
    struct work work = {.arena = ARENA_INIT, .block_bytes = (size_t)512 << 10, .zstd_level = 1, .zstd = ZSTD_createCCtx()};
    struct err err;
    work.block_bytes = argc > 1 ? (size_t)atoi(argv[1]) << 10 : work.block_bytes;
    work.zstd_level = argc > 2 ? atoi(argv[2]) : work.zstd_level;
    work.packed = mem_alloc(ZSTD_compressBound(work.block_bytes));
    gather(&work);
    double ns = bench("segment seal", work.raw_bytes, seal, &work);
    double floor_ns = bench("floor: zstd level 1", work.raw_bytes, floor_zstd, &work);
    if (!segment_open(&system_disk, "/tmp", "logi-bench-segment", &work.segment, &err))
        stop(&err);
    work.columns = SCAN_LINES;
    (void)bench("segment read, lines and times", work.raw_bytes, read_all, &work);
    work.columns = SCAN_TIMES;
    (void)bench("segment read, times", work.raw_bytes, read_all, &work);
    (void)bench("segment probe, absent hex16", 0, probe, &work);
    print_needles(&work);
    printf("seal %.2f ns a byte, zstd alone %.2f\n", ns / (double)work.raw_bytes, floor_ns / (double)work.raw_bytes);
    printf("raw %zu, lines %llu, streams %u, segment %llu, signature %llu, ratio %.2f; zstd alone %.2f\n", work.raw_bytes,
           (unsigned long long)work.stats.entries, work.stats.streams, (unsigned long long)work.stats.file_bytes,
           (unsigned long long)work.stats.signature_bytes,
           (double)work.raw_bytes / (double)(work.stats.file_bytes + work.stats.signature_bytes), (double)work.raw_bytes / (double)work.packed_bytes);
    segment_unlink_on_close(work.segment);
    segment_unref(work.segment);
    return 0;
}
