/* functions_time.c: times: now, layouts, epochs (spec logql.md 9.3). Named zones: zone.h; an unknown one counts as UTC. */
#include "core/model/go_text.h"
#include "core/template/go_layout.h"
#include "core/template/template_tree.h"
#include "core/template/zone.h"

/* A time, or whole seconds; all else is now. */
static struct value time_of(const struct value *value, int64_t now_ns)
{
    if (value->kind == VALUE_TIME)
        return *value;
    if (value->kind != VALUE_INT)
        return value_time(now_ns);
    const int64_t most = 1LL << 55; // what a year in int64 holds, with room
    return (struct value){.kind = VALUE_TIME, .number = value->number > most ? most : value->number < -most ? -most : value->number};
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
    const struct value time = time_of(&call->args[1], call->labels->now_ns);
    go_layout_format(value_string(&call->args[0], call->arena), time.number, time.nanosecond, 0, SLICE("UTC"), &text);
    *out = value_text(arena_copy(call->arena, buf_slice(&text)));
    buf_fini(&text);
    return true;
}

/* False: the text does not fit, and the time is Go's zero time. *has_offset: the text named an offset. */
static bool parse(const struct call *call, size_t text_arg, struct value *out, bool *has_offset)
{
    int32_t offset_s = 0;
    *out = (struct value){.kind = VALUE_TIME};
    *has_offset = false;
    if (!go_layout_parse(value_string(&call->args[0], call->arena), value_string(&call->args[text_arg], call->arena), &out->number, &out->nanosecond,
                         has_offset, &offset_s)) {
        *out = (struct value){.kind = VALUE_TIME, .number = TIME_ZERO_S};
        return false;
    }
    out->offset_s = *has_offset ? offset_s : 0;
    return true;
}

static bool to_date(const struct call *call, struct value *out, struct err *err)
{
    bool has_offset = false;
    (void)err;
    (void)parse(call, 1, out, &has_offset); // never fails
    return true;
}

static bool to_date_in_zone(const struct call *call, struct value *out, struct err *err)
{
    struct zone zone;
    bool has_offset = false;
    (void)err;
    if (!parse(call, 2, out, &has_offset) || has_offset || !zone_find(value_string(&call->args[1], call->arena), &zone))
        return true;
    struct zone *kept = ARENA_NEW(call->arena, struct zone);
    *kept = zone;
    out->number = zone_utc_of_local(&zone, out->number);
    out->zone = kept;
    return true;
}

/* In units of so many ns, as Go counts: what int64 cannot hold wraps. */
static int64_t count_of(const struct value *time, int64_t unit)
{
    return (int64_t)((uint64_t)time->number * (uint64_t)(NS_PER_S / unit) + (uint64_t)(time->nanosecond / unit));
}

static bool epoch(const struct call *call, int64_t unit, struct value *out)
{
    const struct value time = time_of(&call->args[0], call->labels->now_ns);
    *out = value_text(arena_printf(call->arena, "%lld", (long long)count_of(&time, unit)));
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
    if (text.len != 5 && text.len != 10 && text.len != 13 && text.len != 16 && text.len != 19) // Loki wraps a nil error here
        return err_set(err, ERR_INVALID, "unable to parse time '%.*s': %%!w(<nil>)", SLICE_ARG(text));
    *out = value_time(__builtin_mul_overflow(number, unit, &ns) ? INT64_MAX : ns);
    return true;
}

static bool method_unit(struct slice name, const struct value *time, struct value *out)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {{"Unix", NS_PER_S}, {"UnixMilli", NS_PER_MS}, {"UnixMicro", NS_PER_US}, {"UnixNano", 1}};
    for (size_t i = 0; i < LENGTH(units); i++) {
        if (slice_eq_str(name, units[i].name)) {
            *out = value_int(count_of(time, units[i].unit));
            out->is_wide = true;
            return true;
        }
    }
    return false;
}

bool template_time_method(struct slice name, const struct call *call, struct value *out, struct err *err)
{
    static const struct {
        const char *name, *layout;
        bool is_text;
    } parts[] = {{"Year", "2006", false}, {"Month", "January", true}, {"Day", "2", false},    {"Hour", "15", false},
                 {"Minute", "4", false},  {"Second", "5", false},     {"Weekday", "Monday", true}, {"YearDay", "002", false}};
    const struct value *time = &call->args[0];
    bool is_format = slice_eq(name, SLICE("Format"));
    if (call->count != (is_format ? 2u : 1u))
        return err_set(err, ERR_INVALID, "wrong number of args for %.*s: want %d got %zu", SLICE_ARG(name), is_format ? 1 : 0, call->count - 1);
    if (slice_eq(name, SLICE("IsZero"))) {
        *out = value_bool(time->number == TIME_ZERO_S && time->nanosecond == 0);
        return true;
    }
    if (slice_eq(name, SLICE("UTC"))) {
        *out = call->args[0];
        out->zone = NULL;
        out->offset_s = 0;
        return true;
    }
    if (slice_eq(name, SLICE("String"))) {
        *out = value_text(value_string(&call->args[0], call->arena));
        return true;
    }
    if (slice_eq(name, SLICE("Nanosecond"))) {
        *out = value_int(time->nanosecond);
        return true;
    }
    if (method_unit(name, time, out))
        return true;
    struct slice layout = is_format ? value_string(&call->args[1], call->arena) : SLICE_NONE;
    bool is_text = is_format;
    for (size_t i = 0; i < LENGTH(parts); i++) {
        if (slice_eq_str(name, parts[i].name)) {
            layout = slice_str(parts[i].layout);
            is_text = parts[i].is_text;
        }
    }
    if (layout.ptr == NULL)
        return err_set(err, ERR_INVALID, "can't evaluate field %.*s in type time.Time", SLICE_ARG(name));
    struct buf text = BUF_INIT;
    value_time_print(&call->args[0], layout, &text);
    *out = value_text(arena_copy(call->arena, buf_slice(&text)));
    buf_fini(&text);
    int64_t number = 0;
    struct err not_number;
    if (!is_text && go_parse_int(out->text, &number, &not_number))
        *out = value_int(number);
    return true;
}

struct function_table template_time_functions(void)
{
    static const struct function functions[] = {
        {"now", 0, 0, false, false, now, ""},
        {"__timestamp__", 0, 0, false, false, timestamp, ""},
        {"__line__", 0, 0, false, false, line, ""},
        {"date", 2, 2, false, false, date, "s"},
        {"toDate", 2, 2, false, false, to_date, "ss"},
        {"toDateInZone", 3, 3, false, false, to_date_in_zone, "sss"},
        {"unixEpoch", 1, 1, false, false, unix_epoch, "t"},
        {"unixEpochMillis", 1, 1, false, false, unix_epoch_millis, "t"},
        {"unixEpochNanos", 1, 1, false, false, unix_epoch_nanos, "t"},
        {"unixToTime", 1, 1, false, false, unix_to_time, "s"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
