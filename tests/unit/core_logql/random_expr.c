#include "tests/unit/core_logql/random_expr.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/model/regex.h"

struct source {
    uint64_t state;
    struct arena *arena;
};

/* SplitMix64. */
static uint64_t pick(struct source *source, uint64_t below)
{
    uint64_t z = (source->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static bool coin(struct source *source)
{
    return pick(source, 2) == 0;
}

static struct slice name(struct source *source)
{
    static const struct slice names[] = {{"app", 3}, {"level", 5}, {"_x9", 3}, {"rate", 4}, {"ip", 2}, {"bytes", 5}, {"Sum_Total", 9}};
    return names[pick(source, LENGTH(names))];
}

static struct slice text(struct source *source)
{
    static const struct slice texts[] = {{"", 0}, {"x", 1}, {"a \"q\" \\ b", 9}, {"\n\t\x01", 3}, {"caf\xc3\xa9 \xe2\x82\xac", 9}, {"`tick`", 6}, {"# // /* ", 8}, {"\xff\x80", 2}, {"} ] ) [5m]", 10}};
    return texts[pick(source, LENGTH(texts))];
}

static struct slice pattern(struct source *source)
{
    static const struct slice patterns[] = {{".+", 2}, {"a|b|c", 5}, {"(?i)err.*", 9}, {"\\d{1,3}", 7}, {"[^\"]+", 5}};
    return patterns[pick(source, LENGTH(patterns))];
}

static struct slice *names(struct source *source, size_t *count)
{
    *count = pick(source, 4);
    struct slice *list = ARENA_ARRAY(source->arena, struct slice, *count + 1);
    for (size_t i = 0; i < *count; i++)
        list[i] = name(source);
    return list;
}

static void matcher(struct source *source, struct matcher *out)
{
    struct err err;
    enum matcher_op op = (enum matcher_op)pick(source, 4);
    bool is_regex = op == MATCH_RE || op == MATCH_NRE;
    if (!matcher_init(out, op, name(source), is_regex ? pattern(source) : text(source), source->arena, &err))
        abort();
}

static struct slice number_text(struct source *source, double *value)
{
    *value = (double)pick(source, 4000) / 8 - 100;
    return arena_printf(source->arena, "%g", *value);
}

static struct label_filter *label_filter(struct source *source, unsigned depth)
{
    struct label_filter *filter = ARENA_NEW(source->arena, struct label_filter);
    filter->kind = (enum label_filter_kind)pick(source, depth == 0 ? LABEL_FILTER_AND : LABEL_FILTER_OR + 1);
    filter->name = name(source);
    filter->op = (enum compare_op)pick(source, 6);
    switch (filter->kind) {
    case LABEL_FILTER_MATCHER:
        matcher(source, &filter->matcher);
        break;
    case LABEL_FILTER_NUMBER:
        filter->text = number_text(source, &filter->number);
        break;
    case LABEL_FILTER_DURATION:
        filter->duration_ns = (int64_t)(pick(source, 90) + 1) * NS_PER_S;
        filter->text = arena_printf(source->arena, "%llds", (long long)(filter->duration_ns / NS_PER_S));
        break;
    case LABEL_FILTER_BYTES:
        filter->bytes = (pick(source, 90) + 1) * 1024;
        filter->text = arena_printf(source->arena, "%lluKiB", (unsigned long long)(filter->bytes / 1024));
        break;
    case LABEL_FILTER_IP:
        filter->op = coin(source) ? COMPARE_EQ : COMPARE_NEQ;
        filter->text = SLICE("10.0.0.0/8");
        break;
    case LABEL_FILTER_AND:
    case LABEL_FILTER_OR:
        filter->left = label_filter(source, depth - 1);
        filter->right = label_filter(source, depth - 1);
        filter->is_comma = filter->kind == LABEL_FILTER_AND;
        break;
    }
    return filter;
}

static void alternatives(struct source *source, struct stage *out)
{
    out->alternative_count = 1 + pick(source, 3);
    out->alternatives = ARENA_ARRAY(source->arena, struct line_filter_alternative, out->alternative_count);
    for (size_t i = 0; i < out->alternative_count; i++)
        out->alternatives[i] = (struct line_filter_alternative){text(source), pick(source, 4) == 0};
}

static void extractions(struct source *source, struct stage *out)
{
    out->extraction_count = pick(source, 3);
    out->extractions = ARENA_ARRAY(source->arena, struct extraction, out->extraction_count + 1);
    for (size_t i = 0; i < out->extraction_count; i++)
        out->extractions[i] = (struct extraction){name(source), text(source)};
}

static void formats(struct source *source, struct stage *out)
{
    out->format_count = 1 + pick(source, 3);
    out->formats = ARENA_ARRAY(source->arena, struct label_format, out->format_count);
    for (size_t i = 0; i < out->format_count; i++) {
        bool is_template = coin(source);
        out->formats[i] = (struct label_format){name(source), is_template ? text(source) : name(source), is_template};
    }
}

static void named(struct source *source, struct stage *out)
{
    out->named_count = 1 + pick(source, 3);
    out->named = ARENA_ARRAY(source->arena, struct named_matcher, out->named_count);
    for (size_t i = 0; i < out->named_count; i++) {
        out->named[i] = (struct named_matcher){.name = name(source), .has_matcher = coin(source)};
        if (out->named[i].has_matcher)
            matcher(source, &out->named[i].matcher);
    }
}

static void stage(struct source *source, struct stage *out)
{
    *out = (struct stage){.kind = (enum stage_kind)pick(source, STAGE_KEEP + 1)};
    switch (out->kind) {
    case STAGE_LINE_FILTER:
        out->filter_op = (enum line_filter_op)pick(source, 6);
        alternatives(source, out);
        return;
    case STAGE_LOGFMT:
        out->strict = coin(source);
        out->keep_empty = coin(source);
        extractions(source, out);
        return;
    case STAGE_JSON:
        extractions(source, out);
        return;
    case STAGE_REGEXP:
    case STAGE_PATTERN:
    case STAGE_LINE_FORMAT:
        out->argument = text(source);
        return;
    case STAGE_LABEL_FILTER:
        out->filter = label_filter(source, 3);
        return;
    case STAGE_LABEL_FORMAT:
        formats(source, out);
        return;
    case STAGE_DROP:
    case STAGE_KEEP:
        named(source, out);
        return;
    case STAGE_UNPACK:
    case STAGE_DECOLORIZE:
        return;
    }
}

/* `keep x != "y"` is one stage with a matcher: a name and then a line filter of that operator is no tree of any text. */
static bool ends_in_a_name(const struct stage *stage)
{
    return (stage->kind == STAGE_DROP || stage->kind == STAGE_KEEP) && !stage->named[stage->named_count - 1].has_matcher;
}

static void log_of(struct source *source, struct log_expr *out)
{
    struct err err;
    out->matcher_count = 1 + pick(source, 3);
    out->matchers = ARENA_ARRAY(source->arena, struct matcher, out->matcher_count);
    // One matcher that refuses the empty value, or the selector would be refused.
    if (!matcher_init(&out->matchers[0], MATCH_EQ, SLICE("job"), SLICE("x"), source->arena, &err))
        abort();
    for (size_t i = 1; i < out->matcher_count; i++)
        matcher(source, &out->matchers[i]);
    out->stage_count = pick(source, 5);
    out->stages = ARENA_ARRAY(source->arena, struct stage, out->stage_count + 1);
    for (size_t i = 0; i < out->stage_count; i++) {
        stage(source, &out->stages[i]);
        if (i > 0 && ends_in_a_name(&out->stages[i - 1]) && out->stages[i].kind == STAGE_LINE_FILTER)
            out->stages[i].filter_op = LINE_CONTAINS;
    }
}

static void grouping(struct source *source, struct grouping *out)
{
    out->is_present = true;
    out->without = coin(source);
    out->labels = names(source, &out->label_count);
}

static void unwrap(struct source *source, struct log_range *out)
{
    out->has_unwrap = true;
    out->unwrap.label = name(source);
    out->unwrap.conversion = (enum unwrap_conversion)pick(source, 3);
    out->unwrap.says_seconds = out->unwrap.conversion == UNWRAP_DURATION && coin(source);
    out->unwrap.filter_count = pick(source, 3);
    out->unwrap.filters = ARENA_ARRAY(source->arena, struct label_filter *, out->unwrap.filter_count + 1);
    for (size_t i = 0; i < out->unwrap.filter_count; i++)
        out->unwrap.filters[i] = label_filter(source, 2);
}

static void log_range(struct source *source, bool has_unwrap, struct log_range *out)
{
    log_of(source, &out->log);
    if (has_unwrap)
        unwrap(source, out);
    out->range_ns = (int64_t)(pick(source, 100000) + 1) * NS_PER_S;
    if (coin(source))
        out->offset_ns = ((int64_t)pick(source, 20000) - 10000) * NS_PER_MS;
}

static void range_aggregation(struct source *source, struct expr *out)
{
    out->kind = EXPR_RANGE;
    out->range_op = (enum range_op)pick(source, RANGE_ABSENT_OVER_TIME + 1);
    bool is_plain = out->range_op == RANGE_COUNT_OVER_TIME || out->range_op == RANGE_BYTES_OVER_TIME || out->range_op == RANGE_BYTES_RATE;
    bool is_either = out->range_op == RANGE_RATE || out->range_op == RANGE_ABSENT_OVER_TIME;
    bool is_ungrouped = out->range_op == RANGE_RATE_COUNTER || out->range_op == RANGE_SUM_OVER_TIME;
    log_range(source, !is_plain && (!is_either || coin(source)), &out->range);
    out->has_parameter = out->range_op == RANGE_QUANTILE_OVER_TIME;
    if (out->has_parameter)
        out->parameter = (double)pick(source, 101) / 100;
    if (!is_plain && !is_either && !is_ungrouped && coin(source))
        grouping(source, &out->grouping);
}

static struct expr *metric(struct source *source, unsigned depth);

static void vector_aggregation(struct source *source, unsigned depth, struct expr *out)
{
    out->kind = EXPR_VECTOR_AGG;
    out->vector_op = (enum vector_op)pick(source, VECTOR_SORT_DESC + 1);
    out->has_parameter = out->vector_op == VECTOR_TOPK || out->vector_op == VECTOR_BOTTOMK || out->vector_op == VECTOR_APPROX_TOPK;
    out->parameter = out->has_parameter ? (double)(1 + pick(source, 100)) : 0;
    if (out->vector_op < VECTOR_APPROX_TOPK && coin(source))
        grouping(source, &out->grouping);
    out->inner = metric(source, depth - 1);
}

static void binary(struct source *source, unsigned depth, struct expr *out)
{
    out->kind = EXPR_BINARY;
    out->binary_op = (enum binary_op)pick(source, BINARY_UNLESS + 1);
    out->left = metric(source, depth - 1);
    out->right = metric(source, depth - 1);
    out->returns_bool = coin(source);
    out->matching.is_present = coin(source);
    if (!out->matching.is_present)
        return;
    out->matching.on = coin(source);
    out->matching.labels = names(source, &out->matching.label_count);
    out->matching.group = (enum group_side)pick(source, 3);
    if (out->matching.group != GROUP_NONE)
        out->matching.include = names(source, &out->matching.include_count);
}

static void label_replace(struct source *source, unsigned depth, struct expr *out)
{
    struct err err;
    out->kind = EXPR_LABEL_REPLACE;
    out->inner = metric(source, depth - 1);
    out->replace_target = name(source);
    out->replacement = text(source);
    out->replace_source = name(source);
    out->replace_pattern = pattern(source);
    if (!regex_compile(out->replace_pattern, REGEX_SEARCH, &out->replace_regex, &err))
        abort();
}

/* A literal is a right leg only: two of them would be folded to one. */
static struct expr *metric(struct source *source, unsigned depth)
{
    struct expr *out = ARENA_NEW(source->arena, struct expr);
    switch (depth == 0 ? 0 : pick(source, 6)) {
    case 1:
        vector_aggregation(source, depth, out);
        break;
    case 2:
        label_replace(source, depth, out);
        break;
    case 3:
        out->kind = EXPR_VECTOR;
        out->literal = (double)pick(source, 8000) / 8;
        break;
    case 4:
    case 5:
        binary(source, depth, out);
        if (out->binary_op < BINARY_AND && coin(source)) {
            expr_fini(out->right);
            static const double no_words[] = {NAN, INFINITY, -INFINITY, -0.0};
            double literal = pick(source, 4) == 0 ? no_words[pick(source, LENGTH(no_words))] : (double)pick(source, 800) / 8 - 50;
            *out->right = (struct expr){.kind = EXPR_LITERAL, .literal = literal};
        }
        break;
    default:
        range_aggregation(source, out);
        break;
    }
    return out;
}

struct expr *random_expr(uint64_t seed, struct arena *arena)
{
    struct source source = {seed, arena};
    if (pick(&source, 3) != 0)
        return metric(&source, 1 + (unsigned)pick(&source, 4));
    struct expr *out = ARENA_NEW(arena, struct expr);
    out->kind = EXPR_LOG;
    log_of(&source, &out->log);
    return out;
}
