#include "storage/segment/stream_directory.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/model/label_set.h"
#include "storage/segment/ts_column.h"

#define HEAD_MAGIC "LogiSeg\n"
#define FOOTER_MAGIC "LogiEnd\n"
#define DAMAGED(what) err_set(err, ERR_CORRUPT, "directory: %s", what)

static bool version_is_known(uint32_t version)
{
    return version >= SEGMENT_VERSION_MIN && version <= SEGMENT_VERSION;
}

void segment_head_put(char *p)
{
    memcpy(p, HEAD_MAGIC, 8);
    le32_put(p + 8, SEGMENT_VERSION);
    le32_put(p + 12, crc32c(0, slice_of(p, 12)));
}

bool segment_head_check(const char *p, struct err *err)
{
    if (memcmp(p, HEAD_MAGIC, 8) != 0 || le32_get(p + 12) != crc32c(0, slice_of(p, 12)))
        return err_set(err, ERR_CORRUPT, "header: checksum");
    if (!version_is_known(le32_get(p + 8)))
        return err_set(err, ERR_CORRUPT, "header: version %u, this program reads %u to %u", le32_get(p + 8), SEGMENT_VERSION_MIN, SEGMENT_VERSION);
    return true;
}

uint32_t segment_footer_put(const struct segment_footer *footer, char *p)
{
    const struct segment_stats *stats = &footer->stats;
    le64_put(p, footer->directory_offset);
    le32_put(p + 8, footer->directory_stored);
    le32_put(p + 12, footer->directory_plain);
    le32_put(p + 16, footer->directory_crc);
    le32_put(p + 20, stats->streams);
    le32_put(p + 24, footer->runs);
    le32_put(p + 28, stats->blocks);
    le64_put(p + 32, stats->entries);
    le64_put(p + 40, stats->line_bytes);
    le64_put(p + 48, stats->metadata_bytes);
    le64_put(p + 56, (uint64_t)stats->first_ns);
    le64_put(p + 64, (uint64_t)stats->last_ns);
    le32_put(p + 72, stats->level);
    le32_put(p + 76, stats->mark.shard_count);
    le32_put(p + 80, stats->mark.shard);
    le32_put(p + 84, SEGMENT_VERSION);
    le64_put(p + 88, stats->mark.sequence);
    le64_put(p + 96, (uint64_t)stats->created_ns);
    le32_put(p + 104, 0);
    uint32_t crc = crc32c(0, slice_of(p, 108));
    le32_put(p + 108, crc);
    memcpy(p + 112, FOOTER_MAGIC, 8);
    return crc;
}

bool segment_footer_get(const char *p, struct segment_footer *out, uint32_t *crc, struct err *err)
{
    *crc = le32_get(p + 108);
    if (memcmp(p + 112, FOOTER_MAGIC, 8) != 0 || *crc != crc32c(0, slice_of(p, 108)))
        return err_set(err, ERR_CORRUPT, "footer: checksum");
    if (!version_is_known(le32_get(p + 84)))
        return err_set(err, ERR_CORRUPT, "footer: version %u, this program reads %u to %u", le32_get(p + 84), SEGMENT_VERSION_MIN, SEGMENT_VERSION);
    *out = (struct segment_footer){.directory_offset = le64_get(p),
                                   .directory_stored = le32_get(p + 8),
                                   .directory_plain = le32_get(p + 12),
                                   .directory_crc = le32_get(p + 16),
                                   .runs = le32_get(p + 24)};
    struct segment_stats *stats = &out->stats;
    stats->streams = le32_get(p + 20);
    stats->blocks = le32_get(p + 28);
    stats->entries = le64_get(p + 32);
    stats->line_bytes = le64_get(p + 40);
    stats->metadata_bytes = le64_get(p + 48);
    stats->first_ns = (int64_t)le64_get(p + 56);
    stats->last_ns = (int64_t)le64_get(p + 64);
    stats->level = le32_get(p + 72);
    stats->mark = (struct segment_mark){le32_get(p + 76), le32_get(p + 80), le64_get(p + 88)};
    stats->created_ns = (int64_t)le64_get(p + 96);
    if (stats->blocks == 0 || stats->blocks > SEGMENT_BLOCKS_MAX || stats->streams == 0 || out->runs < stats->streams)
        return err_set(err, ERR_CORRUPT, "footer: %u blocks, %u streams, %u runs", stats->blocks, stats->streams, out->runs);
    return true;
}

/* ---- growing ---- */

