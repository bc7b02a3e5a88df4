/* label_class.h: the label sets of a log query's rows, each kept once: which result stream a row belongs to, and what it shows beside its line.
 * Thread: one at a time for a table; its classes may be read by all that wait for that one. */
#pragma once

#include "core/pipeline/pipeline.h"
#include "core/plan/charged_arena.h"
#include "core/plan/key_table.h"
#include "core/plan/query.h"

struct label_class {
    struct label_set stream; /* of the result stream: all labels, or with categorize those of category stream */
    struct label_set full;   /* all labels: what rows of one time are ordered by */
    const struct result_label *metadata, *parsed; /* with categorize */
    uint32_t metadata_count, parsed_count;
    size_t group; /* for the maker of the result: which stream */
};

struct label_classes {
    bool categorize;
    struct key_table keys;
    struct label_class **items; /* by key number */
    size_t cap;
    struct buf key;
    struct charged_arena memory;
};

/* The class of a row with these labels; lives until label_classes_fini. */
struct label_class *label_classes_intern(struct label_classes *classes, const struct row_label *labels, size_t count);
void label_classes_fini(struct label_classes *classes, struct query_control *control);

/* By the text of the result stream's labels. */
int label_class_cmp_stream(const struct label_class *a, const struct label_class *b);
/* By the text of all labels. */
int label_class_cmp_full(const struct label_class *a, const struct label_class *b);
