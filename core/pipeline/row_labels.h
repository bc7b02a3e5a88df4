/* row_labels.h: the labels of one row while the stages work on it: the stream's and the metadata set's (the base, shared by all rows of that
 * set), what parsers and formatters made of them, what was deleted, and the error markers.
 *
 * Rules (logql.md 5): a parsed label hides a base label of its name; parsers rename on a clash with the base (<name>_extracted) and never overwrite what
 * was parsed before, nor bring it back when a stage has deleted it since; label_format overwrites anything.
 * Names and values are slices of the batch, the AST or the worker's arena. Thread: one at a time.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/pipeline/pipeline.h"

#define ERROR_LABEL SLICE("__error__")
#define ERROR_DETAILS_LABEL SLICE("__error_details__")
#define PRESERVE_ERROR_LABEL SLICE("__preserve_error__")

/* Only ever compared with itself, in one process. */
static inline uint32_t name_hash(struct slice name)
{
    uint64_t a = 0;
    uint64_t b = 0;
    if (name.len > 16) {
        a = hash64(name);
    } else if (name.len >= 8) {
        a = le64_get(name.ptr);
        b = le64_get(name.ptr + name.len - 8);
    } else if (name.len >= 4) {
        a = le32_get(name.ptr);
        b = le32_get(name.ptr + name.len - 4);
    } else if (name.len > 0) {
        a = (uint64_t)(uint8_t)name.ptr[0] << 16 | (uint64_t)(uint8_t)name.ptr[name.len / 2] << 8 | (uint8_t)name.ptr[name.len - 1];
    }
    uint64_t h = (a ^ name.len) * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 29) ^ b) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(h >> 32);
}

/* Labels that a metric query can see; rows need hold no others. */
struct needed_names {
    bool all;
    const struct slice *names; /* sorted, unique; of x_extracted, x is there too */
    const uint32_t *hashes;
    uint32_t count;
    bool preserves_errors; /* __error__ is among them: errors become ordinary labels */
};

bool needed_has(const struct needed_names *needed, struct slice name, uint32_t hash);
/* A name that begins with prefix is needed. */
bool needed_has_prefix(const struct needed_names *needed, struct slice prefix);

enum base_verdict { BASE_UNKNOWN, BASE_DROPPED, BASE_KEPT };

struct base_labels {
    const struct row_label *items; /* sorted by name, unique */
    const uint32_t *hashes;
    uint32_t count;
    struct slice error, error_details; /* metadata of these names are markers */
    enum base_verdict verdict;         /* of the label filters that see nothing but the base */
};

/* The base of a stream and a metadata set (an encoding), in the arena. */
void base_labels_build(const struct label_set *stream, struct slice metadata, struct arena *arena, struct base_labels *out);

struct parsed_label {
    struct slice name, value;
    bool is_gone;
    bool is_counted; /* in row_labels.found */
};

struct row_labels {
    const struct base_labels *base;
    const struct needed_names *needed;
    struct parsed_label *parsed; /* in order of their making */
    uint32_t *hashes;            /* of parsed */
    uint32_t parsed_count, parsed_cap;
    uint32_t parsed_gone;
    uint32_t *slots; /* open addressing over parsed, index + 1; used from PARSED_LINEAR_MAX labels on */
    uint32_t slot_mask, slotted;
    uint8_t *base_gone; /* one a base label; valid while any_base_gone */
    uint32_t base_gone_cap;
    bool any_base_gone;
    uint32_t found; /* needed names that parsers have extracted */
    struct slice error, error_details; /* empty: none */
    bool preserves_error;
    /* How the labels of the row before came into order: most rows of a batch have the same names. */
    struct slice *order_names;
    uint32_t *order; /* merged: index into base, or base count + index into parsed */
    uint32_t order_parsed, order_count, order_cap;
    const struct base_labels *order_base;
};

void row_labels_init(struct row_labels *labels, const struct needed_names *needed);
void row_labels_fini(struct row_labels *labels);
void row_labels_begin(struct row_labels *labels, const struct base_labels *base);
/* The memory of bases ends: nothing of them may be remembered. */
void row_labels_forget(struct row_labels *labels);

/* The value of a label of any category. The markers are no labels here. */
bool row_labels_get(const struct row_labels *labels, struct slice name, struct slice *value);

/* label_format: takes the name, whatever had it. */
void row_labels_set(struct row_labels *labels, struct slice name, struct slice value);

/* A parser found a name: where its value goes, or NULL when it is not wanted (not needed, or parsed before). The name must outlive the run;
 * on a clash with the base it is copied with its suffix. */
struct slice *row_labels_extract(struct row_labels *labels, struct slice name, struct arena *arena);
/* The same for parsers with explicit extractions, which overwrite what was parsed before. */
struct slice *row_labels_extract_over(struct row_labels *labels, struct slice name, struct arena *arena);
/* The stream or the metadata set has the name: what extractions clash with. */
bool row_labels_base_has(const struct row_labels *labels, struct slice name);

/* A stage has made a label of the name; also when one has deleted it since. */
bool row_labels_has_parsed(const struct row_labels *labels, struct slice name);

/* All needed names are extracted: parsers may stop. */
static inline bool row_labels_is_done(const struct row_labels *labels)
{
    return !labels->needed->all && labels->found == labels->needed->count;
}

void row_labels_delete(struct row_labels *labels, struct slice name);
/* keep: deletes what the callback does not want; markers stay. */
void row_labels_retain(struct row_labels *labels, bool (*wants)(const void *self, struct slice name, struct slice value),
                       const void *self);

void row_labels_set_error(struct row_labels *labels, struct slice error, struct slice details);
/* The same by a parser: is an ordinary label when the query groups by __error__. */
void row_labels_set_parser_error(struct row_labels *labels, struct slice error, struct slice details);

/* No stage has changed anything: the row's labels are the base. */
bool row_labels_are_base(const struct row_labels *labels);

/* All labels with the markers, sorted, in the arena. */
uint32_t row_labels_all(struct row_labels *labels, struct arena *arena, const struct row_label **out);
/* What the row shows: all, or the needed ones if there is no error. *has_error as struct pipeline_row says. */
uint32_t row_labels_finish(struct row_labels *labels, struct arena *arena, const struct row_label **out, bool *has_error);