void stream_directory_fini(struct stream_directory *directory)
{
    mem_free(directory->streams);
    mem_free(directory->runs);
    mem_free(directory->blocks);
    mem_free(directory->times_stored);
    mem_free(directory->metadata_stored);
    buf_fini(&directory->text);
    *directory = (struct stream_directory){0};
}

struct segment_run *stream_directory_add_run(struct stream_directory *directory)
{
    if (directory->run_count == directory->run_cap) {
        directory->run_cap = directory->run_cap == 0 ? 64 : directory->run_cap * 2;
        directory->runs = mem_grow(directory->runs, directory->run_cap, sizeof(*directory->runs));
    }
    return &directory->runs[directory->run_count++];
}

void stream_directory_add_stream(struct stream_directory *directory, struct hash128 id, struct slice tenant, struct slice labels)
{
    if (directory->stream_count == directory->stream_cap) {
        directory->stream_cap = directory->stream_cap == 0 ? 64 : directory->stream_cap * 2;
        directory->streams = mem_grow(directory->streams, directory->stream_cap, sizeof(*directory->streams));
    }
    // Only the lengths are kept of the slices: text moves as it grows.
    struct segment_stream *stream = &directory->streams[directory->stream_count++];
    *stream = (struct segment_stream){.id = id,
                                      .tenant = {NULL, tenant.len},
                                      .encoded_labels = {NULL, labels.len},
                                      .first_run = (uint32_t)directory->run_count};
    buf_put(&directory->text, tenant);
    buf_put(&directory->text, labels);
}

static void grow_blocks(struct stream_directory *directory, size_t cap)
{
    directory->block_cap = cap;
    directory->blocks = mem_grow(directory->blocks, cap, sizeof(*directory->blocks));
    directory->times_stored = mem_grow(directory->times_stored, cap, sizeof(uint32_t));
    directory->metadata_stored = mem_grow(directory->metadata_stored, cap, sizeof(uint32_t));
}

void stream_directory_add_block(struct stream_directory *directory, const struct segment_block *block, const struct block_head *head)
{
    if (directory->block_count == directory->block_cap)
        grow_blocks(directory, directory->block_cap == 0 ? 16 : directory->block_cap * 2);
    directory->times_stored[directory->block_count] = head->stored[FRAME_TIMES];
    directory->metadata_stored[directory->block_count] = head->stored[FRAME_METADATA];
    directory->blocks[directory->block_count++] = *block;
}

/* ---- encoding ---- */

static void run_times_put(const struct stream_directory *directory, struct buf *out)
{
    size_t count = directory->run_count;
    int64_t *times = mem_array(count, sizeof(*times));
    for (size_t i = 0; i < count; i++)
        times[i] = directory->runs[i].first_ns;
    ts_column_encode(times, count, out);
    for (size_t i = 0; i < count; i++)
        times[i] = (int64_t)((uint64_t)directory->runs[i].last_ns - (uint64_t)directory->runs[i].first_ns);
    ts_column_encode(times, count, out);
    mem_free(times);
}

void stream_directory_encode(const struct stream_directory *directory, struct buf *out)
{
    struct slice text = buf_slice(&directory->text);
    struct slice last = SLICE_NONE;
    for (size_t i = 0; i < directory->stream_count; i++) {
        struct slice tenant;
        struct slice labels;
        bool ok = slice_take(&text, directory->streams[i].tenant.len, &tenant) &&
                  slice_take(&text, directory->streams[i].encoded_labels.len, &labels);
        assert(ok);
        bool is_same = i > 0 && slice_eq(tenant, last);
        buf_varint(out, is_same ? 0 : tenant.len + 1);
        if (!is_same)
            buf_put(out, tenant);
        buf_varint(out, labels.len);
        buf_put(out, labels);
        last = tenant;
    }
    for (size_t i = 0; i < directory->stream_count; i++)
        buf_varint(out, directory->streams[i].run_count);
    for (size_t i = 0; i < directory->run_count; i++)
        buf_varint(out, directory->runs[i].entries);
    for (size_t i = 0; i < directory->run_count; i++)
        buf_varint(out, directory->runs[i].line_bytes_low);
    for (size_t i = 0; i < directory->run_count; i++)
        buf_varint(out, directory->runs[i].metadata_bytes);
    run_times_put(directory, out);
    for (size_t i = 0; i < directory->block_count; i++)
        buf_varint(out, directory->blocks[i].stored_bytes);
    for (size_t i = 0; i < directory->block_count; i++)
        buf_varint(out, directory->blocks[i].run_count);
    for (size_t i = 0; i < directory->block_count; i++)
        buf_varint(out, directory->blocks[i].flags);
    for (size_t i = 0; i < directory->block_count; i++)
        buf_varint(out, directory->times_stored[i]);
    for (size_t i = 0; i < directory->block_count; i++)
        buf_varint(out, directory->metadata_stored[i]);
}

