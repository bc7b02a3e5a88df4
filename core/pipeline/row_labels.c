#include "core/pipeline/row_labels.h"

#include <assert.h>
#include <stdlib.h>

#include "core/base/mem.h"

#define PARSED_LINEAR_MAX 32 // so many are looked through one by one
#define NONE UINT32_MAX

// ---- needed names ----

bool needed_has(const struct needed_names *needed, struct slice name, uint32_t hash)
{
    if (needed->all)
        return true;
    for (uint32_t i = 0; i < needed->count; i++) {
        if (needed->hashes[i] == hash && slice_eq(needed->names[i], name))
            return true;
    }
    return false;
}

bool needed_has_prefix(const struct needed_names *needed, struct slice prefix)
{
    if (needed->all)
        return true;
    for (uint32_t i = 0; i < needed->count; i++) {
        if (slice_starts(needed->names[i], prefix))
            return true;
    }
    return false;
}

// ---- the base ----

static struct slice with_suffix(struct arena *arena, struct slice name)
{
    static const char suffix[] = "_extracted";
    char *copy = arena_alloc(arena, name.len + sizeof(suffix) - 1, 1);
    if (name.len > 0)
        memcpy(copy, name.ptr, name.len);
    memcpy(copy + name.len, suffix, sizeof(suffix) - 1);
    return slice_of(copy, name.len + sizeof(suffix) - 1);
}

static void base_put(struct base_labels *base, struct row_label *items, struct slice name, struct slice value)
{
    if (slice_eq(name, ERROR_LABEL)) {
        base->error = value;
        return;
    }
    if (slice_eq(name, ERROR_DETAILS_LABEL)) {
        base->error_details = value;
        return;
    }
    uint32_t at = base->count;
    while (at > 0 && slice_cmp(items[at - 1].name, name) > 0)
        at--;
    struct row_label label = {name, value, LABEL_METADATA};
    if (at > 0 && slice_eq(items[at - 1].name, name)) {
        items[at - 1] = label;
        return;
    }
    memmove(items + at + 1, items + at, (base->count - at) * sizeof(*items));
    items[at] = label;
    base->count++;
}

void base_labels_build(const struct label_set *stream, struct slice metadata, struct arena *arena, struct base_labels *out)
{
    size_t metadata_count = 0;
    struct label label;
    for (struct slice in = metadata; label_next(&in, &label);)
        metadata_count++;
    struct base_labels base = {.count = (uint32_t)stream->count};
    struct row_label *items = ARENA_ARRAY(arena, struct row_label, stream->count + metadata_count);
    for (size_t i = 0; i < stream->count; i++)
        items[i] = (struct row_label){stream->labels[i].name, stream->labels[i].value, LABEL_STREAM};
    struct slice value;
    for (struct slice in = metadata; label_next(&in, &label);) {
        bool clashes = label_set_get(stream, label.name, &value);
        base_put(&base, items, clashes ? with_suffix(arena, label.name) : label.name, label.value);
    }
    uint32_t *hashes = ARENA_ARRAY(arena, uint32_t, base.count);
    for (uint32_t i = 0; i < base.count; i++)
        hashes[i] = name_hash(items[i].name);
    base.items = items;
    base.hashes = hashes;
    *out = base;
}

static uint32_t base_find(const struct base_labels *base, struct slice name, uint32_t hash)
{
    for (uint32_t i = 0; i < base->count; i++) {
        if (base->hashes[i] == hash && slice_eq(base->items[i].name, name))
            return i;
    }
    return NONE;
}

static bool base_is_gone(const struct row_labels *labels, uint32_t at)
{
    return labels->any_base_gone && labels->base_gone[at] != 0;
}

static void base_hide(struct row_labels *labels, uint32_t at)
{
    if (!labels->any_base_gone) {
        if (labels->base_gone_cap < labels->base->count) {
            labels->base_gone = mem_grow(labels->base_gone, labels->base->count, 1);
            labels->base_gone_cap = labels->base->count;
        }
        memset(labels->base_gone, 0, labels->base->count);
        labels->any_base_gone = true;
    }
    labels->base_gone[at] = 1;
}

// Metadata that a stage deleted clashes no more, a stream label still does.
static bool base_clashes(const struct row_labels *labels, struct slice name, uint32_t hash)
{
    uint32_t at = base_find(labels->base, name, hash);
    return at != NONE && (labels->base->items[at].category == LABEL_STREAM || !base_is_gone(labels, at));
}

bool row_labels_base_has(const struct row_labels *labels, struct slice name)
{
    return base_clashes(labels, name, name_hash(name));
}

// ---- life ----

void row_labels_init(struct row_labels *labels, const struct needed_names *needed)
{
    *labels = (struct row_labels){.needed = needed};
}

