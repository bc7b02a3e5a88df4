#include "core/template/template_value.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/model/go_text.h"
#include "core/template/go_layout.h"
#include "core/template/template.h"
#include "core/template/zone.h"

bool value_truth(const struct value *value)
{
    switch (value->kind) {
    case VALUE_NIL:
        return false;
    case VALUE_STRING:
        return value->text.len > 0;
    case VALUE_INT:
        return value->number != 0;
    case VALUE_FLOAT:
        return value->real != 0;
    case VALUE_BOOL:
        return value->truth;
    case VALUE_LIST:
    case VALUE_MAP:
        return value->count > 0;
    case VALUE_TIME:
    case VALUE_LABELS:
        return true;
    }
    return false;
}

void value_time_print(const struct value *value, struct slice layout, struct buf *out)
{
    struct zone_span span = {.offset_s = 0, .name = SLICE("UTC")};
    if (value->zone != NULL)
        span = zone_at(value->zone, value->number);
    char name[16];
    if (value->zone == NULL && value->offset_s != 0) { // it has no name: the offset stands for it
        int32_t minutes = abs(value->offset_s) / 60;
        int len = snprintf(name, sizeof(name), "%c%02d%02d", value->offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
        span = (struct zone_span){.offset_s = value->offset_s, .name = slice_of(name, (size_t)len)};
    }
    go_layout_format(layout, value->number, value->nanosecond, span.offset_s, span.name, out);
}

static void labels_print(const struct template_labels *labels, struct buf *out)
{
    struct slice name;
    struct slice text;
    buf_str(out, "map[");
    for (size_t i = 0; labels->at(labels->self, i, &name, &text); i++) {
        buf_str(out, i == 0 ? "" : " ");
        buf_put(out, name);
        buf_byte(out, ':');
        buf_put(out, text);
    }
    buf_byte(out, ']');
}

/* Inside of a list or a map nothing is <nil>. */
static void item_print(const struct value *value, struct buf *out)
{
    if (value->kind == VALUE_NIL)
        buf_str(out, "<nil>");
    else
        value_print(value, out);
}

void value_print(const struct value *value, struct buf *out)
{
    switch (value->kind) {
    case VALUE_NIL:
        buf_str(out, "<nil>");
        return;
    case VALUE_STRING:
        buf_put(out, value->text);
        return;
    case VALUE_INT:
        buf_i64(out, value->number);
        return;
    case VALUE_FLOAT:
        go_print_float_g(out, value->real);
        return;
    case VALUE_BOOL:
        buf_str(out, value->truth ? "true" : "false");
        return;
    case VALUE_TIME:
        value_time_print(value, SLICE("2006-01-02 15:04:05.999999999 -0700 MST"), out);
        return;
    case VALUE_LIST:
        buf_byte(out, '[');
        for (size_t i = 0; i < value->count; i++) {
            buf_str(out, i == 0 ? "" : " ");
            item_print(&value->items[i], out);
        }
        buf_byte(out, ']');
        return;
    case VALUE_MAP:
        buf_str(out, "map[");
        for (size_t i = 0; i < value->count; i++) {
            buf_str(out, i == 0 ? "" : " ");
            buf_put(out, value->keys[i]);
            buf_byte(out, ':');
            item_print(&value->items[i], out);
        }
        buf_byte(out, ']');
        return;
    case VALUE_LABELS:
        labels_print(value->labels, out);
        return;
    }
}

struct slice value_string(const struct value *value, struct arena *arena)
{
    if (value->kind == VALUE_STRING)
        return value->text;
    struct buf out = BUF_INIT;
    value_print(value, &out);
    struct slice copy = arena_copy(arena, buf_slice(&out));
    buf_fini(&out);
    return copy;
}

const char *value_type_name(const struct value *value)
{
    static const char *const names[] = {"nil", "string", "int", "float64", "bool", "time.Time", "[]interface {}", "map[string]interface {}", "map[string]string"};
    return value->is_wide ? "int64" : names[value->kind];
}

/* Digits with a base prefix, as strconv.ParseInt(s, 0, 0) takes them. */
static bool int_with_base(struct slice text, int64_t *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = slice_from(text, 1);
    unsigned base = 10;
    if (text.len > 1 && text.ptr[0] == '0') {
        char mark = (char)(text.ptr[1] | 0x20);
        base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
        text = slice_from(text, mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '_') // 1_000
            continue;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (unsigned)((c | 0x20) - 'a' + 10) : 99;
        if (digit >= base || __builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value) || value > INT64_MAX)
            return false;
    }
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return text.len > 0;
}

/* The whole part of a text with a point; false: it has a point and is no decimal number. Source: trimDecimal of spf13/cast. */
static bool without_decimals(struct slice *text)
{
    size_t point = slice_find_byte(*text, '.');
    if (point == text->len)
        return true;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->ptr[i];
        bool is_sign = i == 0 && point > 0 && (c == '-' || c == '+');
        if (i != point && !is_sign && (c < '0' || c > '9'))
            return false;
    }
    text->len = point;
    return true;
}

int64_t value_to_int(const struct value *value)
{
    int64_t number = 0;
    switch (value->kind) {
    case VALUE_INT:
        return value->number;
    case VALUE_FLOAT:
        return value->real >= -9.2e18 && value->real <= 9.2e18 ? (int64_t)value->real : 0;
    case VALUE_BOOL:
        return value->truth ? 1 : 0;
    case VALUE_STRING: {
        struct slice text = value->text;
        return without_decimals(&text) && int_with_base(text, &number) ? number : 0;
    }
    case VALUE_NIL:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_LABELS:
        return 0;
    }
    return 0;
}

double value_to_float(const struct value *value)
{
    double real = 0;
    if (value->kind == VALUE_FLOAT)
        return value->real;
    if (value->kind == VALUE_STRING)
        return go_parse_float(value->text, &real, NULL) ? real : 0;
    return (double)value_to_int(value);
}
