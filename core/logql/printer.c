/* printer.c: an expression as one line that parses to the same tree. */
#include "core/logql/printer.h"

#include <math.h>

#include "core/model/go_text.h"

static void names_print(const struct slice *names, size_t count, const char *between, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i > 0 ? between : "");
        buf_put(out, names[i]);
    }
}

static const char *compare_op_text(enum compare_op op)
{
    static const char *const texts[] = {[COMPARE_EQ] = "=",   [COMPARE_NEQ] = "!=", [COMPARE_GT] = ">",
                                        [COMPARE_GTE] = ">=", [COMPARE_LT] = "<",   [COMPARE_LTE] = "<="};
    return texts[op];
}

/* As Loki prints it, rounded, where that is the same size; else as written. */
static void size_print(const struct label_filter *filter, struct buf *out)
{
    struct buf text = BUF_INIT;
    uint64_t bytes = 0;
    humanize_print_bytes(&text, filter->bytes);
    bool is_same = humanize_parse_bytes(buf_slice(&text), &bytes, NULL) && bytes == filter->bytes;
    if (!is_same)
        buf_put(out, filter->text);
    for (size_t i = 0; i < text.len && is_same; i++) {
        if (text.ptr[i] != ' ')
            buf_byte(out, text.ptr[i]);
    }
    buf_fini(&text);
}

static void label_filter_print(const struct label_filter *filter, struct buf *out)
{
    switch (filter->kind) {
    case LABEL_FILTER_MATCHER:
        matcher_print(&filter->matcher, out);
        return;
    case LABEL_FILTER_NUMBER:
    case LABEL_FILTER_DURATION:
    case LABEL_FILTER_BYTES:
        buf_put(out, filter->name);
        // A single = before a number is read back as the same comparison, == as well.
        buf_str(out, filter->op == COMPARE_EQ ? "==" : compare_op_text(filter->op));
        if (filter->kind == LABEL_FILTER_NUMBER)
            go_print_float_f(out, filter->number);
        else if (filter->kind == LABEL_FILTER_DURATION)
            go_print_duration(out, filter->duration_ns);
        else
            size_print(filter, out);
        return;
    case LABEL_FILTER_IP:
        buf_put(out, filter->name);
        buf_str(out, compare_op_text(filter->op));
        buf_str(out, "ip(");
        go_quote(out, filter->text);
        buf_byte(out, ')');
        return;
    case LABEL_FILTER_AND:
    case LABEL_FILTER_OR:
        buf_str(out, "( ");
        label_filter_print(filter->left, out);
        buf_str(out, filter->kind == LABEL_FILTER_OR ? " or " : " , ");
        label_filter_print(filter->right, out);
        buf_str(out, " )");
        return;
    }
}

static void extractions_print(const struct stage *stage, struct buf *out)
{
    for (size_t i = 0; i < stage->extraction_count; i++) {
        buf_str(out, i == 0 ? " " : ",");
        buf_put(out, stage->extractions[i].name);
        buf_byte(out, '=');
        go_quote(out, stage->extractions[i].expression);
    }
}

static void line_filter_print(const struct stage *stage, struct buf *out)
{
    const char *op = line_filter_op_text(stage->filter_op);
    const bool is_negative = op[0] == '!';
    buf_str(out, op);
    for (size_t i = 0; i < stage->alternative_count; i++) {
        const struct line_filter_alternative *one = &stage->alternatives[i];
        if (i > 0 && is_negative) // none of them: each refuses for itself
            buf_printf(out, " %s ", op);
        else
            buf_str(out, i == 0 ? " " : " or ");
        if (one->is_ip)
            buf_str(out, "ip(");
        go_quote(out, one->text);
        if (one->is_ip)
            buf_byte(out, ')');
    }
}

static void formats_print(const struct stage *stage, struct buf *out)
{
    for (size_t i = 0; i < stage->format_count; i++) {
        const struct label_format *format = &stage->formats[i];
        buf_str(out, i == 0 ? " " : ",");
        buf_put(out, format->target);
        buf_byte(out, '=');
        if (format->is_template)
            go_quote(out, format->value);
        else
            buf_put(out, format->value);
    }
}

static void named_print(const struct stage *stage, struct buf *out)
{
    for (size_t i = 0; i < stage->named_count; i++) {
        buf_str(out, i == 0 ? " " : ",");
        if (stage->named[i].has_matcher)
            matcher_print(&stage->named[i].matcher, out);
        else
            buf_put(out, stage->named[i].name);
    }
}

