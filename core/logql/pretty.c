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

static void log_pretty(const struct log_expr *log, size_t level, struct buf *out)
{
    struct log_expr selector = *log;
    selector.stage_count = 0;
    indent(level, out);
    log_expr_print(&selector, out);
    for (size_t i = 0; i < log->stage_count; i++) {
        buf_byte(out, '\n');
        indent(level + 1, out);
        stage_print(&log->stages[i], out);
    }
}

static void range_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_printf(out, "%s(\n", range_op_text(expr->range_op));
    if (expr->has_parameter) {
        indent(level + 1, out);
        go_print_float_f(out, expr->parameter);
        buf_str(out, ",\n");
    }
    log_pretty(&expr->range.log, level + 1, out);
    if (expr->range.has_unwrap) {
        buf_byte(out, '\n');
        indent(level + 2, out);
        unwrap_print(&expr->range.unwrap, out);
    }
    buf_byte(out, ' ');
    range_suffix_print(&expr->range, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
    if (expr->grouping.is_present)
        grouping_print(&expr->grouping, out);
}

static void vector_agg_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_str(out, vector_op_text(expr->vector_op));
    if (expr->grouping.is_present)
        grouping_print(&expr->grouping, out);
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

static void binary_pretty(const struct expr *expr, size_t level, struct buf *out)
{
    indent(level, out);
    buf_str(out, "(\n");
    pretty(expr->left, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_str(out, binary_op_text(expr->binary_op));
    matching_print(expr, out);
    buf_byte(out, '\n');
    pretty(expr->right, level + 1, out);
    buf_byte(out, '\n');
    indent(level, out);
    buf_byte(out, ')');
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

static void pretty(const struct expr *expr, size_t level, struct buf *out)
{
    struct buf line = BUF_INIT;
    expr_print(expr, &line);
    bool is_short = fits(buf_slice(&line));
    if (is_short || expr->kind == EXPR_LITERAL || expr->kind == EXPR_VECTOR || expr->kind == EXPR_VARIANTS) {
        indent(level, out);
        buf_put(out, buf_slice(&line));
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
    buf_fini(&line);
}

void expr_print_pretty(const struct expr *expr, struct buf *out)
{
    pretty(expr, 0, out);
}
