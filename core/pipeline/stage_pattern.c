/* stage_pattern.c: `| pattern "<ip> - <_>"`: what stands between the literals are labels. logql.md 7.5. */
#include "core/pipeline/pattern_text.h"
#include "core/pipeline/step.h"

static void take(struct row *row, const struct pattern_part *capture, struct slice text)
{
    struct slice *value =
        slice_eq(capture->text, SLICE("_")) ? NULL : row_labels_extract(&row->labels, capture->text, row->arena);
    if (value != NULL)
        *value = text;
}

static bool run_pattern(const struct step *step, struct row *row)
{
    const struct pattern *pattern = step->self;
    struct slice in = row->line;
    size_t i = 0;
    if (in.len == 0 || row_labels_is_done(&row->labels))
        return true;
    if (!pattern->parts[0].is_capture) {
        if (!slice_starts(in, pattern->parts[0].text))
            return true;
        in = slice_from(in, pattern->parts[0].text.len);
        i = 1;
    }
    for (; i < pattern->count; i += 2) { // a capture, then its literal
        size_t end = i + 1 == pattern->count ? TEXT_ABSENT : text_find(&pattern->parts[i + 1].needle, in.ptr, in.len, 0);
        if (end == TEXT_ABSENT) {
            take(row, &pattern->parts[i], in);
            return true;
        }
        take(row, &pattern->parts[i], slice_of(in.ptr, end));
        if (row_labels_is_done(&row->labels))
            return true;
        in = slice_from(in, end + pattern->parts[i + 1].text.len);
    }
    return true;
}

static bool check_names(const struct pattern *pattern, struct err *err)
{
    size_t named = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        if (part->is_capture && !slice_eq(part->text, SLICE("_")))
            named++;
    }
    if (named == 0)
        return err_set(err, ERR_INVALID, "at least one capture is required");
    return true;
}

static bool check_unique(const struct pattern *pattern, struct err *err)
{
    for (size_t i = 0; i < pattern->count; i++) {
        const struct pattern_part *part = &pattern->parts[i];
        for (size_t j = 0; j < i && part->is_capture && !slice_eq(part->text, SLICE("_")); j++) {
            if (pattern->parts[j].is_capture && slice_eq(pattern->parts[j].text, part->text))
                return err_set(err, ERR_INVALID, "duplicate capture name (%.*s): invalid expression", SLICE_ARG(part->text));
        }
    }
    return true;
}

bool stage_pattern_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct pattern *pattern = ARENA_NEW(arena, struct pattern);
    bool ok = stage->argument.len > 0
                  ? pattern_parse(stage->argument, arena, pattern, err) && check_names(pattern, err) && check_unique(pattern, err)
                  : err_set(err, ERR_INVALID,
                            "parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL");
    if (!ok)
        return err_wrap(err, "invalid pattern parser");
    *out = (struct step){.kind = STAGE_PATTERN, .run = run_pattern, .self = pattern};
    return true;
}
