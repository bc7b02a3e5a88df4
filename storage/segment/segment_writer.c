#include <assert.h>
#include <fcntl.h>
#include <stdio.h>

#include "core/base/crc32c.h"
#include "core/base/mem.h"
#include "core/model/label_set.h"
#include "storage/segment/block_parts.h"
#include "storage/segment/segment.h"
#include "storage/segment/signature.h"
#include "storage/segment/stream_directory.h"

#define TEXT_SLACK ((size_t)64) /* readable bytes behind the text: what reads windows of 8 may overrun */

struct segment_writer {
    struct segment_writer_config config;
    char *seg_path, *sig_path, *seg_temp, *sig_temp;
    int fd;
    bool has_sig_temp;
    uint64_t offset;
    struct block_encoder *encoder;
    struct block_rows rows;
    struct signature_builder signature;
    struct stream_directory directory;
    size_t block_first_run;
    struct buf out;
    struct segment_stats stats;
    /* The stream that entries belong to; it enters the directory with its first entry. */
    struct hash128 id;
    struct buf tenant, labels;
    bool has_stream, is_listed, is_in_block;
    size_t text_at; /* where its lines begin in the block */
};

static char *path_of(const struct segment_writer_config *config, const char *end)
{
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s/%s%s", config->folder, config->name, end);
    char *text = mem_strdup(buf_slice(&path));
    buf_fini(&path);
    return text;
}

static void writer_free(struct segment_writer *writer)
{
    if (writer->fd >= 0)
        (void)writer->config.disk->close(writer->config.disk, writer->fd);
    block_encoder_destroy(writer->encoder);
    mem_free(writer->rows.ts_ns);
    mem_free(writer->rows.offsets);
    mem_free(writer->rows.ends);
    buf_fini(&writer->rows.text);
    metadata_column_fini(&writer->rows.metadata);
    signature_builder_fini(&writer->signature);
    stream_directory_fini(&writer->directory);
    buf_fini(&writer->out);
    buf_fini(&writer->tenant);
    buf_fini(&writer->labels);
    mem_free(writer->seg_path);
    mem_free(writer->sig_path);
    mem_free(writer->seg_temp);
    mem_free(writer->sig_temp);
    mem_free(writer);
}

