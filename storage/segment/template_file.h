/* template_file.h: what the lines of a segment look like: the templates that were found in them, and for each line which one it has. Kept beside the segment as
 * <name>.pat, made in the background; a segment without it is whole.
 *
 * FORMAT, version 1; docs/formats/patterns.md. Integers are little-endian.
 *
 *     offset  size  field
 *          0     8  magic "LogiPat\n"
 *          8     4  version 1
 *         12     4  blocks b
 *         16     4  crc32c of the segment's footer: it belongs to this segment
 *         20     8  zeros
 *         28     4  crc32c of bytes 0 to 27
 *         32        a frame a block, then the directory (one zstd frame)
 *
 *   and at the end:
 *          0     8  offset of the directory
 *          8     4  its stored bytes
 *         12     4  its plain bytes
 *         16     4  crc32c of the stored bytes
 *         20     4  templates t
 *         24     4  0
 *         28     4  crc32c of bytes 0 to 27
 *         32     8  magic "LogiPatE"
 *
 * Directory: each template: u8 level (core/ingest/level.h), varint length and text; each block: varint stored bytes, u8 1 if by zstd, u32 crc32c of them.
 * Frame, plain: varint count d of templates that occur in the block, d varints; with two or more the rows' indexes of these as byte planes of width 1 (d to 256) or 2.
 *
 * Thread: an open file: any; a writer: one.
 */
#pragma once

#include "core/plan/source.h"
#include "storage/disk/disk.h"

#define TEMPLATE_FILE_HEAD ((size_t)32)
#define TEMPLATE_FILE_FOOT ((size_t)40)
#define TEMPLATE_FILE_TEMPLATES_MAX ((uint32_t)2048)
#define TEMPLATE_FILE_DIRECTORY_MAX ((uint32_t)16 << 20) /* plain */

struct template_file;

/* block_count and segment_crc: of the segment. ERR_NOT_FOUND: there is none; ERR_CORRUPT, ERR_TRUNCATED: it is not sound, or not this segment's. */
bool template_file_open(const struct disk *disk, const char *path, uint32_t segment_crc, size_t block_count, struct template_file **out,
                        struct err *err) MUST_CHECK;
void template_file_close(struct template_file *file); /* NULL is fine */

uint32_t template_file_count(const struct template_file *file);
const struct line_template *template_file_templates(const struct template_file *file); /* live with the file */
uint64_t template_file_bytes(const struct template_file *file);

struct template_reader; /* scratch of one thread */
struct template_reader *template_reader_create(void) MUST_CHECK;
void template_reader_destroy(struct template_reader *reader); /* NULL is fine */

/* The templates of the block's rows, all below template_file_count; *out is valid until the reader's next use. ERR_CORRUPT names what. */
bool template_file_read(const struct template_file *file, size_t block, uint32_t rows, struct template_reader *reader, const uint16_t **out,
                        struct err *err) MUST_CHECK;

/* ---- writing ---- */

struct template_writer;

/* Writes under temp_path. */
bool template_writer_open(const struct disk *disk, const char *temp_path, struct template_writer **out, struct err *err) MUST_CHECK;
bool template_writer_block(struct template_writer *writer, const uint16_t *rows, uint32_t count, struct err *err) MUST_CHECK;
/* The templates that the rows mean; synced, renamed to path. The writer is gone in any case, and with a failure its file. */
bool template_writer_finish(struct template_writer *writer, const char *path, uint32_t segment_crc, const struct line_template *templates, uint32_t count,
                            struct err *err) MUST_CHECK;
void template_writer_abandon(struct template_writer *writer); /* NULL is fine */