static void argument_print(const char *name, const struct stage *stage, struct buf *out)
{
    buf_str(out, name);
    buf_byte(out, ' ');
    go_quote(out, stage->argument);
}

void stage_print(const struct stage *stage, struct buf *out)
{
    switch (stage->kind) {
    case STAGE_LINE_FILTER:
        line_filter_print(stage, out);
        return;
    case STAGE_JSON:
        buf_str(out, "| json");
        extractions_print(stage, out);
        return;
    case STAGE_LOGFMT:
        buf_str(out, "| logfmt");
        buf_str(out, stage->strict ? " --strict" : "");
        buf_str(out, stage->keep_empty ? " --keep-empty" : "");
        extractions_print(stage, out);
        return;
    case STAGE_REGEXP:
        argument_print("| regexp", stage, out);
        return;
    case STAGE_PATTERN:
        argument_print("| pattern", stage, out);
        return;
    case STAGE_LINE_FORMAT:
        argument_print("| line_format", stage, out);
        return;
    case STAGE_UNPACK:
        buf_str(out, "| unpack");
        return;
    case STAGE_DECOLORIZE:
        buf_str(out, "| decolorize");
        return;
    case STAGE_LABEL_FILTER:
        buf_str(out, "| ");
        label_filter_print(stage->filter, out);
        return;
    case STAGE_LABEL_FORMAT:
        buf_str(out, "| label_format");
        formats_print(stage, out);
        return;
    case STAGE_DROP:
        buf_str(out, "| drop");
        named_print(stage, out);
        return;
    case STAGE_KEEP:
        buf_str(out, "| keep");
        named_print(stage, out);
        return;
    }
}

void log_expr_print(const struct log_expr *log, struct buf *out)
{
    buf_byte(out, '{');
    for (size_t i = 0; i < log->matcher_count; i++) {
        if (i > 0)
            buf_str(out, ", ");
        matcher_print(&log->matchers[i], out);
    }
    buf_byte(out, '}');
    for (size_t i = 0; i < log->stage_count; i++) {
        buf_byte(out, ' ');
        stage_print(&log->stages[i], out);
    }
}

void unwrap_print(const struct unwrap *unwrap, const char *before_filter, struct buf *out)
{
    static const char *const conversions[] = {[UNWRAP_NUMBER] = "", [UNWRAP_BYTES] = "bytes", [UNWRAP_DURATION] = "duration"};
    buf_str(out, "| unwrap ");
    buf_str(out, unwrap->says_seconds ? "duration_seconds" : conversions[unwrap->conversion]);
    if (unwrap->conversion != UNWRAP_NUMBER)
        buf_byte(out, '(');
    buf_put(out, unwrap->label);
    if (unwrap->conversion != UNWRAP_NUMBER)
        buf_byte(out, ')');
    for (size_t i = 0; i < unwrap->filter_count; i++) {
        buf_printf(out, "%s| ", before_filter);
        label_filter_print(unwrap->filters[i], out);
    }
}

void range_suffix_print(const struct log_range *range, bool is_pretty, struct buf *out)
{
    buf_byte(out, '[');
    prom_print_duration(out, range->range_ns);
    buf_byte(out, ']');
    if (range->offset_ns != 0) {
        buf_str(out, " offset ");
        if (!is_pretty || range->offset_ns == INT64_MIN || range->offset_ns % NS_PER_MS != 0) {
            go_print_duration(out, range->offset_ns);
            return;
        }
        buf_str(out, range->offset_ns < 0 ? "-" : "");
        prom_print_duration(out, range->offset_ns < 0 ? -range->offset_ns : range->offset_ns);
    }
}

static void log_range_print(const struct log_range *range, struct buf *out)
{
    log_expr_print(&range->log, out);
    if (range->has_unwrap) {
        buf_byte(out, ' ');
        unwrap_print(&range->unwrap, " ", out);
    }
    range_suffix_print(range, false, out);
}

void grouping_print(const struct grouping *grouping, const char *between, struct buf *out)
{
    buf_str(out, grouping->without ? " without (" : " by (");
    names_print(grouping->labels, grouping->label_count, between, out);
    buf_byte(out, ')');
}

