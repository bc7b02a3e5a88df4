/* functions_data.c: what is built into Go's templates for data and printing, and fromJson. */
#include <stdio.h>
#include <stdlib.h>

#include "core/model/go_text.h"
#include "core/template/template_json.h"
#include "core/template/template_tree.h"

static bool length(const struct call *call, struct value *out, struct err *err)
{
    const struct value *value = &call->args[0];
    size_t count = 0;
    struct slice name;
    struct slice text;
    switch (value->kind) {
    case VALUE_STRING:
        count = value->text.len;
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        count = value->count;
        break;
    case VALUE_LABELS:
        while (value->labels->at(value->labels->self, count, &name, &text))
            count++;
        break;
    case VALUE_NIL:
        return err_set(err, ERR_INVALID, "len of nil pointer");
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_BOOL:
    case VALUE_TIME:
        return err_set(err, ERR_INVALID, "len of type %s", value_type_name(value));
    }
    *out = value_int((int64_t)count);
    return true;
}

static bool index_one(const struct call *call, const struct value *from, const struct value *key, struct value *out, struct err *err)
{
    struct slice name = value_string(key, call->arena);
    struct slice text = SLICE("");
    int64_t at = key->number;
    switch (from->kind) {
    case VALUE_LABELS:
        if (!from->labels->get(from->labels->self, name, &text))
            text = SLICE("");
        *out = value_text(text);
        return true;
    case VALUE_MAP:
        *out = VALUE_NONE;
        for (size_t i = 0; i < from->count; i++) {
            if (slice_eq(from->keys[i], name))
                *out = from->items[i];
        }
        return true;
    case VALUE_LIST:
    case VALUE_STRING:
        if (key->kind != VALUE_INT)
            return err_set(err, ERR_INVALID, "cannot index slice/array with type %s", value_type_name(key));
        if (at < 0 || (uint64_t)at >= (from->kind == VALUE_LIST ? from->count : from->text.len))
            return err_set(err, ERR_INVALID, "index out of range: %lld", (long long)at);
        *out = from->kind == VALUE_LIST ? from->items[at] : value_int((unsigned char)from->text.ptr[at]);
        return true;
    case VALUE_NIL:
        return err_set(err, ERR_INVALID, "index of untyped nil");
    case VALUE_INT:
    case VALUE_FLOAT:
    case VALUE_BOOL:
    case VALUE_TIME:
        break;
    }
    return err_set(err, ERR_INVALID, "can't index item of type %s", value_type_name(from));
}

static bool index_value(const struct call *call, struct value *out, struct err *err)
{
    *out = call->args[0];
    for (size_t i = 1; i < call->count; i++) {
        struct value from = *out;
        if (!index_one(call, &from, &call->args[i], out, err))
            return false;
    }
    return true;
}

static bool slice_value(const struct call *call, struct value *out, struct err *err)
{
    const struct value *value = &call->args[0];
    if (value->kind != VALUE_STRING && value->kind != VALUE_LIST)
        return err_set(err, ERR_INVALID, "can't slice item of type %s", value_type_name(value));
    int64_t len = (int64_t)(value->kind == VALUE_STRING ? value->text.len : value->count);
    int64_t begin = call->count > 1 ? value_to_int(&call->args[1]) : 0;
    int64_t end = call->count > 2 ? value_to_int(&call->args[2]) : len;
    if (begin < 0 || begin > len || end < 0 || end > len)
        return err_set(err, ERR_INVALID, "index out of range: %lld", (long long)(begin < 0 || begin > len ? begin : end));
    if (begin > end)
        return err_set(err, ERR_INVALID, "invalid slice index: %lld > %lld", (long long)begin, (long long)end);
    *out = *value;
    if (value->kind == VALUE_STRING) {
        out->text = slice_of(value->text.ptr + begin, (size_t)(end - begin));
    } else {
        out->items = value->items + begin;
        out->count = (size_t)(end - begin);
    }
    return true;
}

/* ---- print, println, printf ---- */

static bool give_buf(const struct call *call, struct value *out, struct buf *from)
{
    *out = value_text(arena_copy(call->arena, buf_slice(from)));
    buf_fini(from);
    return true;
}

/* Spaces only between operands when neither is a string. */
static bool print(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < call->count; i++) {
        if (i > 0 && call->args[i].kind != VALUE_STRING && call->args[i - 1].kind != VALUE_STRING)
            buf_byte(&text, ' ');
        value_print(&call->args[i], &text);
    }
    return give_buf(call, out, &text);
}

static bool println(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < call->count; i++) {
        buf_str(&text, i == 0 ? "" : " ");
        value_print(&call->args[i], &text);
    }
    buf_byte(&text, '\n');
    return give_buf(call, out, &text);
}