/* ---- decoding ---- */

static bool u32_take(struct slice *in, uint32_t *out)
{
    uint64_t value = 0;
    if (!varint_take(in, &value) || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* Tenants and labels, copied into text, so that the plain directory need not stay. */
static bool streams_take(struct slice *in, struct stream_directory *out, struct err *err)
{
    struct slice from = *in;
    struct slice tenant = SLICE_NONE;
    struct arena arena = ARENA_INIT;
    bool ok = true;
    (void)buf_room(&out->text, from.len + 1); // text will not move: it is a part of the bytes
    for (size_t i = 0; ok && i < out->stream_count; i++) {
        struct segment_stream *stream = &out->streams[i];
        uint64_t tenant_len = 0;
        struct slice labels;
        struct label_set set;
        ok = varint_take(in, &tenant_len) && tenant_len <= in->len && (i > 0 || tenant_len > 0);
        if (ok && tenant_len > 0) {
            ok = slice_take(in, (size_t)tenant_len - 1, &tenant);
            size_t at = out->text.len;
            buf_put(&out->text, tenant);
            tenant = slice_of(out->text.ptr + at, tenant.len);
        }
        ok = ok && varint_slice_take(in, &labels) && label_set_decode(labels, &arena, &set, err);
        if (!ok)
            break;
        size_t at = out->text.len;
        buf_put(&out->text, labels);
        *stream = (struct segment_stream){.tenant = tenant, .encoded_labels = slice_of(out->text.ptr + at, labels.len)};
        stream->id = stream_id(stream->tenant, stream->encoded_labels);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return ok || DAMAGED("streams");
}

static bool run_times_take(struct slice *in, struct stream_directory *out)
{
    int64_t *times = mem_array(out->run_count, sizeof(*times));
    bool ok = ts_column_take(in, out->run_count, times);
    for (size_t i = 0; ok && i < out->run_count; i++)
        out->runs[i].first_ns = times[i];
    ok = ok && ts_column_take(in, out->run_count, times);
    for (size_t i = 0; ok && i < out->run_count; i++)
        ok = times[i] >= 0 && !__builtin_add_overflow(out->runs[i].first_ns, times[i], &out->runs[i].last_ns);
    mem_free(times);
    return ok;
}

static bool columns_take(struct slice *in, struct stream_directory *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < out->stream_count; i++)
        ok = u32_take(in, &out->streams[i].run_count);
    for (size_t i = 0; ok && i < out->run_count; i++)
        ok = u32_take(in, &out->runs[i].entries) && out->runs[i].entries > 0;
    for (size_t i = 0; ok && i < out->run_count; i++)
        ok = u32_take(in, &out->runs[i].line_bytes_low);
    for (size_t i = 0; ok && i < out->run_count; i++)
        ok = u32_take(in, &out->runs[i].metadata_bytes);
    ok = ok && run_times_take(in, out);
    for (size_t i = 0; ok && i < out->block_count; i++)
        ok = u32_take(in, &out->blocks[i].stored_bytes) && out->blocks[i].stored_bytes >= BLOCK_HEAD_BYTES;
    for (size_t i = 0; ok && i < out->block_count; i++)
        ok = u32_take(in, &out->blocks[i].run_count);
    for (size_t i = 0; ok && i < out->block_count; i++)
        ok = u32_take(in, &out->blocks[i].flags);
    for (size_t i = 0; ok && i < out->block_count; i++)
        ok = u32_take(in, &out->times_stored[i]);
    for (size_t i = 0; ok && i < out->block_count; i++) {
        ok = u32_take(in, &out->metadata_stored[i]) &&
             BLOCK_HEAD_BYTES + (uint64_t)out->times_stored[i] + out->metadata_stored[i] <= out->blocks[i].stored_bytes;
    }
    return ok && in->len == 0;
}

/* What follows from the runs: streams' sums and bounds. */
static bool derive_streams(struct stream_directory *out)
{
    size_t next = 0;
    for (size_t i = 0; i < out->stream_count; i++) {
        struct segment_stream *stream = &out->streams[i];
        if (stream->run_count == 0 || stream->run_count > out->run_count - next)
            return false;
        stream->first_run = (uint32_t)next;
        stream->first_ns = out->runs[next].first_ns;
        for (size_t end = next + stream->run_count; next < end; next++) {
            const struct segment_run *run = &out->runs[next];
            if (next > stream->first_run && run->first_ns < stream->last_ns)
                return false;
            stream->last_ns = run->last_ns;
            stream->entries += run->entries;
            stream->line_bytes += run->line_bytes_low;
        }
    }
    return next == out->run_count;
}

static bool derive_blocks(struct stream_directory *out, uint64_t end_offset)
{
    size_t next = 0;
    uint64_t offset = SEGMENT_HEAD_BYTES;
    for (size_t i = 0; i < out->block_count; i++) {
        struct segment_block *block = &out->blocks[i];
        if (block->run_count == 0 || block->run_count > out->run_count - next)
            return false;
        uint64_t entries = 0;
        uint64_t line_bytes = 0;
        block->offset = offset;
        block->first_run = (uint32_t)next;
        block->first_ns = out->runs[next].first_ns;
        block->last_ns = out->runs[next].last_ns;
        for (size_t end = next + block->run_count; next < end; next++) {
            struct segment_run *run = &out->runs[next];
            run->block = (uint32_t)i;
            run->first_row = (uint32_t)entries;
            entries += run->entries;
            line_bytes += run->line_bytes_low;
            block->first_ns = run->first_ns < block->first_ns ? run->first_ns : block->first_ns;
            block->last_ns = run->last_ns > block->last_ns ? run->last_ns : block->last_ns;
            if (entries > BLOCK_ENTRIES_MAX || line_bytes + entries > BLOCK_TEXT_MAX)
                return false;
        }
        block->entries = (uint32_t)entries;
        block->line_bytes = (uint32_t)line_bytes;
        offset += block->stored_bytes;
    }
    return next == out->run_count && offset == end_offset;
}

static int by_id(const void *a, const void *b)
{
    return hash128_cmp(((const struct segment_stream *)a)->id, ((const struct segment_stream *)b)->id);
}

static bool sums_match(const struct stream_directory *directory, const struct segment_stats *stats)
{
    uint64_t entries = 0;
    uint64_t line_bytes = 0;
    uint64_t metadata_bytes = 0;
    int64_t first_ns = INT64_MAX;
    int64_t last_ns = INT64_MIN;
    for (size_t i = 0; i < directory->run_count; i++) {
        const struct segment_run *run = &directory->runs[i];
        entries += run->entries;
        line_bytes += run->line_bytes_low;
        metadata_bytes += run->metadata_bytes;
        first_ns = run->first_ns < first_ns ? run->first_ns : first_ns;
        last_ns = run->last_ns > last_ns ? run->last_ns : last_ns;
    }
    return entries == stats->entries && line_bytes == stats->line_bytes && metadata_bytes == stats->metadata_bytes &&
           first_ns == stats->first_ns && last_ns == stats->last_ns;
}

bool stream_directory_decode(struct slice plain, const struct segment_footer *footer, struct stream_directory *out, struct err *err)
{
    // A stream is two bytes at least and a run three, so that counts that lie take little memory.
    if (footer->stats.streams > plain.len / 2 || footer->runs > plain.len / 3)
        return DAMAGED("counts");
    out->stream_count = out->stream_cap = footer->stats.streams;
    out->run_count = out->run_cap = footer->runs;
    out->block_count = footer->stats.blocks;
    out->streams = mem_array(out->stream_count, sizeof(*out->streams));
    out->runs = mem_array(out->run_count, sizeof(*out->runs));
    grow_blocks(out, out->block_count);
    memset(out->blocks, 0, out->block_count * sizeof(*out->blocks));
    if (!streams_take(&plain, out, err))
        return false;
    if (!columns_take(&plain, out))
        return DAMAGED("columns");
    if (!derive_streams(out) || !derive_blocks(out, footer->directory_offset) || !sums_match(out, &footer->stats))
        return DAMAGED("sums");

    qsort(out->streams, out->stream_count, sizeof(*out->streams), by_id);
    for (size_t i = 0; i < out->stream_count; i++) {
        const struct segment_stream *stream = &out->streams[i];
        if (i > 0 && by_id(&stream[-1], stream) == 0)
            return DAMAGED("a stream twice");
        for (uint32_t r = 0; r < stream->run_count; r++)
            out->runs[stream->first_run + r].stream = (uint32_t)i;
    }
    return true;
}

size_t stream_directory_bytes(const struct stream_directory *directory)
{
    return directory->stream_count * sizeof(*directory->streams) + directory->run_count * sizeof(*directory->runs) +
           directory->block_cap * (sizeof(*directory->blocks) + 2 * sizeof(uint32_t)) + directory->text.cap;
}
