/* functions_number.c: arithmetic, rounding, conversions (spec logql.md 9.3). */
#include <math.h>

#include "core/model/go_text.h"
#include "core/template/template_tree.h"

static bool give_int(struct value *out, int64_t number)
{
    *out = value_int(number);
    out->is_wide = true;
    return true;
}

static bool give_float(struct value *out, double real)
{
    *out = value_float(real);
    return true;
}

/* ---- integers: wrap on overflow ---- */

static bool add(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    uint64_t sum = 0;
    for (size_t i = 0; i < call->count; i++)
        sum += (uint64_t)value_to_int(&call->args[i]);
    return give_int(out, (int64_t)sum);
}

static bool mul(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    uint64_t product = 1;
    for (size_t i = 0; i < call->count; i++)
        product *= (uint64_t)value_to_int(&call->args[i]);
    return give_int(out, (int64_t)product);
}

static bool sub(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give_int(out, (int64_t)((uint64_t)value_to_int(&call->args[0]) - (uint64_t)value_to_int(&call->args[1])));
}

static bool divide(const struct call *call, bool wants_rest, struct value *out, struct err *err)
{
    int64_t a = value_to_int(&call->args[0]);
    int64_t b = value_to_int(&call->args[1]);
    if (b == 0)
        return err_set(err, ERR_INVALID, "runtime error: integer divide by zero");
    if (b == -1) // INT64_MIN / -1 wraps
        return give_int(out, wants_rest ? 0 : (int64_t)(0 - (uint64_t)a));
    return give_int(out, wants_rest ? a % b : a / b);
}

static bool div_int(const struct call *call, struct value *out, struct err *err)
{
    return divide(call, false, out, err);
}

static bool mod_int(const struct call *call, struct value *out, struct err *err)
{
    return divide(call, true, out, err);
}

static bool max_int(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    int64_t best = value_to_int(&call->args[0]);
    for (size_t i = 1; i < call->count; i++)
        best = value_to_int(&call->args[i]) > best ? value_to_int(&call->args[i]) : best;
    return give_int(out, best);
}

static bool min_int(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    int64_t best = value_to_int(&call->args[0]);
    for (size_t i = 1; i < call->count; i++)
        best = value_to_int(&call->args[i]) < best ? value_to_int(&call->args[i]) : best;
    return give_int(out, best);
}

/* ---- floats: decimal arithmetic: 0.1 + 0.2 is 0.3. A result of long double, rounded to the digits that its operands have, is that of decimals
 * as long as they have fewer than 18 digits together. ---- */

static double decimal_round(long double exact)
{
    struct buf text = BUF_INIT;
    double rounded = (double)exact;
    if (isfinite(rounded)) {
        buf_printf(&text, "%.15Lg", exact);
        if (!go_parse_float(buf_slice(&text), &rounded, NULL))
            rounded = (double)exact;
    }
    buf_fini(&text);
    return rounded;
}

enum float_op { FLOAT_ADD, FLOAT_SUB, FLOAT_MUL, FLOAT_DIV };

/* The i-th argument. False: no decimal is like it. */
static bool decimal_arg(const struct call *call, size_t i, double *out, struct err *err)
{
    *out = value_to_float(&call->args[i]);
    return isfinite(*out) || err_set(err, ERR_INVALID, "Cannot create a Decimal from %s", isnan(*out) ? "NaN" : *out > 0 ? "+Inf" : "-Inf");
}

static bool float_fold(const struct call *call, enum float_op op, struct value *out, struct err *err)
{
    double result = 0;
    if (!decimal_arg(call, 0, &result, err))
        return false;
    for (size_t i = 1; i < call->count; i++) {
        double next = 0;
        if (!decimal_arg(call, i, &next, err))
            return false;
        long double b = next;
        long double a = result;
        if (op == FLOAT_DIV && b == 0)
            return err_set(err, ERR_INVALID, "decimal division by 0");
        if (op == FLOAT_DIV)
            result = (double)(a / b); // 16 decimals: all that a double has
        else
            result = decimal_round(op == FLOAT_ADD ? a + b : op == FLOAT_SUB ? a - b : a * b);
    }
    return give_float(out, result);
}