void row_labels_fini(struct row_labels *labels)
{
    mem_free(labels->parsed);
    mem_free(labels->hashes);
    mem_free(labels->slots);
    mem_free(labels->base_gone);
    mem_free(labels->order_names);
    mem_free(labels->order);
}

void row_labels_forget(struct row_labels *labels)
{
    labels->base = NULL;
    labels->order_base = NULL;
}

void row_labels_begin(struct row_labels *labels, const struct base_labels *base)
{
    labels->base = base;
    if (labels->slotted > 0)
        memset(labels->slots, 0, ((size_t)labels->slot_mask + 1) * sizeof(*labels->slots));
    labels->slotted = 0;
    labels->parsed_count = 0;
    labels->parsed_gone = 0;
    labels->any_base_gone = false;
    labels->found = 0;
    labels->error = base->error;
    labels->error_details = base->error_details;
    labels->preserves_error = false;
}

// ---- parsed labels ----

static void slot_put(struct row_labels *labels, uint32_t index)
{
    uint32_t at = labels->hashes[index] & labels->slot_mask;
    while (labels->slots[at] != 0)
        at = (at + 1) & labels->slot_mask;
    labels->slots[at] = index + 1;
    labels->slotted++;
}

// Brings the table up to date, at most half full.
static void slots_fill(struct row_labels *labels)
{
    uint32_t want = labels->slot_mask + 1;
    if (labels->slots == NULL)
        want = 4 * PARSED_LINEAR_MAX;
    while (want < 2 * (labels->parsed_count + 1))
        want *= 2;
    if (labels->slots == NULL || want != labels->slot_mask + 1) {
        mem_free(labels->slots);
        labels->slots = mem_array(want, sizeof(*labels->slots));
        labels->slot_mask = want - 1;
        labels->slotted = 0;
    }
    while (labels->slotted < labels->parsed_count)
        slot_put(labels, labels->slotted);
}

static bool parsed_is(const struct row_labels *labels, uint32_t index, struct slice name, uint32_t hash)
{
    return labels->hashes[index] == hash && !labels->parsed[index].is_gone && slice_eq(labels->parsed[index].name, name);
}

static uint32_t parsed_find(const struct row_labels *labels, struct slice name, uint32_t hash)
{
    if (labels->slotted == 0) {
        for (uint32_t i = 0; i < labels->parsed_count; i++) {
            if (parsed_is(labels, i, name, hash))
                return i;
        }
        return NONE;
    }
    for (uint32_t at = hash & labels->slot_mask; labels->slots[at] != 0; at = (at + 1) & labels->slot_mask) {
        if (parsed_is(labels, labels->slots[at] - 1, name, hash))
            return labels->slots[at] - 1;
    }
    return NONE;
}

static struct slice *parsed_add(struct row_labels *labels, struct slice name, uint32_t hash)
{
    if (labels->parsed_count == labels->parsed_cap) {
        uint32_t cap = labels->parsed_cap == 0 ? 64 : labels->parsed_cap * 2;
        labels->parsed = mem_grow(labels->parsed, cap, sizeof(*labels->parsed));
        labels->hashes = mem_grow(labels->hashes, cap, sizeof(*labels->hashes));
        labels->parsed_cap = cap;
    }
    uint32_t at = labels->parsed_count++;
    labels->parsed[at] = (struct parsed_label){name, SLICE(""), false, false};
    labels->hashes[at] = hash;
    if (labels->parsed_count > PARSED_LINEAR_MAX)
        slots_fill(labels);
    return &labels->parsed[at].value;
}

static void parsed_delete(struct row_labels *labels, uint32_t at)
{
    struct parsed_label *label = &labels->parsed[at];
    label->is_gone = true;
    labels->parsed_gone++;
    labels->found -= label->is_counted ? 1 : 0;
}

static void hide_base_name(struct row_labels *labels, struct slice name, uint32_t hash)
{
    uint32_t at = base_find(labels->base, name, hash);
    if (at != NONE)
        base_hide(labels, at);
}

bool row_labels_get(const struct row_labels *labels, struct slice name, struct slice *value)
{
    uint32_t hash = name_hash(name);
    uint32_t at = parsed_find(labels, name, hash);
    if (at != NONE) {
        *value = labels->parsed[at].value;
        return true;
    }
    at = base_find(labels->base, name, hash);
    if (at == NONE || base_is_gone(labels, at))
        return false;
    *value = labels->base->items[at].value;
    return true;
}

void row_labels_set(struct row_labels *labels, struct slice name, struct slice value)
{
    uint32_t hash = name_hash(name);
    uint32_t at = parsed_find(labels, name, hash);
    if (at != NONE) {
        labels->parsed[at].value = value;
        return;
    }
    hide_base_name(labels, name, hash);
    *parsed_add(labels, name, hash) = value;
}