struct verb {
    char letter;
    bool minus, plus, zero, sharp, space, has_precision;
    size_t width, precision;
};

#define WIDTH_MAX 100000

static size_t number_take(struct slice *format)
{
    size_t value = 0;
    while (format->len > 0 && format->ptr[0] >= '0' && format->ptr[0] <= '9') {
        value = value * 10 + (size_t)(format->ptr[0] - '0');
        value = value > WIDTH_MAX ? WIDTH_MAX : value;
        *format = slice_from(*format, 1);
    }
    return value;
}

/* What stands behind a %. */
static struct verb verb_take(struct slice *format)
{
    struct verb verb = {0};
    for (; format->len > 0; *format = slice_from(*format, 1)) {
        char c = format->ptr[0];
        if (c == '-')
            verb.minus = true;
        else if (c == '+')
            verb.plus = true;
        else if (c == '0')
            verb.zero = true;
        else if (c == '#')
            verb.sharp = true;
        else if (c == ' ')
            verb.space = true;
        else
            break;
    }
    verb.width = number_take(format);
    if (format->len > 0 && format->ptr[0] == '.') {
        *format = slice_from(*format, 1);
        verb.has_precision = true;
        verb.precision = number_take(format);
    }
    if (format->len > 0) {
        verb.letter = format->ptr[0];
        *format = slice_from(*format, 1);
    }
    return verb;
}

static size_t runes(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static void padded(struct buf *out, const struct verb *verb, struct slice text, bool is_number)
{
    size_t have = runes(text);
    size_t missing = verb->width > have ? verb->width - have : 0;
    bool zeros = verb->zero && !verb->minus && is_number;
    if (zeros && text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        buf_byte(out, text.ptr[0]);
        text = slice_from(text, 1);
    }
    for (size_t i = 0; i < missing && !verb->minus; i++)
        buf_byte(out, zeros ? '0' : ' ');
    buf_put(out, text);
    for (size_t i = 0; i < missing && verb->minus; i++)
        buf_byte(out, ' ');
}

static void integer_put(struct buf *text, const struct verb *verb, int64_t number)
{
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0)
        buf_byte(text, '-');
    else if (verb->plus || verb->space)
        buf_byte(text, verb->plus ? '+' : ' ');
    switch (verb->letter) {
    case 'x':
        buf_printf(text, verb->sharp ? "0x%llx" : "%llx", (unsigned long long)size);
        return;
    case 'X':
        buf_printf(text, verb->sharp ? "0X%llX" : "%llX", (unsigned long long)size);
        return;
    case 'o':
        buf_printf(text, verb->sharp ? "0%llo" : "%llo", (unsigned long long)size);
        return;
    case 'b':
        for (int bit = size == 0 ? 0 : 63 - __builtin_clzll(size); bit >= 0; bit--)
            buf_byte(text, (char)('0' + (size >> bit & 1)));
        return;
    default:
        buf_u64(text, size);
        return;
    }
}

static bool float_put(struct buf *text, const struct verb *verb, double real)
{
    size_t precision = verb->has_precision ? (verb->precision > 300 ? 300 : verb->precision) : 6;
    if (verb->plus && real >= 0)
        buf_byte(text, '+');
    switch (verb->letter) {
    case 'f':
    case 'F':
        buf_printf(text, "%.*f", (int)precision, real);
        return true;
    case 'e':
        buf_printf(text, "%.*e", (int)precision, real);
        return true;
    case 'E':
        buf_printf(text, "%.*E", (int)precision, real);
        return true;
    case 'g':
        if (verb->has_precision)
            buf_printf(text, "%.*g", (int)precision, real);
        else
            go_print_float_g(text, real);
        return true;
    default:
        return false;
    }
}

static void string_put(struct buf *text, const struct verb *verb, struct slice value)
{
    if (verb->has_precision) { // so many code points
        size_t at = 0;
        for (size_t n = 0; at < value.len && (n < verb->precision || ((unsigned char)value.ptr[at] & 0xc0) == 0x80); at++)
            n += at + 1 < value.len ? ((unsigned char)value.ptr[at + 1] & 0xc0) != 0x80 : 1;
        value.len = verb->precision == 0 ? 0 : at;
    }
    if (verb->letter == 'q') {
        go_quote(text, value);
    } else if (verb->letter == 'x' || verb->letter == 'X') {
        for (size_t i = 0; i < value.len; i++)
            buf_printf(text, verb->letter == 'x' ? "%02x" : "%02X", (unsigned char)value.ptr[i]);
    } else {
        buf_put(text, value);
    }
}

