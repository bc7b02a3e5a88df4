/* segment_templates.h: the templates of a segment's lines (template_file.h), from opening them at first use to making them.
 *
 *               templates  build
 *   templates       X        X     a reader sees the file of before or the new one; both live as long as the segment
 *   build           X        -     one at a time for a segment: the store has one thread for it
 *
 * A missing file is no error, a damaged one is as missing: then lines are read, and the next build writes it anew.
 */
#pragma once

#include "storage/segment/segment.h"
#include "storage/segment/template_file.h"

/* NULL: there is none now. Thread: any. */
const struct template_file *segment_templates(struct segment *segment);
/* It did not hold when it was read: there is none from now on. Thread: any. */
void segment_templates_spoil(struct segment *segment, const struct template_file *file);

/* The same, but NULL also if nobody has looked for them yet: opens nothing. */
const struct template_file *segment_templates_known(const struct segment *segment);

/* Someone would have used them. Thread: any. */
void segment_templates_want(struct segment *segment);
bool segment_templates_are_wanted(const struct segment *segment);
/* False: a build found that the segment cannot be read. */
bool segment_templates_can_be_made(const struct segment *segment);

struct template_figures {
    uint64_t templates, evicted; /* evicted: lines' shapes that found no room, counted as <_> */
    uint64_t bytes;
};

/* Reads the whole segment and writes the file. goes_on is called after each block; false: ERR_CANCELLED. Memory: a block, and the templates. */
bool segment_templates_build(struct segment *segment, bool (*goes_on)(void *self), void *self, struct template_figures *out, struct err *err) MUST_CHECK;

/* Checks the file, if there is one, against the segment's lines: every line is accepted by its template. Calls back for each damage. */
void segment_templates_verify(struct segment *segment, void (*damaged)(void *self, const char *what), void *self);