// What a stage has deleted since still counts as parsed.
static bool was_parsed(const struct row_labels *labels, struct slice name, uint32_t hash)
{
    for (uint32_t i = 0; labels->parsed_gone > 0 && i < labels->parsed_count; i++) {
        if (labels->hashes[i] == hash && slice_eq(labels->parsed[i].name, name))
            return true;
    }
    return false;
}

static struct slice *extract(struct row_labels *labels, struct slice name, struct arena *arena, bool overwrites)
{
    uint32_t hash = name_hash(name);
    if (!needed_has(labels->needed, name, hash))
        return NULL;
    bool clashes = base_clashes(labels, name, hash);
    if (clashes) {
        name = with_suffix(arena, name);
        hash = name_hash(name);
        if (!needed_has(labels->needed, name, hash))
            return NULL;
    }
    uint32_t at = parsed_find(labels, name, hash);
    if (at != NONE)
        return overwrites ? &labels->parsed[at].value : NULL;
    if (!overwrites && was_parsed(labels, name, hash))
        return NULL;
    if (clashes) // the suffixed name may be in the base as well
        hide_base_name(labels, name, hash);
    struct slice *value = parsed_add(labels, name, hash);
    labels->parsed[labels->parsed_count - 1].is_counted = true;
    labels->found++;
    return value;
}

struct slice *row_labels_extract(struct row_labels *labels, struct slice name, struct arena *arena)
{
    return extract(labels, name, arena, false);
}

struct slice *row_labels_extract_over(struct row_labels *labels, struct slice name, struct arena *arena)
{
    return extract(labels, name, arena, true);
}

bool row_labels_has_parsed(const struct row_labels *labels, struct slice name)
{
    uint32_t hash = name_hash(name);
    return parsed_find(labels, name, hash) != NONE || was_parsed(labels, name, hash);
}

void row_labels_delete(struct row_labels *labels, struct slice name)
{
    uint32_t hash = name_hash(name);
    uint32_t at = parsed_find(labels, name, hash);
    if (at != NONE)
        parsed_delete(labels, at);
    hide_base_name(labels, name, hash);
}

void row_labels_retain(struct row_labels *labels, bool (*wants)(const void *self, struct slice name, struct slice value),
                       const void *self)
{
    for (uint32_t i = 0; i < labels->base->count; i++) {
        const struct row_label *item = &labels->base->items[i];
        if (!base_is_gone(labels, i) && !wants(self, item->name, item->value))
            base_hide(labels, i);
    }
    for (uint32_t i = 0; i < labels->parsed_count; i++) {
        const struct parsed_label *label = &labels->parsed[i];
        if (!label->is_gone && !wants(self, label->name, label->value))
            parsed_delete(labels, i);
    }
}

void row_labels_set_error(struct row_labels *labels, struct slice error, struct slice details)
{
    labels->error = error;
    if (details.len > 0)
        labels->error_details = details;
}

void row_labels_set_parser_error(struct row_labels *labels, struct slice error, struct slice details)
{
    row_labels_set_error(labels, error, details);
    labels->preserves_error = labels->needed->preserves_errors;
}

// ---- the result ----

static bool base_has_metadata(const struct base_labels *base)
{
    for (uint32_t i = 0; i < base->count; i++) {
        if (base->items[i].category == LABEL_METADATA)
            return true;
    }
    return false;
}

bool row_labels_are_base(const struct row_labels *labels)
{
    if (labels->parsed_count != labels->parsed_gone || labels->any_base_gone || labels->error.len > 0)
        return false;
    // Details whose error was dropped vanish where only stream labels are left beside them (logql.md 20, Q8).
    return labels->error_details.len == 0 || !base_has_metadata(labels->base);
}

struct named_index {
    struct slice name;
    uint32_t index;
};

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct named_index *)a)->name, ((const struct named_index *)b)->name);
}

#define INSERTION_MAX 24