static bool addf(const struct call *call, struct value *out, struct err *err)
{
    return float_fold(call, FLOAT_ADD, out, err);
}

static bool subf(const struct call *call, struct value *out, struct err *err)
{
    return float_fold(call, FLOAT_SUB, out, err);
}

static bool mulf(const struct call *call, struct value *out, struct err *err)
{
    return float_fold(call, FLOAT_MUL, out, err);
}

static bool divf(const struct call *call, struct value *out, struct err *err)
{
    return float_fold(call, FLOAT_DIV, out, err);
}

static bool maxf(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    double best = value_to_float(&call->args[0]);
    for (size_t i = 1; i < call->count && !isnan(best); i++) { // NaN wins, as in Go and not in C
        double other = value_to_float(&call->args[i]);
        best = isnan(other) ? other : fmax(best, other);
    }
    return give_float(out, best);
}

static bool minf(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    double best = value_to_float(&call->args[0]);
    for (size_t i = 1; i < call->count && !isnan(best); i++) { // NaN wins, as in Go and not in C
        double other = value_to_float(&call->args[i]);
        best = isnan(other) ? other : fmin(best, other);
    }
    return give_float(out, best);
}

static bool ceil_float(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give_float(out, ceil(value_to_float(&call->args[0])));
}

static bool floor_float(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give_float(out, floor(value_to_float(&call->args[0])));
}

/* Up when the fraction is at least `on`, else down; of negatives as well: -1.5 is -2. */
static bool round_float(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    double value = value_to_float(&call->args[0]);
    double places = pow(10, (double)value_to_int(&call->args[1]));
    double on = call->count > 2 ? value_to_float(&call->args[2]) : 0.5;
    double whole = 0;
    double fraction = modf(places * value, &whole);
    double rounded = fraction >= on ? ceil(places * value) : floor(places * value);
    return give_float(out, rounded / places);
}

/* ---- conversions ---- */

static bool to_int(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_int(value_to_int(&call->args[0]));
    return true;
}

static bool to_float(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return give_float(out, value_to_float(&call->args[0]));
}

static bool bytes(const struct call *call, struct value *out, struct err *err)
{
    uint64_t size = 0;
    return humanize_parse_bytes(value_string(&call->args[0], call->arena), &size, err) && give_float(out, (double)size);
}

static bool duration(const struct call *call, struct value *out, struct err *err)
{
    int64_t ns = 0;
    return go_parse_duration(value_string(&call->args[0], call->arena), &ns, err) && give_float(out, (double)ns / (double)NS_PER_S);
}

struct function_table template_number_functions(void)
{
    static const struct function functions[] = {
        {"add", 0, SIZE_MAX, false, false, add, ""},
        {"mul", 1, SIZE_MAX, false, false, mul, ""},
        {"sub", 2, 2, false, false, sub, ""},
        {"div", 2, 2, false, false, div_int, ""},
        {"mod", 2, 2, false, false, mod_int, ""},
        {"max", 1, SIZE_MAX, false, false, max_int, ""},
        {"min", 1, SIZE_MAX, false, false, min_int, ""},
        {"addf", 1, SIZE_MAX, false, false, addf, ""},
        {"subf", 1, SIZE_MAX, false, false, subf, ""},
        {"mulf", 1, SIZE_MAX, false, false, mulf, ""},
        {"divf", 1, SIZE_MAX, false, false, divf, ""},
        {"maxf", 1, SIZE_MAX, false, false, maxf, ""},
        {"minf", 1, SIZE_MAX, false, false, minf, ""},
        {"ceil", 1, 1, false, false, ceil_float, ""},
        {"floor", 1, 1, false, false, floor_float, ""},
        {"round", 2, 3, false, false, round_float, ".i"},
        {"int", 1, 1, false, false, to_int, ""},
        {"float64", 1, 1, false, false, to_float, ""},
        {"bytes", 1, 1, false, false, bytes, "s"},
        {"duration", 1, 1, false, false, duration, "s"},
        {"duration_seconds", 1, 1, false, false, duration, "s"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
