/* stage_label_filter.c: `| level="error" or duration > 10s`. logql.md 8. */
#include "core/model/go_text.h"
#include "core/pipeline/label_test.h"

static bool is_pair(const struct label_test *test)
{
    return test->filter->kind == LABEL_FILTER_AND || test->filter->kind == LABEL_FILTER_OR;
}

bool label_test_compile(const struct label_filter *filter, struct arena *arena, struct label_test **out, struct err *err)
{
    struct label_test *test = ARENA_NEW(arena, struct label_test);
    test->filter = filter;
    if (is_pair(test)) {
        struct label_test *left = NULL;
        struct label_test *right = NULL;
        if (!label_test_compile(filter->left, arena, &left, err) || !label_test_compile(filter->right, arena, &right, err))
            return false;
        test->left = left;
        test->right = right;
    } else if (filter->kind == LABEL_FILTER_IP && !ip_match_init(&test->ip, filter->text, err)) {
        return false;
    }
    *out = test;
    return true;
}

bool label_test_can_fail(const struct label_test *test)
{
    if (is_pair(test))
        return label_test_can_fail(test->left) || label_test_can_fail(test->right);
    return test->filter->kind != LABEL_FILTER_MATCHER && test->filter->kind != LABEL_FILTER_IP;
}

size_t label_test_name_count(const struct label_test *test)
{
    return is_pair(test) ? label_test_name_count(test->left) + label_test_name_count(test->right) : 1;
}

size_t label_test_names(const struct label_test *test, struct slice *out)
{
    if (is_pair(test)) {
        size_t left = label_test_names(test->left, out);
        return left + label_test_names(test->right, out + left);
    }
    *out = test->filter->name;
    return 1;
}

static bool run_matcher(const struct label_filter *filter, const struct row *row)
{
    struct slice value = SLICE("");
    if (slice_eq(filter->name, ERROR_LABEL))
        value = row->labels.error;
    else
        (void)row_labels_get(&row->labels, filter->name, &value); // absent: stays empty
    return matcher_accepts(&filter->matcher, value);
}

// order: of the value to the literal.
static bool compare(enum compare_op op, int order)
{
    switch (op) {
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NEQ:
        return order != 0;
    case COMPARE_GT:
        return order > 0;
    case COMPARE_GTE:
        return order >= 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LTE:
        return order <= 0;
    }
    return false;
}

static bool compare_number(const struct label_filter *filter, double value)
{
    if (value != value || filter->number != filter->number) // NaN is only ever unequal
        return filter->op == COMPARE_NEQ;
    return compare(filter->op, (value > filter->number) - (value < filter->number));
}

// False: the value does not convert.
static bool convert(const struct label_filter *filter, struct slice text, bool *accepts, struct err *err)
{
    double number = 0;
    int64_t ns = 0;
    uint64_t bytes = 0;
    switch (filter->kind) {
    case LABEL_FILTER_NUMBER:
        if (!go_parse_float(text, &number, err))
            return false;
        *accepts = compare_number(filter, number);
        return true;
    case LABEL_FILTER_DURATION:
        if (!go_parse_duration(text, &ns, err))
            return false;
        *accepts = compare(filter->op, (ns > filter->duration_ns) - (ns < filter->duration_ns));
        return true;
    case LABEL_FILTER_BYTES:
        if (!humanize_parse_bytes(text, &bytes, err))
            return false;
        *accepts = compare(filter->op, (bytes > filter->bytes) - (bytes < filter->bytes));
        return true;
    case LABEL_FILTER_MATCHER:
    case LABEL_FILTER_IP:
    case LABEL_FILTER_AND:
    case LABEL_FILTER_OR:
        break;
    }
    return true;
}

static bool run_conversion(const struct label_filter *filter, struct row *row)
{
    struct slice text;
    if (!row_labels_get(&row->labels, filter->name, &text))
        return false;
    bool accepts = false;
    struct err err;
    if (convert(filter, text, &accepts, &err))
        return accepts;
    if (row->labels.error.len == 0) // an earlier error stays
        row_labels_set_error(&row->labels, SLICE("LabelFilterErr"), arena_copy(row->arena, slice_str(err.text)));
    return true;
}

static bool run_ip(const struct label_test *test, const struct row *row)
{
    struct slice text;
    if (row->labels.error.len > 0)
        return true;
    if (!row_labels_get(&row->labels, test->filter->name, &text))
        return false;
    return ip_match_finds(&test->ip, text) == (test->filter->op == COMPARE_EQ);
}

bool label_test_run(const struct label_test *test, struct row *row)
{
    bool left;
    switch (test->filter->kind) {
    case LABEL_FILTER_MATCHER:
        return run_matcher(test->filter, row);
    case LABEL_FILTER_NUMBER:
    case LABEL_FILTER_DURATION:
    case LABEL_FILTER_BYTES:
        return run_conversion(test->filter, row);
    case LABEL_FILTER_IP:
        return run_ip(test, row);
    case LABEL_FILTER_AND: // both sides run: the right one may record an error
        left = label_test_run(test->left, row);
        return label_test_run(test->right, row) && left;
    case LABEL_FILTER_OR:
        return label_test_run(test->left, row) || label_test_run(test->right, row);
    }
    return true;
}

static bool run_label_filter(const struct step *step, struct row *row)
{
    return label_test_run(step->self, row);
}

static bool names_of_filter(const struct step *step, struct arena *arena, struct slice **out, size_t *out_count)
{
    const struct label_test *test = step->self;
    *out = ARENA_ARRAY(arena, struct slice, label_test_name_count(test));
    *out_count = label_test_names(test, *out);
    return true;
}

bool stage_label_filter_compile(const struct stage *stage, struct arena *arena, struct step *out, struct err *err)
{
    struct label_test *test = NULL;
    if (!label_test_compile(stage->filter, arena, &test, err))
        return false;
    *out = (struct step){.kind = STAGE_LABEL_FILTER,
                         .run = run_label_filter,
                         .self = test,
                         .names = names_of_filter,
                         .can_set_error = label_test_can_fail(test)};
    return true;
}
