#include "storage/segment/segment_file.h"

#include <assert.h>
#include <fcntl.h>
#include <zstd.h>

#include "core/base/clock.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/segment/template_file.h"

static _Atomic uint64_t serials;

static char *path_of(const char *folder, const char *name, const char *end)
{
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s%s", folder, name, end);
    char *text = mem_strdup(buf_slice(&path));
    buf_fini(&path);
    return text;
}

static void segment_free(struct segment *segment)
{
    if (segment->fd >= 0)
        (void)segment->disk->close(segment->disk, segment->fd);
    signature_close(&segment->signature);
    for (struct kept_templates *kept = atomic_load(&segment->templates), *older; kept != NULL; kept = older) {
        older = kept->older;
        template_file_close(kept->file);
        mem_free(kept);
    }
    stream_directory_fini(&segment->directory);
    mem_free(segment->name);
    mem_free(segment->seg_path);
    mem_free(segment->sig_path);
    mem_free(segment->pat_path);
    mem_free(segment);
}

static bool read_footer(struct segment *segment, uint32_t *crc, struct err *err)
{
    const struct disk *disk = segment->disk;
    struct stat stat;
    char head[SEGMENT_HEAD_BYTES];
    char foot[SEGMENT_FOOTER_BYTES];
    if (disk->fstat(disk, segment->fd, &stat) != 0)
        return err_errno(err, "fstat");
    uint64_t size = (uint64_t)stat.st_size;
    if (stat.st_size < (off_t)(SEGMENT_HEAD_BYTES + SEGMENT_FOOTER_BYTES))
        return err_set(err, ERR_CORRUPT, "%lld bytes are no segment", (long long)stat.st_size);
    if (!disk_read_all(disk, segment->fd, head, sizeof(head), 0, err) || !segment_head_check(head, err) ||
        !disk_read_all(disk, segment->fd, foot, sizeof(foot), size - SEGMENT_FOOTER_BYTES, err) ||
        !segment_footer_get(foot, &segment->footer, crc, err))
        return false;
    const struct segment_footer *footer = &segment->footer;
    if (footer->directory_offset > size || footer->directory_stored > size || footer->directory_offset < SEGMENT_HEAD_BYTES ||
        footer->directory_offset + footer->directory_stored + SEGMENT_FOOTER_BYTES != size ||
        footer->directory_plain > SEGMENT_DIRECTORY_MAX)
        return err_set(err, ERR_CORRUPT, "footer: directory at %llu in a file of %llu bytes",
                       (unsigned long long)footer->directory_offset, (unsigned long long)size);
    segment->stats = footer->stats;
    segment->stats.file_bytes = size;
    return true;
}

static bool directory_unpack(struct segment *segment, struct slice stored, struct err *err)
{
    const struct segment_footer *footer = &segment->footer;
    if (crc32c(0, stored) != footer->directory_crc)
        return err_set(err, ERR_CORRUPT, "directory: checksum");
    if (ZSTD_getFrameContentSize(stored.ptr, stored.len) != footer->directory_plain)
        return err_set(err, ERR_CORRUPT, "directory: size");
    char *plain = mem_alloc(footer->directory_plain + 1);
    size_t n = ZSTD_decompress(plain, footer->directory_plain, stored.ptr, stored.len);
    bool ok = n == footer->directory_plain || err_set(err, ERR_CORRUPT, "directory: zstd");
    ok = ok && stream_directory_decode(slice_of(plain, n), footer, &segment->directory, err);
    mem_free(plain);
    return ok;
}

static bool read_directory(struct segment *segment, struct err *err)
{
    const struct segment_footer *footer = &segment->footer;
    char *stored = mem_alloc(footer->directory_stored + 1);
    bool ok = disk_read_all(segment->disk, segment->fd, stored, footer->directory_stored, footer->directory_offset, err) &&
              directory_unpack(segment, slice_of(stored, footer->directory_stored), err);
    mem_free(stored);
    return ok;
}