/* False: the verb does not fit the value. */
static bool value_format(struct buf *text, const struct verb *verb, const struct value *value)
{
    bool is_any = verb->letter == 'v';
    switch (value->kind) {
    case VALUE_STRING:
        if (!is_any && verb->letter != 's' && verb->letter != 'q' && verb->letter != 'x' && verb->letter != 'X')
            return false;
        string_put(text, verb, value->text);
        return true;
    case VALUE_INT:
        if (verb->letter == 'c' || verb->letter == 'q') {
            char bytes[4];
            size_t len = utf8_encode(value->number < 0 || value->number > 0x10ffff ? 0xfffd : (uint32_t)value->number, bytes);
            const char *quote = verb->letter == 'q' ? "'" : "";
            buf_str(text, quote);
            buf_put(text, slice_of(bytes, len));
            buf_str(text, quote);
            return true;
        }
        if (verb->letter == 'U') {
            buf_printf(text, "U+%04llX", (unsigned long long)value->number);
            return true;
        }
        if (!is_any && verb->letter != 'd' && verb->letter != 'x' && verb->letter != 'X' && verb->letter != 'o' && verb->letter != 'b')
            return false;
        integer_put(text, verb, value->number);
        return true;
    case VALUE_FLOAT:
        if (is_any) {
            value_print(value, text);
            return true;
        }
        return float_put(text, verb, value->real);
    case VALUE_BOOL:
        if (!is_any && verb->letter != 't')
            return false;
        value_print(value, text);
        return true;
    case VALUE_NIL:
    case VALUE_TIME:
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_LABELS:
        if (!is_any && verb->letter != 's')
            return false;
        value_print(value, text);
        return true;
    }
    return false;
}

static void bad_verb(struct buf *out, char letter, const struct value *value)
{
    buf_printf(out, "%%!%c(%s=", letter, value_type_name(value));
    value_print(value, out);
    buf_byte(out, ')');
}

static void verb_put(const struct call *call, const struct verb *verb, size_t *next, struct buf *out)
{
    struct buf text = BUF_INIT;
    if (verb->letter == '%') {
        buf_byte(out, '%');
    } else if (verb->letter == '\0') {
        buf_str(out, "%!(NOVERB)");
    } else if (*next >= call->count) {
        buf_printf(out, "%%!%c(MISSING)", verb->letter);
    } else {
        const struct value *value = &call->args[(*next)++];
        if (value_format(&text, verb, value))
            padded(out, verb, buf_slice(&text), value->kind == VALUE_INT || value->kind == VALUE_FLOAT);
        else
            bad_verb(out, verb->letter, value);
    }
    buf_fini(&text);
}

static bool print_format(const struct call *call, struct value *out, struct err *err)
{
    struct slice format = value_string(&call->args[0], call->arena);
    struct buf text = BUF_INIT;
    size_t next = 1;
    while (format.len > 0) {
        size_t percent = slice_find_byte(format, '%');
        buf_put(&text, slice_of(format.ptr, percent));
        format = slice_from(format, percent);
        if (format.len == 0)
            break;
        format = slice_from(format, 1);
        struct verb verb = verb_take(&format);
        verb_put(call, &verb, &next, &text);
        if (text.len > call->output_max) {
            buf_fini(&text);
            return err_set(err, ERR_LIMIT, "a text over %zu bytes", call->output_max);
        }
    }
    for (size_t i = next; i < call->count; i++) {
        buf_str(&text, i == next ? "%!(EXTRA " : ", ");
        buf_printf(&text, "%s=", value_type_name(&call->args[i]));
        value_print(&call->args[i], &text);
        if (i + 1 == call->count)
            buf_byte(&text, ')');
    }
    return give_buf(call, out, &text);
}

static bool from_json(const struct call *call, struct value *out, struct err *err)
{
    (void)err;
    if (!template_json_parse(value_string(&call->args[0], call->arena), call->arena, out))
        *out = VALUE_NONE;
    return true;
}

/* There are no functions among the values. */
static bool call_value(const struct call *call, struct value *out, struct err *err)
{
    (void)out;
    struct slice shown = slice_trim(slice_from(call->source, call->source.len > 4 ? 4 : call->source.len));
    return err_set(err, ERR_INVALID, "non-function %.*s of type %s", SLICE_ARG(shown), value_type_name(&call->args[0]));
}

struct function_table template_data_functions(void)
{
    static const struct function functions[] = {
        {"len", 1, 1, false, false, length, ""},
        {"index", 1, SIZE_MAX, false, false, index_value, ""},
        {"slice", 1, 4, false, false, slice_value, ""},
        {"print", 0, SIZE_MAX, false, false, print, ""},
        {"println", 0, SIZE_MAX, false, false, println, ""},
        {"printf", 1, SIZE_MAX, false, false, print_format, "s"},
        {"call", 1, SIZE_MAX, false, false, call_value, ""},
        {"fromJson", 1, 1, false, false, from_json, "s"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