static void sort_names(struct named_index *names, uint32_t count)
{
    if (count > INSERTION_MAX) {
        qsort(names, count, sizeof(*names), by_name);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct named_index moved = names[i];
        uint32_t at = i;
        for (; at > 0 && slice_cmp(names[at - 1].name, moved.name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = moved;
    }
}

static void order_reserve(struct row_labels *labels, uint32_t count)
{
    if (labels->order_cap >= count)
        return;
    labels->order = mem_grow(labels->order, count, sizeof(*labels->order));
    labels->order_names = mem_grow(labels->order_names, count, sizeof(*labels->order_names));
    labels->order_cap = count;
}

static bool order_holds(const struct row_labels *labels)
{
    if (labels->order_base != labels->base || labels->order_parsed != labels->parsed_count)
        return false;
    for (uint32_t i = 0; i < labels->parsed_count; i++) {
        if (!slice_eq(labels->order_names[i], labels->parsed[i].name))
            return false;
    }
    return true;
}

// Without regard to what is gone: that is left out when the order is used. Of equal names one at most is not gone.
static void order_make(struct row_labels *labels, struct arena *arena)
{
    uint32_t base_count = labels->base->count;
    uint32_t parsed_count = labels->parsed_count;
    struct named_index *names = ARENA_ARRAY(arena, struct named_index, parsed_count);
    order_reserve(labels, base_count + parsed_count);
    for (uint32_t i = 0; i < parsed_count; i++) {
        names[i] = (struct named_index){labels->parsed[i].name, i};
        labels->order_names[i] = labels->parsed[i].name;
    }
    sort_names(names, parsed_count);
    uint32_t base = 0;
    uint32_t parsed = 0;
    for (uint32_t at = 0; at < base_count + parsed_count; at++) {
        bool take_base = base < base_count &&
                         (parsed == parsed_count || slice_cmp(labels->base->items[base].name, names[parsed].name) <= 0);
        labels->order[at] = take_base ? base++ : base_count + names[parsed++].index;
    }
    labels->order_base = labels->base;
    labels->order_parsed = parsed_count;
    labels->order_count = base_count + parsed_count;
}

static uint32_t put_marker(struct row_label *out, uint32_t count, struct slice name, struct slice value)
{
    if (value.len == 0)
        return count;
    uint32_t at = count;
    while (at > 0 && slice_cmp(out[at - 1].name, name) > 0)
        at--;
    struct row_label label = {name, value, LABEL_PARSED};
    if (at > 0 && slice_eq(out[at - 1].name, name)) { // a parser found a label of this name: the marker hides it
        out[at - 1] = label;
        return count;
    }
    memmove(out + at + 1, out + at, (count - at) * sizeof(*out));
    out[at] = label;
    return count + 1;
}

uint32_t row_labels_all(struct row_labels *labels, struct arena *arena, const struct row_label **out)
{
    if (!order_holds(labels))
        order_make(labels, arena);
    uint32_t base_count = labels->base->count;
    struct row_label *items = arena_alloc(arena, (labels->order_count + 2) * sizeof(*items), _Alignof(struct row_label));
    uint32_t count = 0;
    for (uint32_t i = 0; i < labels->order_count; i++) {
        uint32_t at = labels->order[i];
        if (at < base_count) {
            if (!base_is_gone(labels, at))
                items[count++] = labels->base->items[at];
        } else if (!labels->parsed[at - base_count].is_gone) {
            const struct parsed_label *parsed = &labels->parsed[at - base_count];
            items[count++] = (struct row_label){parsed->name, parsed->value, LABEL_PARSED};
        }
    }
    count = put_marker(items, count, ERROR_LABEL, labels->error);
    count = put_marker(items, count, ERROR_DETAILS_LABEL, labels->error_details);
    *out = items;
    return count;
}

static uint32_t needed_labels(struct row_labels *labels, struct arena *arena, const struct row_label **out)
{
    const struct needed_names *needed = labels->needed;
    struct row_label *items = arena_alloc(arena, (needed->count + 1) * sizeof(*items), _Alignof(struct row_label));
    uint32_t count = 0;
    for (uint32_t i = 0; i < needed->count; i++) {
        struct slice name = needed->names[i];
        uint32_t hash = needed->hashes[i];
        uint32_t at = parsed_find(labels, name, hash);
        if (at != NONE) {
            items[count++] = (struct row_label){name, labels->parsed[at].value, LABEL_PARSED};
            continue;
        }
        at = base_find(labels->base, name, hash);
        if (at != NONE && !base_is_gone(labels, at))
            items[count++] = labels->base->items[at];
    }
    *out = items;
    return count;
}

uint32_t row_labels_finish(struct row_labels *labels, struct arena *arena, const struct row_label **out, bool *has_error)
{
    bool has_marker = labels->error.len > 0;
    bool shows_all = labels->needed->all || has_marker;
    if (!has_marker) { // a key of the line may be called like the marker
        uint32_t at = parsed_find(labels, ERROR_LABEL, name_hash(ERROR_LABEL));
        has_marker = at != NONE;
    }
    *has_error = has_marker && !labels->preserves_error;
    // A grouping by __error__ sees such a key as the label that it is: the query fails, and names the group.
    shows_all = shows_all || (has_marker && !labels->needed->preserves_errors);
    return shows_all ? row_labels_all(labels, arena, out) : needed_labels(labels, arena, out);
}
