#include <stdio.h>

#include "core/base/mem.h"
#include "core/model/label_set.h"
#include "storage/segment/segment_file.h"
#include "storage/segment/segment_templates.h"

struct damage {
    const char *name;
    void (*tell)(void *self, const char *what);
    void *self;
};

static void tell(const struct damage *damage, size_t block, const char *what)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "%s.seg: block %zu: %s", damage->name, block, what);
    damage->tell(damage->self, text);
}

/* Runs' times are their rows'. */
static bool times_hold(const struct segment *segment, const struct segment_block *block, const struct block_view *view)
{
    const struct segment_run *runs = segment_block_runs(segment, block);
    for (uint32_t r = 0; r < block->run_count; r++) {
        uint32_t last = runs[r].first_row + runs[r].entries - 1;
        if (view->ts_ns[runs[r].first_row] != runs[r].first_ns || view->ts_ns[last] != runs[r].last_ns)
            return false;
        for (uint32_t row = runs[r].first_row; row < last; row++) {
            if (view->ts_ns[row] > view->ts_ns[row + 1])
                return false;
        }
    }
    return true;
}

static bool line_bytes_hold(const struct segment *segment, const struct segment_block *block, const struct block_view *view)
{
    const struct segment_run *runs = segment_block_runs(segment, block);
    for (uint32_t r = 0; r < block->run_count; r++) {
        uint32_t bytes = view->offsets[runs[r].first_row + runs[r].entries] - view->offsets[runs[r].first_row];
        if (bytes != runs[r].line_bytes_low + runs[r].entries)
            return false;
    }
    return true;
}

static bool metadata_holds(const struct block_view *view)
{
    struct arena arena = ARENA_INIT;
    bool ok = true;
    for (uint32_t i = 0; ok && i < view->metadata_set_count; i++) {
        struct label_set set;
        struct err err;
        ok = label_set_decode(view->metadata_sets[i], &arena, &set, &err);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    return ok;
}

/* Every part can be read alone, and no row is outside the time that the table says. */
static bool parts_hold(struct segment *segment, size_t block, struct block_reader *reader, struct err *err)
{
    struct block_view view;
    if (!segment_read_layout(segment, block, SCAN_METADATA, reader, &view, err))
        return false;
    for (uint32_t i = 0; i < view.layout.part_count; i++) {
        struct block_part_span span;
        struct block_rows_view rows;
        if (!segment_read_part(segment, block, i, SCAN_LINES, reader, &rows, err))
            return false;
        block_view_part(&view, i, &span);
        for (uint32_t r = 0; r < rows.rows; r++)
            if (rows.ts_ns[r] < span.first_ns || rows.ts_ns[r] > span.last_ns)
                return err_set(err, ERR_CORRUPT, "%s.seg: block %zu: part %u: times differ from the table", segment->name, block, i);
    }
    return true;
}

void segment_verify(struct segment *segment, void (*damaged)(void *self, const char *what), void *self)
{
    struct damage damage = {segment->name, damaged, self};
    struct block_reader *reader = block_reader_create(NULL);
    for (size_t i = 0; i < segment_block_count(segment); i++) {
        const struct segment_block *block = segment_block_at(segment, i);
        struct block_view view;
        struct err err;
        if (!segment_read_block(segment, i, SCAN_METADATA | SCAN_LINES, reader, &view, &err)) {
            damaged(self, err.text);
            continue;
        }
        if (!times_hold(segment, block, &view))
            tell(&damage, i, "times: differ from the directory");
        if (!line_bytes_hold(segment, block, &view))
            tell(&damage, i, "lines: differ from the directory");
        if (!metadata_holds(&view))
            tell(&damage, i, "metadata: labels");
        if (segment_block_parts(block) > 0 && !parts_hold(segment, i, reader, &err))
            damaged(self, err.text);
    }
    block_reader_destroy(reader);

    struct err err = {.code = ERR_NONE};
    struct signature signature = {.fd = -1};
    uint32_t crc = 0;
    char foot[SEGMENT_FOOTER_BYTES];
    struct segment_footer footer;
    bool ok = disk_read_all(segment->disk, segment->fd, foot, sizeof(foot), segment->stats.file_bytes - SEGMENT_FOOTER_BYTES, &err) &&
              segment_footer_get(foot, &footer, &crc, &err) &&
              signature_open(&signature, segment->disk, segment->sig_path, crc, segment->directory.block_count, &err) &&
              signature_verify(&signature, &err);
    signature_close(&signature);
    if (!ok) {
        (void)err_wrap(&err, "%s.sig", segment->name);
        damaged(self, err.text);
    }
    segment_templates_verify(segment, damaged, self);
}
