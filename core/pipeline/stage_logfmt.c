/* stage_logfmt.c: `| logfmt [--strict] [--keep-empty]`: every pair a label; with extractions, the pairs of given keys. logql.md 7.3. */
#include "core/model/go_text.h"
#include "core/pipeline/logfmt_scan.h"
#include "core/pipeline/parsed_text.h"
#include "core/pipeline/step.h"

struct logfmt_extraction {
    struct slice name, key;
};

struct logfmt {
    bool strict, keep_empty;
    const struct logfmt_extraction *extractions;
    size_t extraction_count;
};

static void fail(struct row *row, const struct logfmt_walk *walk)
{
    struct slice details = arena_printf(row->arena, "logfmt syntax error at pos %zu : %s", walk->error_at + 1, walk->error);
    row_labels_set_parser_error(&row->labels, SLICE("LogfmtParserErr"), details);
}

static struct slice readable(struct slice value, bool has_escape, struct arena *arena)
{
    if (has_escape && !logfmt_unquote(value, arena, &value))
        return SLICE(""); // cannot be: the walk has checked it
    return label_value_clean(value, arena);
}

static void take_pair(const struct logfmt *self, struct row *row, struct slice key, struct slice value, bool has_escape)
{
    if (value.len == 0 && !self->keep_empty)
        return;
    struct slice name = label_name_sanitize(key, row->arena);
    struct slice *out = name.len == 0 ? NULL : row_labels_extract(&row->labels, name, row->arena);
    if (out != NULL)
        *out = readable(value, has_escape, row->arena);
}

// An extraction's value is not cleaned: with a byte that is no UTF-8, or U+FFFD, it is empty, as Loki has it.
static struct slice extracted_value(struct slice value, bool has_escape, struct arena *arena)
{
    struct slice clean = readable(value, has_escape, arena);
    struct slice plain = value;
    if (has_escape && !logfmt_unquote(value, arena, &plain))
        return SLICE("");
    return slice_eq(clean, plain) ? clean : SLICE("");
}

// What a stage before has made a label of, or deleted since, is not read again, unless an extraction has its name.
static void mark_taken(const struct logfmt *self, struct row *row, bool *is_taken)
{
    for (size_t i = 0; i < self->extraction_count; i++) {
        struct slice key = self->extractions[i].key;
        is_taken[i] = row_labels_has_parsed(&row->labels, key);
        for (size_t j = 0; j < self->extraction_count && is_taken[i]; j++)
            is_taken[i] = !slice_eq(self->extractions[j].name, key);
    }
}

static void take_extracted(const struct logfmt *self, struct row *row, const bool *is_taken, struct slice key, struct slice value, bool has_escape)
{
    struct slice name = label_name_sanitize(key, row->arena);
    // A key that is asked for by none but is called like an extraction gives that one its value.
    bool is_key = false;
    for (size_t i = 0; i < self->extraction_count && !is_key; i++)
        is_key = slice_eq(self->extractions[i].key, name);
    for (size_t i = 0; i < self->extraction_count; i++) {
        if (!slice_eq(is_key ? self->extractions[i].key : self->extractions[i].name, name) || (is_key && is_taken[i]))
            continue;
        struct slice *out = row_labels_extract_over(&row->labels, self->extractions[i].name, row->arena);
        if (out != NULL)
            *out = extracted_value(value, has_escape, row->arena);
    }
}

// Every named label exists and is empty, but for those that the stream or the metadata has.
static void make_named(const struct logfmt *self, struct row *row)
{
    for (size_t i = 0; i < self->extraction_count; i++) {
        struct slice name = self->extractions[i].name;
        struct slice *out =
            row_labels_base_has(&row->labels, name) ? NULL : row_labels_extract_over(&row->labels, name, row->arena);
        if (out != NULL)
            *out = SLICE("");
    }
}

static bool run_logfmt(const struct step *step, struct row *row)
{
    const struct logfmt *self = step->self;
    if (row_labels_is_done(&row->labels))
        return true;
    bool has_extractions = self->extraction_count > 0;
    bool *is_taken = has_extractions ? ARENA_ARRAY(row->arena, bool, self->extraction_count) : NULL;
    if (has_extractions) {
        mark_taken(self, row, is_taken);
        make_named(self, row); // all are there now, yet the pairs must be read
    }
    struct logfmt_walk walk = {.text = row->line};
    for (;;) {
        struct slice key;
        struct slice value;
        bool has_escape = false;
        enum logfmt_result result = logfmt_walk_next(&walk, &key, &value, &has_escape);
        if (result == LOGFMT_END)
            return true;
        if (result == LOGFMT_ERROR) {
            if (!self->strict)
                continue;
            fail(row, &walk);
            return true;
        }
        if (has_extractions) {
            take_extracted(self, row, is_taken, key, value, has_escape);
            continue;
        }
        take_pair(self, row, key, value, has_escape);
        if (row_labels_is_done(&row->labels))
            return true;
    }
}

static bool is_key_byte(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

// One key, bare or quoted.
static bool parse_key(struct slice text, struct arena *arena, struct slice *out, struct err *err)
{
    struct slice in = slice_trim(text);
    if (in.len >= 2 && in.ptr[0] == '"' && in.ptr[in.len - 1] == '"') {
        *out = label_name_sanitize(slice_of(in.ptr + 1, in.len - 2), arena);
        return true;
    }
    size_t n = 0;
    while (n < in.len && is_key_byte(in.ptr[n], n == 0))
        n++;
    if (n == 0)
        return err_set(err, ERR_INVALID, "syntax error: unexpected $end, expecting STRING or KEY");
    if (n < in.len) {
        struct slice rest = slice_trim(slice_from(in, n));
        if (is_key_byte(rest.ptr[0], true))
            return err_set(err, ERR_INVALID, "syntax error: unexpected KEY");
        size_t len = 0;
        (void)utf8_decode(rest, &len);
        return err_set(err, ERR_INVALID, "unexpected char %.*s", (int)len, rest.ptr);
    }
    *out = in;
    return true;
}

bool stage_logfmt_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct logfmt *self = ARENA_NEW(arena, struct logfmt);
    struct logfmt_extraction *extractions = ARENA_ARRAY(arena, struct logfmt_extraction, stage->extraction_count);
    for (size_t i = 0; i < stage->extraction_count; i++) {
        const struct extraction *extraction = &stage->extractions[i];
        extractions[i].name = extraction->name;
        if (!parse_key(extraction->expression, arena, &extractions[i].key, err))
            return err_wrap(err, "cannot parse expression [%.*s]", SLICE_ARG(extraction->expression));
    }
    *self = (struct logfmt){stage->strict, stage->keep_empty, extractions, stage->extraction_count};
    *out = (struct step){.kind = STAGE_LOGFMT, .run = run_logfmt, .self = self};
    return true;
}