bool matching_print(const struct expr *expr, const char *between, struct buf *out)
{
    const struct vector_matching *matching = &expr->matching;
    buf_str(out, expr->returns_bool ? " bool" : "");
    if (!matching->is_present || (!matching->on && matching->label_count == 0 && matching->group == GROUP_NONE))
        return false; // ignoring () says nothing
    buf_str(out, matching->on ? " on (" : " ignoring (");
    names_print(matching->labels, matching->label_count, between, out);
    buf_byte(out, ')');
    if (matching->group == GROUP_NONE)
        return true;
    buf_str(out, matching->group == GROUP_LEFT ? " group_left" : " group_right");
    struct buf right = BUF_INIT;
    expr_print(expr->right, &right);
    if (matching->include_count > 0 || right.ptr[0] == '(') { // its parenthesis must not be taken for the list
        buf_str(out, " (");
        names_print(matching->include, matching->include_count, between, out);
        buf_byte(out, ')');
    }
    buf_fini(&right);
    return false;
}

static void range_print(const struct expr *expr, struct buf *out)
{
    buf_str(out, range_op_text(expr->range_op));
    buf_byte(out, '(');
    if (expr->has_parameter) {
        go_print_float_f(out, expr->parameter);
        buf_byte(out, ',');
    }
    log_range_print(&expr->range, out);
    buf_byte(out, ')');
    if (expr->grouping.is_present)
        grouping_print(&expr->grouping, ",", out);
}

bool vector_agg_has_grouping(const struct expr *expr)
{
    return expr->grouping.is_present && (expr->grouping.without || expr->grouping.label_count > 0);
}

static void vector_agg_print(const struct expr *expr, struct buf *out)
{
    buf_str(out, vector_op_text(expr->vector_op));
    if (vector_agg_has_grouping(expr))
        grouping_print(&expr->grouping, ",", out);
    buf_byte(out, '(');
    if (expr->has_parameter) {
        go_print_float_f(out, expr->parameter);
        buf_byte(out, ',');
    }
    expr_print(expr->inner, out);
    buf_byte(out, ')');
}

static void label_replace_print(const struct expr *expr, struct buf *out)
{
    const struct slice texts[] = {expr->replace_target, expr->replacement, expr->replace_source, expr->replace_pattern};
    buf_str(out, "label_replace(");
    expr_print(expr->inner, out);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        buf_byte(out, ',');
        go_quote(out, texts[i]);
    }
    buf_byte(out, ')');
}

/* What folding can make and LogQL has no word for becomes an operation that folds to it. */
static void literal_print(double value, struct buf *out)
{
    if (isnan(value))
        buf_str(out, "(0 / 0)");
    else if (isinf(value))
        buf_str(out, value > 0 ? "(10 ^ 400)" : "(0 - (10 ^ 400))");
    else if (value == 0 && signbit(value))
        buf_str(out, "(0 * -1)");
    else
        go_print_float_g(out, value);
}

/* With six places, as Loki prints it, where that is the same number. */
static void vector_print(double value, struct buf *out)
{
    struct buf text = BUF_INIT;
    double same = 0;
    buf_printf(&text, "%f", value);
    buf_str(out, "vector(");
    if (go_parse_float(buf_slice(&text), &same, NULL) && same == value)
        buf_put(out, buf_slice(&text));
    else
        go_print_float_f(out, value);
    buf_byte(out, ')');
    buf_fini(&text);
}

void expr_print(const struct expr *expr, struct buf *out)
{
    switch (expr->kind) {
    case EXPR_LOG:
        log_expr_print(&expr->log, out);
        return;
    case EXPR_RANGE:
        range_print(expr, out);
        return;
    case EXPR_VECTOR_AGG:
        vector_agg_print(expr, out);
        return;
    case EXPR_BINARY:
        buf_byte(out, '(');
        expr_print(expr->left, out);
        buf_printf(out, " %s", binary_op_text(expr->binary_op));
        buf_str(out, matching_print(expr, ",", out) ? "  " : " "); // two, as Loki has it
        expr_print(expr->right, out);
        buf_byte(out, ')');
        return;
    case EXPR_LITERAL:
        literal_print(expr->literal, out);
        return;
    case EXPR_LABEL_REPLACE:
        label_replace_print(expr, out);
        return;
    case EXPR_VECTOR:
        vector_print(expr->literal, out);
        return;
    case EXPR_VARIANTS:
        buf_str(out, "variants(");
        for (size_t i = 0; i < expr->variant_count; i++) {
            buf_str(out, i == 0 ? "" : ", ");
            expr_print(expr->variants[i], out);
        }
        buf_str(out, ") of (");
        log_range_print(&expr->range, out);
        buf_byte(out, ')');
        return;
    }
}
