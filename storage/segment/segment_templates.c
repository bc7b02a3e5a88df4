#include "storage/segment/segment_templates.h"

#include <stdio.h>

#include "core/base/mem.h"
#include "core/patterns/miner.h"
#include "core/pipeline/pattern_text.h"
#include "storage/segment/segment_file.h"

#define TEMPLATE_TEXT_MAX ((size_t)256 << 10) /* of a segment's templates, which stay in memory while it is open */

/* Puts a file, or that there is none, before what was there. */
static void keep(struct segment *segment, struct kept_templates *was, struct template_file *file)
{
    struct kept_templates *kept = mem_zero(sizeof(*kept));
    *kept = (struct kept_templates){.file = file, .older = was};
    if (atomic_compare_exchange_strong(&segment->templates, &kept->older, kept))
        return;
    template_file_close(file); // another thread was first
    mem_free(kept);
}

const struct template_file *segment_templates(struct segment *segment)
{
    struct kept_templates *kept = atomic_load(&segment->templates);
    if (kept == NULL) {
        struct template_file *file = NULL;
        struct err err;
        if (!template_file_open(segment->disk, segment->pat_path, segment->footer_crc, segment->directory.block_count, &file, &err))
            file = NULL;
        keep(segment, NULL, file);
        kept = atomic_load(&segment->templates);
    }
    return kept->file;
}

const struct template_file *segment_templates_known(const struct segment *segment)
{
    const struct kept_templates *kept = atomic_load(&segment->templates);
    return kept == NULL ? NULL : kept->file;
}

void segment_templates_spoil(struct segment *segment, const struct template_file *file)
{
    struct kept_templates *kept = atomic_load(&segment->templates);
    if (kept != NULL && kept->file == file)
        keep(segment, kept, NULL);
}

void segment_templates_want(struct segment *segment)
{
    atomic_store(&segment->templates_wanted, true);
}

bool segment_templates_are_wanted(const struct segment *segment)
{
    return atomic_load(&segment->templates_wanted);
}

bool segment_templates_can_be_made(const struct segment *segment)
{
    return !atomic_load(&segment->templates_failed);
}

/* ---- making them ---- */

struct template_build {
    struct segment *segment;
    struct miner *miner;
    struct block_reader *reader;
    struct template_writer *writer;
    uint32_t *owners;   /* by stream: a number for its tenant */
    uint16_t *rows;     /* of a block: its lines' templates */
    uint8_t *levels;    /* by metadata set of a block */
    size_t row_cap, level_cap;
};

/* Streams of one tenant have the same owner: templates of two tenants' lines are never one. */
static void owners_make(struct template_build *build)
{
    size_t count = segment_stream_count(build->segment);
    struct slice *tenants = mem_array(count + 1, sizeof(*tenants));
    uint32_t known = 0;
    build->owners = mem_array(count + 1, sizeof(*build->owners));
    for (size_t i = 0; i < count; i++) {
        struct slice tenant = segment_stream_at(build->segment, i)->tenant;
        uint32_t at = known;
        while (at > 0 && !slice_eq(tenants[at - 1], tenant))
            at--;
        if (at == 0) {
            tenants[known++] = tenant;
            at = known;
        }
        build->owners[i] = at - 1;
    }
    mem_free(tenants);
}

static void reserve(struct template_build *build, size_t rows, size_t sets)
{
    if (rows > build->row_cap) {
        build->row_cap = rows;
        build->rows = mem_grow(build->rows, rows, sizeof(*build->rows));
    }
    if (sets > build->level_cap) {
        build->level_cap = sets;
        build->levels = mem_grow(build->levels, sets, sizeof(*build->levels));
    }
}

static void mine_block(struct template_build *build, const struct segment_block *block, const struct block_view *view)
{
    const struct segment_run *runs = segment_block_runs(build->segment, block);
    reserve(build, view->entries, view->metadata_set_count);
    for (uint32_t i = 0; i < view->metadata_set_count; i++)
        build->levels[i] = (uint8_t)pattern_level_of(view->metadata_sets[i]);
    for (uint32_t r = 0; r < block->run_count; r++) {
        uint32_t owner = build->owners[runs[r].stream];
        for (uint32_t row = runs[r].first_row; row < runs[r].first_row + runs[r].entries; row++) {
            enum level level = view->metadata_index == NULL ? LEVEL_UNKNOWN : (enum level)build->levels[view->metadata_index[row]];
            struct slice line = slice_of(view->text + view->offsets[row], view->offsets[row + 1] - 1 - view->offsets[row]);
            uint32_t id = miner_add(build->miner, owner, level, line);
            build->rows[row] = (uint16_t)id;
        }
    }
}

static bool mine_blocks(struct template_build *build, bool (*goes_on)(void *self), void *self, struct err *err)
{
    for (size_t b = 0; b < segment_block_count(build->segment); b++) {
        const struct segment_block *block = segment_block_at(build->segment, b);
        struct block_view view;
        if (!segment_read_block(build->segment, b, SCAN_METADATA | SCAN_LINES, build->reader, &view, err))
            return false;
        mine_block(build, block, &view);
        if (!template_writer_block(build->writer, build->rows, view.entries, err))
            return false;
        if (!goes_on(self))
            return err_set(err, ERR_CANCELLED, "the store is closing");
    }
    return true;
}

