#include "core/patterns/template_tally.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/patterns/line_shape.h"
#include "core/patterns/miner.h"
#include "core/plan/key_table.h"

#define PAGE_STEPS ((size_t)64)
#define MINED_TEXT_MAX ((size_t)4 << 20)

struct series {
    uint64_t **pages;
    uint64_t total;
};

struct numbers { /* a segment's templates in this tally */
    const struct line_template *templates;
    struct series **series; /* NULL: not met yet */
};

struct template_tally {
    struct tally_grid grid;
    struct query_control *control;
    struct charged_arena memory;
    struct key_table texts;  /* level, text -> series */
    struct series **series;
    size_t series_cap;
    struct numbers *numbers; /* slots, by pointer */
    size_t number_count, number_slots;
    struct miner *miner;     /* NULL: no line yet */
    struct series **mined;   /* by its templates */
    size_t mined_cap;
    size_t charged; /* beside memory's own */
};

bool tally_grid_init(struct tally_grid *grid, int64_t start_ns, int64_t end_ns, int64_t step_ns)
{
    int64_t past = start_ns % step_ns;
    *grid = (struct tally_grid){.step_ns = step_ns};
    if (__builtin_sub_overflow(start_ns, past < 0 ? past + step_ns : past, &grid->first_ns))
        return false;
    if (end_ns >= start_ns)
        grid->count = (size_t)(((uint64_t)end_ns - (uint64_t)grid->first_ns) / (uint64_t)step_ns) + 1;
    return true;
}

struct template_tally *template_tally_create(const struct tally_grid *grid, struct query_control *control)
{
    struct template_tally *tally = mem_zero(sizeof(*tally));
    *tally = (struct template_tally){.grid = *grid, .control = control, .memory = {.arena = ARENA_INIT}, .number_slots = 64};
    tally->numbers = mem_array(tally->number_slots, sizeof(*tally->numbers));
    return tally;
}

void template_tally_destroy(struct template_tally *tally)
{
    if (tally == NULL)
        return;
    query_control_refund(tally->control, tally->charged);
    charged_arena_fini(&tally->memory, tally->control);
    key_table_fini(&tally->texts);
    mem_free(tally->series);
    mem_free(tally->numbers);
    mem_free(tally->mined);
    miner_destroy(tally->miner);
    mem_free(tally);
}

bool template_tally_settle(struct template_tally *tally, struct err *err)
{
    size_t bytes = (tally->miner == NULL ? 0 : miner_bytes(tally->miner)) + tally->texts.count * KEY_TABLE_BYTES_PER_KEY +
                   tally->series_cap * sizeof(struct series *) + tally->number_slots * sizeof(struct numbers) + tally->mined_cap * sizeof(struct series *);
    if (bytes > tally->charged) {
        if (!query_control_charge(tally->control, bytes - tally->charged, err))
            return false;
        tally->charged = bytes;
    }
    return charged_arena_settle(&tally->memory, tally->control, err);
}

/* ---- counting ---- */

static struct series *series_new(struct template_tally *tally)
{
    struct series *series = ARENA_NEW(&tally->memory.arena, struct series);
    series->pages = ARENA_ARRAY(&tally->memory.arena, uint64_t *, tally->grid.count / PAGE_STEPS + 1);
    return series;
}

static void series_add(struct template_tally *tally, struct series *series, size_t step, uint64_t count)
{
    uint64_t **page = &series->pages[step / PAGE_STEPS];
    if (*page == NULL)
        *page = ARENA_ARRAY(&tally->memory.arena, uint64_t, PAGE_STEPS);
    (*page)[step % PAGE_STEPS] += count;
    series->total += count;
}

/* The series of a template by its text; of <_> when there are too many. */
static struct series *series_of(struct template_tally *tally, uint8_t level, struct slice text)
{
    struct buf key = BUF_INIT;
    buf_byte(&key, (char)level);
    buf_put(&key, text);
    if (text.len > 0 && tally->texts.count >= TALLY_TEMPLATES_MAX && key_table_find(&tally->texts, buf_slice(&key)) == KEY_NONE) {
        buf_reset(&key);
        buf_byte(&key, (char)level);
        buf_str(&key, "<_>");
    }
    bool is_new;
    size_t at = key_table_add(&tally->texts, buf_slice(&key), &tally->memory.arena, &is_new);
    buf_fini(&key);
    if (at >= tally->series_cap) {
        tally->series_cap = tally->series_cap == 0 ? 64 : tally->series_cap * 2;
        tally->series = mem_grow(tally->series, tally->series_cap, sizeof(struct series *));
    }
    if (is_new)
        tally->series[at] = series_new(tally);
    return tally->series[at];
}

