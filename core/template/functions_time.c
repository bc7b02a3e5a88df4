/* functions_time.c: times: now, layouts, epochs (spec logql.md 9.3). Zones: UTC and fixed offsets; a named zone counts as UTC. */
#include "core/model/go_text.h"
#include "core/template/go_layout.h"
#include "core/template/template_tree.h"

static struct value value_time(int64_t ns)
{
    return (struct value){.kind = VALUE_TIME, .number = ns};
}

/* A time, or whole seconds. */
static int64_t ns_of(const struct value *value, int64_t now_ns)
{
    int64_t ns = 0;
    if (value->kind == VALUE_TIME)
        return value->number;
    if (value->kind != VALUE_INT)
        return now_ns;
    return __builtin_mul_overflow(value->number, NS_PER_S, &ns) ? INT64_MAX : ns;
}

static bool now(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_time(call->labels->now_ns);
    return true;
}

static bool timestamp(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_time(call->labels->ts_ns);
    return true;
}

static bool line(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    *out = value_text(call->labels->line);
    return true;
}

static bool date(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct buf text = BUF_INIT;
    go_layout_format(value_string(&call->args[0], call->arena), ns_of(&call->args[1], call->labels->now_ns), 0, SLICE("UTC"), &text);
    *out = value_text(arena_copy(call->arena, buf_slice(&text)));
    buf_fini(&text);
    return true;
}

/* Never fails: what does not fit is Go's zero time, which int64 ns cannot hold; the earliest stands for it. */
static bool parse(const struct call *call, size_t text_arg, struct value *out)
{
    int64_t ns = 0;
    bool has_offset = false;
    bool fits = go_layout_parse(value_string(&call->args[0], call->arena), value_string(&call->args[text_arg], call->arena), &ns, &has_offset);
    *out = value_time(fits ? ns : INT64_MIN);
    return true;
}

static bool to_date(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return parse(call, 1, out);
}

static bool to_date_in_zone(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return parse(call, 2, out);
}

static bool epoch(const struct call *call, int64_t unit, struct value *out)
{
    int64_t ns = ns_of(&call->args[0], call->labels->now_ns);
    int64_t whole = ns / unit - (ns % unit < 0);
    *out = value_text(arena_printf(call->arena, "%lld", (long long)whole));
    return true;
}

static bool unix_epoch(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return epoch(call, NS_PER_S, out);
}

static bool unix_epoch_millis(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return epoch(call, NS_PER_MS, out);
}

static bool unix_epoch_nanos(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    return epoch(call, 1, out);
}

/* The unit goes by the number of digits. */
static bool unix_to_time(const struct call *call, struct value *out, struct err *err)
{
    struct slice text = value_string(&call->args[0], call->arena);
    int64_t number = 0;
    int64_t ns = 0;
    int64_t unit = text.len == 5 ? NS_PER_DAY : text.len == 10 ? NS_PER_S : text.len == 13 ? NS_PER_MS : text.len == 16 ? NS_PER_US : 1;
    if (!go_parse_int(text, &number, err))
        return err_set(err, ERR_INVALID, "unable to parse time '%.*s': %s", SLICE_ARG(text), arena_printf(call->arena, "%.1000s", err->text).ptr);
    if (text.len != 5 && text.len != 10 && text.len != 13 && text.len != 16 && text.len != 19)
        return err_set(err, ERR_INVALID, "unable to parse time '%.*s': unexpected length: %zu", SLICE_ARG(text), text.len);
    *out = value_time(__builtin_mul_overflow(number, unit, &ns) ? INT64_MAX : ns);
    return true;
}

struct function_table template_time_functions(void)
{
    static const struct function functions[] = {
        {"now", 0, 0, false, false, now},
        {"__timestamp__", 0, 0, false, false, timestamp},
        {"__line__", 0, 0, false, false, line},
        {"date", 2, 2, false, false, date},
        {"toDate", 2, 2, false, false, to_date},
        {"toDateInZone", 3, 3, false, false, to_date_in_zone},
        {"unixEpoch", 1, 1, false, false, unix_epoch},
        {"unixEpochMillis", 1, 1, false, false, unix_epoch_millis},
        {"unixEpochNanos", 1, 1, false, false, unix_epoch_nanos},
        {"unixToTime", 1, 1, false, false, unix_to_time},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