bool segment_writer_open(const struct segment_writer_config *config, struct segment_writer **out, struct err *err)
{
    assert(config->block_bytes > 0 && config->block_bytes <= BLOCK_TEXT_MAX / 4);
    struct segment_writer *writer = mem_zero(sizeof(*writer));
    writer->config = *config;
    writer->seg_path = path_of(config, ".seg");
    writer->sig_path = path_of(config, ".sig");
    writer->seg_temp = path_of(config, ".seg.tmp");
    writer->sig_temp = path_of(config, ".sig.tmp");
    writer->stats = (struct segment_stats){.first_ns = INT64_MAX,
                                           .last_ns = INT64_MIN,
                                           .level = config->level,
                                           .mark = config->mark,
                                           .created_ns = config->created_ns};
    writer->fd = config->disk->open(config->disk, writer->seg_temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (writer->fd < 0) {
        (void)err_errno(err, "segment %s: open", config->name);
        writer_free(writer);
        return false;
    }
    writer->encoder = block_encoder_create(config->zstd_level);
    signature_builder_init(&writer->signature, config->block_bytes);
    segment_head_put(buf_room(&writer->out, SEGMENT_HEAD_BYTES));
    buf_took(&writer->out, SEGMENT_HEAD_BYTES);
    *out = writer;
    return true;
}

/* A stream with much of the block is over: a part ends here. */
static void end_stream(struct segment_writer *writer)
{
    struct block_rows *rows = &writer->rows;
    if (!writer->is_in_block || !block_parts_end_stream(rows->text.len - writer->text_at, writer->config.part_bytes))
        return;
    if (rows->end_count == rows->end_cap) {
        rows->end_cap = rows->end_cap == 0 ? 16 : rows->end_cap * 2;
        rows->ends = mem_grow(rows->ends, rows->end_cap, sizeof(*rows->ends));
    }
    rows->ends[rows->end_count++] = (uint32_t)rows->count;
}

bool segment_writer_stream(struct segment_writer *writer, struct slice tenant, struct hash128 id, struct slice encoded_labels, struct err *err)
{
    (void)err;
    // The file does not hold ids: a reader makes them from what it does hold.
    assert(hash128_eq(id, stream_id(tenant, encoded_labels)));
    end_stream(writer);
    writer->id = id;
    writer->has_stream = true;
    writer->is_listed = false;
    writer->is_in_block = false;
    buf_reset(&writer->tenant);
    buf_reset(&writer->labels);
    buf_put(&writer->tenant, tenant);
    buf_put(&writer->labels, encoded_labels);
    return true;
}

static void sign_block(struct segment_writer *writer)
{
    struct block_rows *rows = &writer->rows;
    memset(buf_room(&rows->text, TEXT_SLACK), 0, TEXT_SLACK);
    for (size_t i = 0; i < rows->count; i++) {
        signature_builder_add(&writer->signature,
                              slice_of(rows->text.ptr + rows->offsets[i], rows->offsets[i + 1] - 1 - rows->offsets[i]));
    }
    memset(buf_room(&rows->metadata.bytes, TEXT_SLACK), 0, TEXT_SLACK);
    for (size_t i = 0; i < rows->metadata.set_count; i++) {
        struct slice set = metadata_column_set(&rows->metadata, i);
        struct label label;
        while (label_next(&set, &label))
            signature_builder_add(&writer->signature, label.value);
    }
    signature_builder_end_block(&writer->signature);
}

static bool flush_block(struct segment_writer *writer, struct err *err)
{
    struct block_rows *rows = &writer->rows;
    struct block_head head;
    size_t start = writer->out.len; // the file's header stands before the first block
    if (!block_encode(writer->encoder, rows, writer->config.part_bytes, &writer->out, &head, err))
        return false;
    struct segment_block block = {.stored_bytes = (uint32_t)(writer->out.len - start),
                                  .flags = head.flags & BLOCK_FLAGS_LISTED,
                                  .run_count = (uint32_t)(writer->directory.run_count - writer->block_first_run)};
    if (!disk_write_all(writer->config.disk, writer->fd, buf_slice(&writer->out), writer->offset, err))
        return false;
    writer->offset += writer->out.len;
    buf_reset(&writer->out);
    stream_directory_add_block(&writer->directory, &block, &head);
    sign_block(writer);

    writer->block_first_run = writer->directory.run_count;
    writer->is_in_block = false;
    rows->count = 0;
    rows->end_count = 0;
    rows->has_newlines = false;
    buf_reset(&rows->text);
    metadata_column_reset(&rows->metadata);
    return true;
}

/* The run that the stream's next entry belongs to; its line begins at text_at of the block. */
static struct segment_run *current_run(struct segment_writer *writer, int64_t ts_ns, size_t text_at)
{
    struct stream_directory *directory = &writer->directory;
    if (!writer->is_listed) {
        stream_directory_add_stream(directory, writer->id, buf_slice(&writer->tenant), buf_slice(&writer->labels));
        writer->is_listed = true;
    }
    if (!writer->is_in_block) {
        *stream_directory_add_run(directory) = (struct segment_run){.first_ns = ts_ns, .last_ns = ts_ns};
        directory->streams[directory->stream_count - 1].run_count++;
        writer->is_in_block = true;
        writer->text_at = text_at;
    }
    return &directory->runs[directory->run_count - 1];
}

bool segment_writer_entry(struct segment_writer *writer, int64_t ts_ns, struct slice line, struct slice metadata, struct err *err)
{
    assert(writer->has_stream);
    struct block_rows *rows = &writer->rows;
    if (writer->directory.block_count == SEGMENT_BLOCKS_MAX)
        return err_set(err, ERR_LIMIT, "segment %s: more than %d blocks", writer->config.name, SEGMENT_BLOCKS_MAX);
    if (line.len > BLOCK_TEXT_MAX / 2 || metadata.len > BLOCK_TEXT_MAX / 2)
        return err_set(err, ERR_LIMIT, "segment %s: an entry of %zu bytes", writer->config.name, line.len + metadata.len);
    if (rows->count == rows->cap) {
        rows->cap = rows->cap == 0 ? 4096 : rows->cap * 2;
        rows->ts_ns = mem_grow(rows->ts_ns, rows->cap, sizeof(*rows->ts_ns));
        rows->offsets = mem_grow(rows->offsets, rows->cap + 1, sizeof(*rows->offsets));
    }
    rows->offsets[0] = 0;
    size_t text_at = rows->text.len;
    buf_put(&rows->text, line);
    buf_byte(&rows->text, '\n');
    rows->ts_ns[rows->count++] = ts_ns;
    rows->offsets[rows->count] = (uint32_t)rows->text.len;
    rows->has_newlines = rows->has_newlines || slice_find_byte(line, '\n') < line.len;
    uint32_t weight = metadata_column_add(&rows->metadata, metadata);

    struct segment_run *run = current_run(writer, ts_ns, text_at);
    assert(ts_ns >= run->last_ns);
    run->entries++;
    run->line_bytes_low += (uint32_t)line.len;
    run->metadata_bytes += weight;
    run->last_ns = ts_ns;
    struct segment_stats *stats = &writer->stats;
    stats->entries++;
    stats->line_bytes += line.len;
    stats->metadata_bytes += weight;
    stats->first_ns = ts_ns < stats->first_ns ? ts_ns : stats->first_ns;
    stats->last_ns = ts_ns > stats->last_ns ? ts_ns : stats->last_ns;

    bool is_full = rows->text.len + rows->metadata.bytes.len >= writer->config.block_bytes || rows->count == BLOCK_ENTRIES_MAX;
    return !is_full || flush_block(writer, err);
}

size_t segment_writer_blocks_left(const struct segment_writer *writer)
{
    return SEGMENT_BLOCKS_MAX - writer->directory.block_count;
}

/* Directory and footer. */
static bool write_end(struct segment_writer *writer, uint32_t *footer_crc, struct err *err)
{
    struct stream_directory *directory = &writer->directory;
    writer->stats.blocks = (uint32_t)directory->block_count;
    writer->stats.streams = (uint32_t)directory->stream_count;
    struct segment_footer footer = {
        .directory_offset = writer->offset, .runs = (uint32_t)directory->run_count, .stats = writer->stats};
    struct buf plain = BUF_INIT;
    struct buf *out = &writer->out;
    stream_directory_encode(directory, &plain);
    bool ok = plain.len <= SEGMENT_DIRECTORY_MAX || err_set(err, ERR_LIMIT, "directory of %zu bytes", plain.len);
    ok = ok && block_compress(writer->encoder, buf_slice(&plain), out, err);
    footer.directory_plain = (uint32_t)plain.len;
    buf_fini(&plain);
    if (!ok)
        return false;
    footer.directory_stored = (uint32_t)out->len;
    footer.directory_crc = crc32c(0, buf_slice(out));
    *footer_crc = segment_footer_put(&footer, buf_room(out, SEGMENT_FOOTER_BYTES));
    buf_took(out, SEGMENT_FOOTER_BYTES);
    writer->stats.file_bytes = writer->offset + out->len;
    const struct disk *disk = writer->config.disk;
    ok = disk_write_all(disk, writer->fd, buf_slice(out), writer->offset, err) &&
         (disk->fdatasync(disk, writer->fd) == 0 || err_errno(err, "fdatasync"));
    buf_reset(out);
    return ok;
}

static bool write_signature(struct segment_writer *writer, uint32_t footer_crc, struct err *err)
{
    const struct disk *disk = writer->config.disk;
    signature_builder_encode(&writer->signature, footer_crc, &writer->out);
    writer->stats.signature_bytes = writer->out.len;
    int fd = disk->open(disk, writer->sig_temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_errno(err, "signature: open");
    writer->has_sig_temp = true;
    bool ok = disk_write_all(disk, fd, buf_slice(&writer->out), 0, err) && (disk->fdatasync(disk, fd) == 0 || err_errno(err, "fdatasync"));
    (void)disk->close(disk, fd);
    return ok || err_wrap(err, "signature");
}

/* Both files get their names; the segment last, since it is what counts. */
static bool publish(struct segment_writer *writer, struct err *err)
{
    const struct disk *disk = writer->config.disk;
    if (disk->rename(disk, writer->sig_temp, writer->sig_path) != 0)
        return err_errno(err, "rename %s", writer->sig_temp);
    writer->has_sig_temp = false;
    bool ok = disk->rename(disk, writer->seg_temp, writer->seg_path) == 0 || err_errno(err, "rename %s", writer->seg_temp);
    if (ok) {
        ok = disk_sync_folder(disk, writer->config.folder, err);
        if (!ok)
            (void)disk->unlink(disk, writer->seg_path);
    }
    if (!ok)
        (void)disk->unlink(disk, writer->sig_path);
    return ok;
}

bool segment_writer_finish(struct segment_writer *writer, struct segment_stats *out, struct err *err)
{
    uint32_t footer_crc = 0;
    bool ok = writer->stats.entries > 0 || err_set(err, ERR_INVALID, "no entries");
    ok = ok && (writer->rows.count == 0 || flush_block(writer, err)) && write_end(writer, &footer_crc, err) &&
         write_signature(writer, footer_crc, err) && publish(writer, err);
    if (!ok) {
        (void)err_wrap(err, "segment %s", writer->config.name);
        segment_writer_abandon(writer);
        return false;
    }
    *out = writer->stats;
    writer_free(writer);
    return true;
}

void segment_writer_abandon(struct segment_writer *writer)
{
    if (writer == NULL)
        return;
    const struct disk *disk = writer->config.disk;
    (void)disk->unlink(disk, writer->seg_temp);
    if (writer->has_sig_temp)
        (void)disk->unlink(disk, writer->sig_temp);
    writer_free(writer);
}