static size_t slot_of(const struct template_tally *tally, const struct line_template *templates)
{
    size_t at = (size_t)((uint64_t)(uintptr_t)templates * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (tally->number_slots - 1);
    while (tally->numbers[at].templates != NULL && tally->numbers[at].templates != templates)
        at = (at + 1) & (tally->number_slots - 1);
    return at;
}

static void numbers_grow(struct template_tally *tally)
{
    struct numbers *old = tally->numbers;
    size_t old_slots = tally->number_slots;
    tally->number_slots *= 2;
    tally->numbers = mem_array(tally->number_slots, sizeof(*tally->numbers));
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].templates != NULL)
            tally->numbers[slot_of(tally, old[i].templates)] = old[i];
    mem_free(old);
}

static struct series **numbers_of(struct template_tally *tally, const struct template_batch *batch)
{
    size_t at = slot_of(tally, batch->templates);
    if (tally->numbers[at].templates == NULL) {
        if ((tally->number_count + 1) * 2 > tally->number_slots) {
            numbers_grow(tally);
            at = slot_of(tally, batch->templates);
        }
        tally->number_count++;
        tally->numbers[at] = (struct numbers){batch->templates, ARENA_ARRAY(&tally->memory.arena, struct series *, batch->template_count)};
    }
    return tally->numbers[at].series;
}

/* The step of a time, kept from row to row: neighbours are mostly in the same. */
struct step_at {
    uint64_t first, end; /* after the grid's first time, ns */
    size_t step;
};

static inline size_t step_of(const struct tally_grid *grid, struct step_at *at, int64_t ts_ns)
{
    uint64_t past = (uint64_t)ts_ns - (uint64_t)grid->first_ns;
    if (past < at->first || past >= at->end) {
        at->step = (size_t)(past / (uint64_t)grid->step_ns);
        at->first = past - past % (uint64_t)grid->step_ns;
        at->end = at->first + (uint64_t)grid->step_ns;
    }
    return at->step;
}

void template_tally_add(struct template_tally *tally, const struct template_batch *batch)
{
    struct series **numbers = numbers_of(tally, batch);
    struct step_at at = {0};
    for (uint32_t i = 0; i < batch->count; i++) {
        uint16_t id = batch->ids[i];
        if (numbers[id] == NULL)
            numbers[id] = series_of(tally, batch->templates[id].level, batch->templates[id].text);
        series_add(tally, numbers[id], step_of(&tally->grid, &at, batch->ts_ns[i]), 1);
    }
}

void template_tally_add_lines(struct template_tally *tally, const struct entry_batch *batch)
{
    struct step_at at = {0};
    uint32_t known = UINT32_MAX; // the metadata set whose level is `level`
    enum level level = LEVEL_UNKNOWN;
    if (tally->miner == NULL)
        tally->miner = miner_create(&(struct miner_config){
            .templates_max = TALLY_TEMPLATES_MAX, .text_max = MINED_TEXT_MAX, .seed = (uint64_t)(uintptr_t)tally});
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->metadata_index != NULL && batch->metadata_index[i] != known) {
            known = batch->metadata_index[i];
            level = pattern_level_of(batch->metadata_sets[known]);
        }
        uint32_t id = miner_add(tally->miner, 0, level, entry_batch_line(batch, i));
        if (id >= tally->mined_cap) {
            size_t cap = tally->mined_cap == 0 ? 256 : tally->mined_cap * 2;
            tally->mined = mem_grow(tally->mined, cap, sizeof(struct series *));
            memset(tally->mined + tally->mined_cap, 0, (cap - tally->mined_cap) * sizeof(struct series *));
            tally->mined_cap = cap;
        }
        if (tally->mined[id] == NULL)
            tally->mined[id] = series_new(tally);
        series_add(tally, tally->mined[id], step_of(&tally->grid, &at, batch->ts_ns[i]), 1);
    }
}

/* ---- the answer ---- */

struct found { /* a template of one tally */
    struct slice text;
    enum level level;
    uint32_t fixed_words;
    const struct series *series;
};

/* What was mined, by the text that it has in the end. */
static void mined_settle(struct template_tally *tally)
{
    struct buf text = BUF_INIT;
    for (uint32_t id = 0; tally->miner != NULL && id < miner_count(tally->miner) && id < tally->mined_cap; id++) {
        struct series *mined = tally->mined[id];
        if (mined == NULL)
            continue;
        buf_reset(&text);
        miner_print(tally->miner, id, &text);
        struct series *series = series_of(tally, (uint8_t)miner_level(tally->miner, id), buf_slice(&text));
        for (size_t step = 0; step < tally->grid.count; step++) {
            const uint64_t *page = mined->pages[step / PAGE_STEPS];
            if (page == NULL)
                step += PAGE_STEPS - 1;
            else if (page[step % PAGE_STEPS] > 0)
                series_add(tally, series, step, page[step % PAGE_STEPS]);
        }
        tally->mined[id] = NULL;
    }
    buf_fini(&text);
}

static uint32_t fixed_words(struct slice text)
{
    struct line_shape shape;
    uint32_t fixed = 0;
    line_shape_cut(&shape, text);
    for (uint32_t i = 0; i < shape.count; i++)
        fixed += shape.words[i].is_variable ? 0 : 1;
    return fixed;
}

