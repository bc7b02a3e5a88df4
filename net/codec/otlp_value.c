/* otlp_value.c: values of OpenTelemetry as text, as its collector's AsString has them. */
#include "net/codec/otlp_map.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"
#include "net/codec/base64.h"
#include "net/codec/json_writer.h"

/* As JavaScript and Go's JSON print numbers: an exponent below 1e-6 and from 1e21 on, not padded. */
static void double_put(struct buf *out, double number)
{
    double size = fabs(number);
    if (size == 0 || !isfinite(number) || (size >= 1e-6 && size < 1e21)) {
        go_print_float_f(out, number);
        return;
    }
    go_print_float_e(out, number);
    size_t n = out->len; // 1e-07 is 1e-7
    if (n >= 4 && out->ptr[n - 4] == 'e' && out->ptr[n - 3] == '-' && out->ptr[n - 2] == '0') {
        out->ptr[n - 2] = out->ptr[n - 1];
        out->len--;
    }
}

static void json_put(struct buf *out, const struct otlp_value *value);

static int pair_order(const void *a, const void *b)
{
    const struct otlp_pair *const *x = a;
    const struct otlp_pair *const *y = b;
    int order = slice_cmp((*x)->key, (*y)->key);
    return order != 0 ? order : (*x > *y) - (*x < *y); // both of one array: the later is behind
}

/* Sorted by key; of equal ones the last counts. */
static void map_put(struct buf *out, const struct otlp_value *map)
{
    const struct otlp_pair **sorted = mem_array(map->count, sizeof(struct otlp_pair *));
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = &map->pairs[i];
    if (map->count > 1)
        qsort(sorted, map->count, sizeof(*sorted), pair_order);
    buf_byte(out, '{');
    bool is_first = true;
    for (size_t i = 0; i < map->count; i++) {
        if (i + 1 < map->count && slice_eq(sorted[i]->key, sorted[i + 1]->key))
            continue;
        if (!is_first)
            buf_byte(out, ',');
        is_first = false;
        json_put_string(out, sorted[i]->key);
        buf_byte(out, ':');
        json_put(out, &sorted[i]->value);
    }
    buf_byte(out, '}');
    mem_free(sorted);
}

/* Recurses as deep as the value, which is OTLP_DEPTH_MAX at most. */
static void json_put(struct buf *out, const struct otlp_value *value)
{
    switch (value->kind) {
    case OTLP_NONE:
        buf_str(out, "null");
        break;
    case OTLP_TEXT:
        json_put_string(out, value->text);
        break;
    case OTLP_BYTES:
        buf_byte(out, '"');
        base64_put(out, value->text);
        buf_byte(out, '"');
        break;
    case OTLP_DOUBLE:
        if (isfinite(value->number)) {
            double_put(out, value->number);
        } else { // JSON has no such number
            buf_byte(out, '"');
            double_put(out, value->number);
            buf_byte(out, '"');
        }
        break;
    case OTLP_BOOL:
    case OTLP_INT:
        otlp_value_put(out, value);
        break;
    case OTLP_ARRAY:
        buf_byte(out, '[');
        for (size_t i = 0; i < value->count; i++) {
            if (i > 0)
                buf_byte(out, ',');
            json_put(out, &value->items[i]);
        }
        buf_byte(out, ']');
        break;
    case OTLP_MAP:
        map_put(out, value);
        break;
    }
}

void otlp_value_put(struct buf *out, const struct otlp_value *value)
{
    switch (value->kind) {
    case OTLP_NONE:
        break;
    case OTLP_TEXT:
        buf_put(out, value->text);
        break;
    case OTLP_BYTES:
        base64_put(out, value->text);
        break;
    case OTLP_BOOL:
        buf_str(out, value->boolean ? "true" : "false");
        break;
    case OTLP_INT:
        buf_i64(out, value->integer);
        break;
    case OTLP_DOUBLE:
        double_put(out, value->number);
        break;
    case OTLP_ARRAY:
    case OTLP_MAP:
        json_put(out, value);
        break;
    }
}
