/* pretty.c: format_query's layout: what fits in a line stays on one, the rest is split at its parts and indented by two spaces a level. */
#include "core/logql/printer.h"

#include "core/model/go_text.h"

#define LINE_CHARACTERS_MAX 100

static void indent(size_t level, struct buf *out)
{
    for (size_t i = 0; i < level * 2; i++)
        buf_byte(out, ' ');
}

static bool fits(struct slice text)
{
    return text.len <= LINE_CHARACTERS_MAX;
}

static void pretty(const struct expr *expr, size_t level, struct buf *out);

static bool is_short(const struct expr *expr)
{
    struct buf line = BUF_INIT;
    expr_print(expr, &line);
    bool yes = fits(buf_slice(&line));
    buf_fini(&line);
    return yes;
}

static bool is_line_filter(const struct log_expr *log, size_t i)
{
    return i < log->stage_count && log->stages[i].kind == STAGE_LINE_FILTER;
}

/* Line filters that follow one another are one line; decolorize stands at the margin, as Loki has it. */
static void log_pretty(const struct log_expr *log, size_t level, struct buf *out)
{
    struct log_expr selector = *log;
    struct buf line = BUF_INIT;
    log_expr_print(log, &line);
    bool is_short = fits(buf_slice(&line));
    selector.stage_count = is_short ? log->stage_count : 0;
    buf_fini(&line);
    indent(level, out);
    log_expr_print(&selector, out);
    for (size_t i = 0; i < log->stage_count && !is_short; i++) {
        if (i > 0 && is_line_filter(log, i) && is_line_filter(log, i - 1)) {
            buf_byte(out, ' ');
        } else {
            buf_byte(out, '\n');
            indent(log->stages[i].kind == STAGE_DECOLORIZE ? 0 : level + 1, out);
        }
        stage_print(&log->stages[i], out);
    }
}

/* With the unwrap on lines of its own. */
static void log_range_pretty(const struct log_range *range, size_t level, struct buf *out)
{
    log_pretty(&range->log, level, out);
    if (range->has_unwrap) {
        struct buf before = BUF_INIT;
        buf_byte(&before, '\n');
        indent(level + 1, &before);
        buf_put(out, buf_slice(&before));
        buf_byte(&before, '\0');
        unwrap_print(&range->unwrap, before.ptr, out);
        buf_fini(&before);
    }
    buf_byte(out, ' ');
    range_suffix_print(range, true, out);
}

static void range_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_printf(out, "%s(\n", range_op_text(expr->range_op));
    if (expr->has_parameter) {
        indent(level + 1, out);
        go_print_float_g(out, expr->parameter);
        buf_str(out, ",\n");
    }
    log_range_pretty(&expr->range, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
    if (expr->grouping.is_present)
        grouping_print(&expr->grouping, ", ", out);
}

static void vector_agg_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_str(out, vector_op_text(expr->vector_op));
    if (vector_agg_has_grouping(expr))
        grouping_print(&expr->grouping, ", ", out);
    buf_str(out, "(\n");
    if (expr->has_parameter) {
        indent(level + 1, out);
        go_print_float_f(out, expr->parameter);
        buf_str(out, ",\n");
    }
    pretty(expr->inner, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
}

static int precedence(enum binary_op op)
{
    switch (op) {
    case BINARY_OR:
        return 1;
    case BINARY_AND:
    case BINARY_UNLESS:
        return 2;
    case BINARY_EQ:
    case BINARY_NEQ:
    case BINARY_GT:
    case BINARY_GTE:
    case BINARY_LT:
    case BINARY_LTE:
        return 3;
    case BINARY_ADD:
    case BINARY_SUB:
        return 4;
    case BINARY_MUL:
    case BINARY_DIV:
    case BINARY_MOD:
        return 5;
    case BINARY_POW:
        return 6;
    }
    return 0;
}

/* A side of an operation: in parentheses where it would be read otherwise. Loki leaves these out as well. */
static void side_pretty(const struct expr *parent, const struct expr *side, bool is_right, size_t level, struct buf *out)
{
    const int outer = precedence(parent->binary_op);
    const int inner = side->kind == EXPR_BINARY ? precedence(side->binary_op) : 7;
    const bool binds_right = parent->binary_op == BINARY_POW;
    if (inner > outer || (inner == outer && is_right == binds_right) || is_short(side)) {
        pretty(side, level, out);
        return;
    }
    indent(level, out);
    buf_str(out, "(\n");
    pretty(side, level, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
}

static void binary_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    side_pretty(expr, expr->left, false, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_str(out, binary_op_text(expr->binary_op));
    buf_str(out, matching_print(expr, ", ", out) ? " " : ""); // as Loki has it
    buf_byte(out, '\n');
    side_pretty(expr, expr->right, true, level + 1, out);
}

static void label_replace_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    const struct slice texts[] = {expr->replace_target, expr->replacement, expr->replace_source, expr->replace_pattern};
    indent(level, out);
    buf_str(out, "label_replace(\n");
    pretty(expr->inner, level + 1, out);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        buf_str(out, ",\n");
        indent(level + 1, out);
        go_quote(out, texts[i]);
    }
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
}

/* On several lines, however short. */
static void variants_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_str(out, "variants(\n");
    for (size_t i = 0; i < expr->variant_count; i++) {
        pretty(expr->variants[i], level + 1, out);
        buf_str(out, i + 1 < expr->variant_count ? ",\n" : "\n");
    }
    indent(level, out);
    buf_str(out, ") of (\n");
    log_range_pretty(&expr->range, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
}

static void pretty(const struct expr *expr, size_t level, struct buf *out)
{
    if (expr->kind == EXPR_VARIANTS) {
        variants_pretty(expr, level, out);
    } else if (is_short(expr) || expr->kind == EXPR_LITERAL || expr->kind == EXPR_VECTOR) {
        indent(level, out);
        expr_print(expr, out);
    } else if (expr->kind == EXPR_LOG) {
        log_pretty(&expr->log, level, out);
    } else if (expr->kind == EXPR_RANGE) {
        range_pretty(expr, level, out);
    } else if (expr->kind == EXPR_VECTOR_AGG) {
        vector_agg_pretty(expr, level, out);
    } else if (expr->kind == EXPR_BINARY) {
        binary_pretty(expr, level, out);
    } else {
        label_replace_pretty(expr, level, out);
    }
}

void expr_print_pretty(const struct expr *expr, struct buf *out)
{
    pretty(expr, 0, out);
}
