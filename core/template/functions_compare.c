/* functions_compare.c: Go's built-in truth and order. */
#include "core/template/template_tree.h"

enum basic_kind { BASIC_NONE, BASIC_BOOL, BASIC_INT, BASIC_FLOAT, BASIC_STRING };

static enum basic_kind basic_of(const struct value *value)
{
    switch (value->kind) {
    case VALUE_BOOL:
        return BASIC_BOOL;
    case VALUE_INT:
        return BASIC_INT;
    case VALUE_FLOAT:
        return BASIC_FLOAT;
    case VALUE_STRING:
        return BASIC_STRING;
    case VALUE_NIL:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_LABELS:
        break;
    }
    return BASIC_NONE;
}

static bool equal(const struct value *a, const struct value *b, bool *out, struct err *err)
{
    enum basic_kind kind = basic_of(a);
    if (a->kind == VALUE_NIL || b->kind == VALUE_NIL) {
        *out = a->kind == b->kind;
        return true;
    }
    if (kind == BASIC_NONE && a->kind == b->kind && a->kind == VALUE_TIME) {
        *out = a->number == b->number && a->nanosecond == b->nanosecond;
        return true;
    }
    if (kind != basic_of(b))
        return err_set(err, ERR_INVALID, "incompatible types for comparison: %s and %s", value_type_name(a), value_type_name(b));
    if (kind == BASIC_NONE)
        return err_set(err, ERR_INVALID, "non-comparable type %s: %s", "", value_type_name(a));
    *out = kind == BASIC_STRING  ? slice_eq(a->text, b->text)
           : kind == BASIC_INT   ? a->number == b->number
           : kind == BASIC_FLOAT ? a->real == b->real
                                 : a->truth == b->truth;
    return true;
}

static bool less(const struct value *a, const struct value *b, bool *out, struct err *err)
{
    enum basic_kind kind = basic_of(a);
    if (kind == BASIC_NONE || basic_of(b) == BASIC_NONE)
        return err_set(err, ERR_INVALID, "invalid type for comparison");
    if (kind != basic_of(b))
        return err_set(err, ERR_INVALID, "incompatible types for comparison: %s and %s", value_type_name(a), value_type_name(b));
    if (kind == BASIC_BOOL)
        return err_set(err, ERR_INVALID, "invalid type for comparison");
    *out = kind == BASIC_STRING ? slice_cmp(a->text, b->text) < 0 : kind == BASIC_INT ? a->number < b->number : a->real < b->real;
    return true;
}

static bool give(struct value *out, bool truth)
{
    *out = value_bool(truth);
    return true;
}

static bool eq(const struct call *call, struct value *out, struct err *err)
{
    bool is_equal = false;
    for (size_t i = 1; i < call->count; i++) {
        if (!equal(&call->args[0], &call->args[i], &is_equal, err))
            return false;
        if (is_equal)
            break;
    }
    return give(out, is_equal);
}

static bool ne(const struct call *call, struct value *out, struct err *err)
{
    bool is_equal = false;
    return equal(&call->args[0], &call->args[1], &is_equal, err) && give(out, !is_equal);
}

static bool lt(const struct call *call, struct value *out, struct err *err)
{
    bool is_less = false;
    return less(&call->args[0], &call->args[1], &is_less, err) && give(out, is_less);
}

static bool le(const struct call *call, struct value *out, struct err *err)
{
    bool is_less = false;
    bool is_equal = false;
    return less(&call->args[0], &call->args[1], &is_less, err) && equal(&call->args[0], &call->args[1], &is_equal, err) &&
           give(out, is_less || is_equal);
}

static bool gt(const struct call *call, struct value *out, struct err *err)
{
    struct value result;
    return le(call, &result, err) && give(out, !result.truth);
}

static bool ge(const struct call *call, struct value *out, struct err *err)
{
    struct value result;
    return lt(call, &result, err) && give(out, !result.truth);
}

static bool not_value(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give(out, !value_truth(&call->args[0]));
}

/* Never run: `and` and `or` evaluate their arguments one by one, in template_run.c. */
static bool lazy(const struct call *call, struct value *out, struct err *err)
{
    (void)call;
    (void)out;
    return err_set(err, ERR_INVALID, "is evaluated by the interpreter");
}

static bool default_value(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = call->count > 1 && value_truth(&call->args[1]) ? call->args[1] : call->args[0];
    return true;
}

struct function_table template_compare_functions(void)
{
    static const struct function functions[] = {
        {"and", 1, SIZE_MAX, true, false, lazy, ""},   {"or", 1, SIZE_MAX, true, false, lazy, ""}, {"not", 1, 1, false, false, not_value, ""},
        {"eq", 2, SIZE_MAX, false, false, eq, ""},     {"ne", 2, 2, false, false, ne, ""},         {"lt", 2, 2, false, false, lt, ""},
        {"le", 2, 2, false, false, le, ""},            {"gt", 2, 2, false, false, gt, ""},         {"ge", 2, 2, false, false, ge, ""},
        {"default", 1, 2, false, false, default_value, ""},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