static bool finish(struct template_build *build, struct err *err)
{
    uint32_t count = miner_count(build->miner);
    struct line_template *templates = mem_array(count, sizeof(*templates));
    size_t *ends = mem_array(count, sizeof(*ends));
    struct buf texts = BUF_INIT;
    for (uint32_t id = 0; id < count; id++) {
        miner_print(build->miner, id, &texts);
        ends[id] = texts.len;
    }
    for (uint32_t id = 0; id < count; id++) {
        size_t first = id == 0 ? 0 : ends[id - 1];
        templates[id] = (struct line_template){slice_of(texts.ptr + first, ends[id] - first), (uint8_t)miner_level(build->miner, id)};
    }
    struct template_writer *writer = build->writer;
    build->writer = NULL; // finish ends it in any case
    bool ok = template_writer_finish(writer, build->segment->pat_path, build->segment->footer_crc, templates, count, err);
    mem_free(templates);
    mem_free(ends);
    buf_fini(&texts);
    return ok;
}

bool segment_templates_build(struct segment *segment, bool (*goes_on)(void *self), void *self, struct template_figures *out, struct err *err)
{
    struct buf temp = BUF_INIT;
    struct template_build build = {.segment = segment};
    struct template_file *file = NULL;
    struct kept_templates *was = atomic_load(&segment->templates);
    buf_printf(&temp, "%s.tmp", segment->pat_path);
    buf_byte(&temp, 0);
    bool ok = template_writer_open(segment->disk, temp.ptr, &build.writer, err);
    if (ok) {
        build.miner = miner_create(&(struct miner_config){.templates_max = TEMPLATE_FILE_TEMPLATES_MAX, .text_max = TEMPLATE_TEXT_MAX, .seed = segment->serial});
        build.reader = block_reader_create(NULL);
        owners_make(&build);
        ok = mine_blocks(&build, goes_on, self, err) && finish(&build, err) &&
             template_file_open(segment->disk, segment->pat_path, segment->footer_crc, segment->directory.block_count, &file, err);
    }
    if (ok) {
        *out = (struct template_figures){miner_count(build.miner), miner_evicted(build.miner), template_file_bytes(file)};
        keep(segment, was, file);
    } else if (err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED) {
        atomic_store(&segment->templates_failed, true);
    }
    template_writer_abandon(build.writer);
    block_reader_destroy(build.reader);
    miner_destroy(build.miner);
    mem_free(build.owners);
    mem_free(build.rows);
    mem_free(build.levels);
    buf_fini(&temp);
    return ok || err_wrap(err, "templates of %s", segment->name);
}

/* ---- checking them ---- */

struct template_check {
    const struct template_file *file;
    struct arena arena;
    struct pattern *patterns;
    struct block_reader *blocks;
    struct template_reader *reader;
};

static bool check_block(struct template_check *check, struct segment *segment, size_t b, struct err *err)
{
    const struct line_template *templates = template_file_templates(check->file);
    struct block_view view;
    struct err unread;
    const uint16_t *ids;
    if (!template_file_read(check->file, b, segment_block_at(segment, b)->entries, check->reader, &ids, err))
        return false;
    if (!segment_read_block(segment, b, SCAN_METADATA | SCAN_LINES, check->blocks, &view, &unread))
        return true; // the segment's own check tells
    for (uint32_t row = 0; row < view.entries; row++) {
        struct slice line = slice_of(view.text + view.offsets[row], view.offsets[row + 1] - 1 - view.offsets[row]);
        enum level level = view.metadata_index == NULL ? LEVEL_UNKNOWN : pattern_level_of(view.metadata_sets[view.metadata_index[row]]);
        if (!pattern_matches(&check->patterns[ids[row]], line) || templates[ids[row]].level != level)
            return err_set(err, ERR_CORRUPT, "block %zu: row %u: not as its template", b, row);
    }
    return true;
}

static bool check_file(struct segment *segment, struct template_file *file, struct err *err)
{
    struct template_check check = {.file = file, .arena = ARENA_INIT, .blocks = block_reader_create(NULL), .reader = template_reader_create()};
    bool ok = true;
    check.patterns = ARENA_ARRAY(&check.arena, struct pattern, template_file_count(file));
    for (uint32_t i = 0; ok && i < template_file_count(file); i++)
        ok = pattern_parse(template_file_templates(file)[i].text, &check.arena, &check.patterns[i], err);
    for (size_t b = 0; ok && b < segment_block_count(segment); b++)
        ok = check_block(&check, segment, b, err);
    template_reader_destroy(check.reader);
    block_reader_destroy(check.blocks);
    arena_fini(&check.arena);
    return ok;
}

void segment_templates_verify(struct segment *segment, void (*damaged)(void *self, const char *what), void *self)
{
    struct template_file *file = NULL;
    struct err err = {.code = ERR_NONE};
    bool ok = template_file_open(segment->disk, segment->pat_path, segment->footer_crc, segment->directory.block_count, &file, &err) &&
              check_file(segment, file, &err);
    template_file_close(file);
    if (ok || err.code == ERR_NOT_FOUND)
        return;
    (void)err_wrap(&err, "%s.pat", segment->name);
    damaged(self, err.text);
}