/* The general first, so that what they cover joins them; then by text: the same templates give the same answer. */
static int found_order(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->fixed_words != y->fixed_words)
        return x->fixed_words < y->fixed_words ? -1 : 1;
    return x->level != y->level ? (x->level < y->level ? -1 : 1) : slice_cmp(x->text, y->text);
}

static struct found *found_list(struct template_tally *const *tallies, size_t count, size_t *out_count)
{
    size_t all = 0;
    for (size_t t = 0; t < count; t++) {
        if (tallies[t] == NULL)
            continue;
        mined_settle(tallies[t]);
        all += tallies[t]->texts.count;
    }
    struct found *found = mem_array(all + 1, sizeof(*found));
    size_t n = 0;
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; tallies[t] != NULL && i < tallies[t]->texts.count; i++) {
            struct slice key = tallies[t]->texts.keys[i];
            struct slice text = slice_from(key, 1);
            found[n++] = (struct found){text, (enum level)key.ptr[0], fixed_words(text), tallies[t]->series[i]};
        }
    }
    if (n > 1)
        qsort(found, n, sizeof(*found), found_order);
    *out_count = n;
    return found;
}

static int pattern_order(const void *a, const void *b)
{
    const struct tally_pattern *x = a, *y = b;
    if (x->total != y->total)
        return x->total > y->total ? -1 : 1;
    return x->level != y->level ? (x->level < y->level ? -1 : 1) : slice_cmp(x->text, y->text);
}

static void series_unite(struct template_tally *into, struct series *series, const struct series *other)
{
    for (size_t page = 0; page < into->grid.count / PAGE_STEPS + 1; page++)
        for (size_t i = 0; other->pages[page] != NULL && i < PAGE_STEPS; i++)
            if (other->pages[page][i] > 0)
                series_add(into, series, page * PAGE_STEPS + i, other->pages[page][i]);
}

/* The united series by the miner's templates, those of the rarest joined to <_>. The empty line's stand apart: <_> does not accept it. */
static size_t patterns_list(struct template_tally *into, const struct miner *miner, struct series **series, struct tally_pattern **out)
{
    struct arena *arena = &into->memory.arena;
    struct buf text = BUF_INIT;
    struct tally_pattern *patterns = ARENA_ARRAY(arena, struct tally_pattern, miner_count(miner));
    size_t count = 0;
    for (uint32_t id = MINER_FIXED; id < miner_count(miner); id++) {
        if (series[id] == NULL)
            continue;
        buf_reset(&text);
        miner_print(miner, id, &text);
        patterns[count++] = (struct tally_pattern){arena_copy(arena, buf_slice(&text)), miner_level(miner, id), series[id]->total,
                                                   (const uint64_t *const *)series[id]->pages};
    }
    buf_fini(&text);
    if (count > 1)
        qsort(patterns, count, sizeof(*patterns), pattern_order);
    for (; count > TALLY_PATTERNS_MAX; count--) {
        const struct tally_pattern *rare = &patterns[count - 1];
        series[rare->level] = series[rare->level] == NULL ? series_new(into) : series[rare->level];
        series_unite(into, series[rare->level], &(struct series){(uint64_t **)(uintptr_t)rare->pages, rare->total});
    }
    for (uint32_t id = 0; id < MINER_FIXED; id++) {
        if (series[id] != NULL)
            patterns[count++] = (struct tally_pattern){id < LEVEL_COUNT ? SLICE("<_>") : SLICE(""), miner_level(miner, id), series[id]->total,
                                                       (const uint64_t *const *)series[id]->pages};
    }
    if (count > 1)
        qsort(patterns, count, sizeof(*patterns), pattern_order);
    *out = patterns;
    return count;
}

bool template_tally_unite(struct template_tally *into, struct template_tally *const *tallies, size_t count, struct tally_pattern **out, size_t *out_count,
                          struct err *err)
{
    size_t found_count;
    struct found *found = found_list(tallies, count, &found_count);
    struct miner *miner = miner_create(&(struct miner_config){
        .templates_max = TALLY_TEMPLATES_MAX, .text_max = MINED_TEXT_MAX, .seed = (uint64_t)(uintptr_t)into});
    struct series **series = mem_array(TALLY_TEMPLATES_MAX, sizeof(struct series *));
    bool ok = true;
    for (size_t i = 0; ok && i < found_count; i++) {
        uint32_t id = miner_add(miner, 0, found[i].level, found[i].text);
        series[id] = series[id] == NULL ? series_new(into) : series[id];
        series_unite(into, series[id], found[i].series);
        ok = template_tally_settle(into, err);
    }
    if (ok) {
        *out_count = patterns_list(into, miner, series, out);
        ok = template_tally_settle(into, err);
    }
    miner_destroy(miner);
    mem_free(series);
    mem_free(found);
    return ok;
}