bool segment_open(const struct disk *disk, const char *folder, const char *name, struct segment **out, struct err *err)
{
    struct segment *segment = mem_zero(sizeof(*segment));
    *segment = (struct segment){.disk = disk, .references = 1, .signature = {.fd = -1}};
    segment->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1; // a number apart is all that is asked
    segment->name = mem_strdup(slice_str(name));
    segment->seg_path = path_of(folder, name, ".seg");
    segment->sig_path = path_of(folder, name, ".sig");
    segment->pat_path = path_of(folder, name, ".pat");
    uint32_t footer_crc = 0;
    segment->fd = disk->open(disk, segment->seg_path, O_RDONLY | O_CLOEXEC, 0);
    bool ok = segment->fd >= 0 || err_errno(err, "open");
    ok = ok && read_footer(segment, &footer_crc, err) && read_directory(segment, err);
    if (!ok) {
        segment_free(segment);
        return err_wrap(err, "%s.seg", name);
    }
    segment->footer_crc = footer_crc;
    // Without a sound signature nothing is pruned, and all answers are the same: segment_verify names the damage.
    struct err unsigned_err;
    if (signature_open(&segment->signature, disk, segment->sig_path, footer_crc, segment->directory.block_count, &unsigned_err))
        segment->stats.signature_bytes = segment->signature.file_bytes;
    *out = segment;
    return true;
}

struct segment *segment_ref(struct segment *segment)
{
    uint32_t before = atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed); // the caller's own keeps it alive
    assert(before > 0);
    return segment;
}

void segment_unref(struct segment *segment)
{
    if (segment == NULL)
        return;
    if (atomic_fetch_sub(&segment->references, 1) != 1)
        return;
    if (atomic_load(&segment->unlinks)) {
        int64_t start_ns = clock_mono_ns(&system_clock);
        bool ok = segment->disk->unlink(segment->disk, segment->seg_path) == 0;
        (void)segment->disk->unlink(segment->disk, segment->sig_path);
        (void)segment->disk->unlink(segment->disk, segment->pat_path);
        figure_unlinked(ok, clock_wall_ns(&system_clock), clock_mono_ns(&system_clock) - start_ns);
    }
    segment_free(segment);
}

void segment_unlink_on_close(struct segment *segment)
{
    if (!atomic_exchange(&segment->unlinks, true))
        figure_unlink_pending();
}

const struct segment_stats *segment_stats(const struct segment *segment)
{
    return &segment->stats;
}

uint64_t segment_serial(const struct segment *segment)
{
    return segment->serial;
}

const char *segment_name(const struct segment *segment)
{
    return segment->name;
}

size_t segment_memory_bytes(const struct segment *segment)
{
    return sizeof(*segment) + stream_directory_bytes(&segment->directory);
}

size_t segment_stream_count(const struct segment *segment)
{
    return segment->directory.stream_count;
}

const struct segment_stream *segment_stream_at(const struct segment *segment, size_t i)
{
    assert(i < segment->directory.stream_count);
    return &segment->directory.streams[i];
}

const struct segment_stream *segment_stream_find(const struct segment *segment, struct hash128 id)
{
    size_t low = 0;
    size_t high = segment->directory.stream_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = hash128_cmp(segment->directory.streams[middle].id, id);
        if (order == 0)
            return &segment->directory.streams[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct segment_run *segment_stream_runs(const struct segment *segment, const struct segment_stream *stream)
{
    return &segment->directory.runs[stream->first_run];
}

const struct segment_run *segment_block_runs(const struct segment *segment, const struct segment_block *block)
{
    return &segment->directory.runs[block->first_run];
}

size_t segment_block_count(const struct segment *segment)
{
    return segment->directory.block_count;
}

const struct segment_block *segment_block_at(const struct segment *segment, size_t i)
{
    assert(i < segment->directory.block_count);
    return &segment->directory.blocks[i];
}

void segment_probe(const struct segment *segment, const struct needle *needle, uint64_t blocks[SEGMENT_BLOCKS_MAX / 64])
{
    if (needle->count == 0)
        return;
    uint64_t any[SEGMENT_BLOCKS_MAX / 64] = {0};
    for (size_t i = 0; i < needle->count; i++) {
        uint64_t hits[SEGMENT_BLOCKS_MAX / 64];
        memcpy(hits, blocks, sizeof(hits));
        signature_probe(&segment->signature, needle->any[i], hits);
        for (size_t w = 0; w < LENGTH(any); w++)
            any[w] |= hits[w];
    }
    memcpy(blocks, any, sizeof(any));
}
