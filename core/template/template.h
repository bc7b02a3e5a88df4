/* template.h: Go's text/template with Loki's functions, for line_format and label_format: compiled once a query, interpreted a line; and with Prometheus'
 * for the labels and annotations of alerts.
 * Semantics and texts: spec logql.md 9. Bounded: output TEMPLATE_OUTPUT_BYTES_MAX, what one run takes of its scratch TEMPLATE_SCRATCH_BYTES_MAX (one
 * more text of the output's bound may go over it), steps TEMPLATE_STEPS_MAX, nesting; then it is a TemplateFormatErr. */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/label_set.h"

#define TEMPLATE_OUTPUT_BYTES_MAX ((size_t)1 << 20)
#define TEMPLATE_SCRATCH_BYTES_MAX ((size_t)16 << 20)
#define TEMPLATE_STEPS_MAX 100000

/* Which functions there are: those of a query, or these and those of Prometheus' alert templates, which win where both have a name. */
enum template_dialect { TEMPLATE_OF_LINES, TEMPLATE_OF_ALERTS };

struct template;

/* An element of what `query` gives. */
struct template_sample {
    struct label_set labels; /* sorted */
    double value;
};

/* The label map that a template reads. */
struct template_labels {
    const void *self;
    bool (*get)(const void *self, struct slice name, struct slice *value);
    /* In order of names, for `range` over the dot. i from 0; false at the end. */
    bool (*at)(const void *self, size_t i, struct slice *name, struct slice *value);
    struct slice line;  /* __line__ */
    int64_t ts_ns;      /* __timestamp__ */
    int64_t now_ns;     /* now */
};

/* Answers `query`. Results live in the arena; false with the message. */
struct template_asker {
    bool (*query)(void *self, struct slice text, struct arena *arena, struct template_sample **out, size_t *count, struct err *err);
    void *self;
};

/* name is "line" or "label" and stands in messages. ERR_INVALID with Go's text: template: line:1: function "x" not defined. Lives in the arena but for regexes. */
bool template_compile(const char *name, struct slice text, struct arena *arena, struct template **out, struct err *err) MUST_CHECK;
void template_fini(struct template *template);

/* A label or an annotation of an alerting rule: $labels, $externalLabels, $externalURL and $value are set in it, and the dot has .Labels, .ExternalLabels,
 * .ExternalURL and .Value. name, which lives as long as the template, is "__alert_NAME" in messages. */
bool template_compile_alert(const char *name, struct slice text, struct arena *arena, struct template **out, struct err *err) MUST_CHECK;
/* As template_run; labels->line is the external URL. */
bool template_run_alert(const struct template *template, const struct template_labels *labels, double value, const struct template_asker *asker,
                        struct arena *scratch, struct buf *out, struct err *err) MUST_CHECK;

/* Appends the output. False with Go's message when it fails at run time; out is then as it was. scratch is reset by the caller. Thread: many at once, each with its own
 * out and scratch. */
bool template_run(const struct template *template, const struct template_labels *labels, struct arena *scratch, struct buf *out,
                  struct err *err) MUST_CHECK;

/* Label names that it may read; false: it may read any (range over dot, and such). In the arena. */
bool template_label_names(const struct template *template, struct arena *arena, struct slice **out, size_t *count);

/* The template is exactly {{.name}}: the common case, for a fast path. */
bool template_is_field(const struct template *template, struct slice *name);
