/* functions_printf.c: printf, as Go's fmt has it: flags, widths, precisions, operands by index, and what it prints of those that do not fit. */
#include <math.h>
#include <stdio.h>

#include "core/model/go_text.h"
#include "core/template/template_tree.h"

struct verb {
    char letter;
    bool minus, plus, zero, sharp, space, has_precision;
    size_t width, precision;
    size_t output_max; /* behind it nothing more of a list is put: the text is refused */
};

#define WIDTH_MAX 100000 /* Go takes ten times this; an output is bounded anyway */

/* The format as it is read, with the operands. Source: fmt's doPrintf. */
struct reading {
    const struct call *call;
    struct slice rest;   /* of the format */
    size_t next;         /* operand */
    bool is_reordered;   /* an index was used: operands may be left over */
    bool has_good_index; /* of this verb */
};

static bool number_take(struct slice *format, size_t *out)
{
    struct slice before = *format;
    *out = 0;
    while (format->len > 0 && format->ptr[0] >= '0' && format->ptr[0] <= '9') {
        *out = *out * 10 + (size_t)(format->ptr[0] - '0');
        *out = *out > WIDTH_MAX ? WIDTH_MAX : *out;
        *format = slice_from(*format, 1);
    }
    return format->len < before.len;
}

static bool sign_take(struct reading *reading, char sign)
{
    if (reading->rest.len == 0 || reading->rest.ptr[0] != sign)
        return false;
    reading->rest = slice_from(reading->rest, 1);
    return true;
}

/* [3]: the operand that comes next, counted from 1. False: there is no index here. */
static bool index_take(struct reading *reading)
{
    size_t index = 0;
    struct slice rest = reading->rest;
    if (rest.len == 0 || rest.ptr[0] != '[')
        return false;
    reading->is_reordered = true;
    size_t close = slice_find_byte(rest, ']');
    struct slice number = close == rest.len ? SLICE_NONE : slice_of(rest.ptr + 1, close - 1);
    reading->rest = slice_from(rest, close == rest.len ? 1 : close + 1);
    bool is_number = number_take(&number, &index) && number.len == 0;
    if (is_number && index >= 1 && index < reading->call->count) // operand 0 is the format
        reading->next = index;
    else
        reading->has_good_index = false;
    return is_number;
}

/* *: an operand that is a width or a precision. False: it is none. */
static bool star_take(struct reading *reading, int64_t *out)
{
    if (reading->next >= reading->call->count)
        return false;
    const struct value *value = &reading->call->args[reading->next++];
    *out = value->number;
    return value->kind == VALUE_INT && value->number >= -WIDTH_MAX && value->number <= WIDTH_MAX;
}

static void flags_take(struct reading *reading, struct verb *verb)
{
    for (;;) {
        if (sign_take(reading, '-'))
            verb->minus = true;
        else if (sign_take(reading, '+'))
            verb->plus = true;
        else if (sign_take(reading, '0'))
            verb->zero = true;
        else if (sign_take(reading, '#'))
            verb->sharp = true;
        else if (sign_take(reading, ' '))
            verb->space = true;
        else
            return;
    }
}

/* What stands behind a %; out gets what is wrong with widths. */
static struct verb verb_take(struct reading *reading, struct buf *out)
{
    struct verb verb = {.output_max = reading->call->output_max};
    int64_t star = 0;
    reading->has_good_index = true;
    flags_take(reading, &verb);
    bool is_behind_index = index_take(reading);
    if (sign_take(reading, '*')) {
        if (star_take(reading, &star)) {
            verb.minus = verb.minus || star < 0;
            verb.width = (size_t)(star < 0 ? -star : star);
        } else {
            buf_str(out, "%!(BADWIDTH)");
        }
        is_behind_index = false;
    } else if (number_take(&reading->rest, &verb.width) && is_behind_index) {
        reading->has_good_index = false;
    }
    if (sign_take(reading, '.')) {
        reading->has_good_index = reading->has_good_index && !is_behind_index;
        is_behind_index = index_take(reading);
        verb.has_precision = true;
        if (sign_take(reading, '*')) {
            bool is_number = star_take(reading, &star);
            verb.has_precision = is_number && star >= 0;
            verb.precision = verb.has_precision ? (size_t)star : 0;
            buf_str(out, is_number ? "" : "%!(BADPREC)");
            is_behind_index = false;
        } else {
            (void)number_take(&reading->rest, &verb.precision);
        }
    }
    if (!is_behind_index)
        (void)index_take(reading);
    if (reading->rest.len > 0) {
        verb.letter = reading->rest.ptr[0];
        reading->rest = slice_from(reading->rest, 1);
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
    if (verb->has_precision && strchr("dv", verb->letter) != NULL) { // at least so many digits
        size_t digits = 1;
        for (uint64_t rest = size / 10; rest > 0; rest /= 10)
            digits++;
        for (; digits < verb->precision; digits++)
            buf_byte(text, '0');
    }
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
    case 'O':
        buf_printf(text, "0o%llo", (unsigned long long)size);
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

/* As C has it, but for an exponent of at least two digits. */
static void hex_float_put(struct buf *text, const struct verb *verb, double real)
{
    char digits[400];
    const bool is_large = verb->letter == 'X';
    int len = verb->has_precision ? snprintf(digits, sizeof(digits), is_large ? "%.*A" : "%.*a", (int)(verb->precision > 300 ? 300 : verb->precision), real)
                                  : snprintf(digits, sizeof(digits), is_large ? "%A" : "%a", real);
    struct slice all = slice_of(digits, (size_t)len);
    size_t sign = slice_find_byte(all, is_large ? 'P' : 'p') + 1;
    bool is_short = isfinite(real) && sign + 2 == all.len;
    buf_put(text, is_short ? slice_of(digits, sign + 1) : all);
    if (is_short) {
        buf_byte(text, '0');
        buf_byte(text, digits[sign + 1]);
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
    case 'G':
        if (verb->has_precision) {
            buf_printf(text, "%.*G", (int)precision, real);
            return true;
        }
        go_print_float_g(text, real);
        for (size_t i = 0; i < text->len; i++)
            text->ptr[i] = text->ptr[i] == 'e' ? 'E' : text->ptr[i];
        return true;
    case 'x':
    case 'X':
        hex_float_put(text, verb, real);
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
        for (size_t i = 0; i < value.len; i++) {
            buf_str(text, i > 0 && verb->space ? " " : "");
            buf_str(text, verb->sharp && (i == 0 || verb->space) ? (verb->letter == 'x' ? "0x" : "0X") : "");
            buf_printf(text, verb->letter == 'x' ? "%02x" : "%02X", (unsigned char)value.ptr[i]);
        }
    } else {
        buf_put(text, value);
    }
}

/* As strconv.QuoteRune: a quoted text but for its quotes. */
static void rune_quote(struct buf *text, struct slice rune)
{
    struct buf quoted = BUF_INIT;
    go_quote(&quoted, rune);
    struct slice inner = slice_of(quoted.ptr + 1, quoted.len - 2);
    buf_byte(text, '\'');
    if (slice_eq(rune, SLICE("'")))
        buf_str(text, "\\'");
    else
        buf_put(text, slice_eq(rune, SLICE("\"")) ? rune : inner);
    buf_byte(text, '\'');
    buf_fini(&quoted);
}

static bool integer_format(struct buf *text, const struct verb *verb, int64_t number)
{
    if (verb->letter == 'c' || verb->letter == 'q') {
        char bytes[4];
        size_t len = utf8_encode(number < 0 || number > 0x10ffff ? 0xfffd : (uint32_t)number, bytes);
        if (verb->letter == 'q')
            rune_quote(text, slice_of(bytes, len));
        else
            buf_put(text, slice_of(bytes, len));
        return true;
    }
    if (verb->letter == 'U') {
        buf_printf(text, "U+%04llX", (unsigned long long)number);
        return true;
    }
    if (verb->letter == '\0' || strchr("vdxXoOb", verb->letter) == NULL)
        return false;
    integer_put(text, verb, number);
    return true;
}

/* False: the verb does not fit the value. */
static bool scalar_format(struct buf *text, const struct verb *verb, const struct value *value)
{
    bool is_any = verb->letter == 'v';
    switch (value->kind) {
    case VALUE_STRING:
        if (!is_any && verb->letter != 's' && verb->letter != 'q' && verb->letter != 'x' && verb->letter != 'X')
            return false;
        string_put(text, verb, value->text);
        return true;
    case VALUE_INT:
        return integer_format(text, verb, value->number);
    case VALUE_FLOAT:
        if (is_any && !verb->has_precision) {
            value_print(value, text);
            return true;
        }
        return float_put(text, is_any ? &(struct verb){.letter = 'g', .plus = verb->plus, .has_precision = true, .precision = verb->precision} : verb,
                         value->real);
    case VALUE_BOOL:
        if (!is_any && verb->letter != 't')
            return false;
        value_print(value, text);
        return true;
    case VALUE_NIL:
        if (is_any)
            buf_str(text, "<nil>");
        return is_any;
    case VALUE_TIME:
        if (!is_any && verb->letter != 's')
            return false;
        value_print(value, text);
        return true;
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_LABELS:
        break;
    }
    return false;
}

static void value_put(struct buf *out, const struct verb *verb, const struct value *value);

/* What is printed of a value that the verb does not fit: the value as by %v, with the verb's widths. */
static void bad_verb(struct buf *out, const struct verb *verb, const struct value *value)
{
    struct verb any = *verb;
    any.letter = 'v';
    buf_printf(out, "%%!%c(", verb->letter);
    if (value->kind == VALUE_NIL) {
        buf_str(out, "<nil>)");
        return;
    }
    buf_printf(out, "%s=", value_type_name(value));
    value_put(out, &any, value);
    buf_byte(out, ')');
}

static void map_put(struct buf *out, const struct verb *verb, const struct value *value)
{
    struct slice name;
    struct slice text;
    buf_str(out, "map[");
    for (size_t i = 0; out->len <= verb->output_max; i++) {
        if (value->kind == VALUE_LABELS ? !value->labels->at(value->labels->self, i, &name, &text) : i == value->count)
            break;
        const struct value key = value_text(value->kind == VALUE_LABELS ? name : value->keys[i]);
        const struct value item = value->kind == VALUE_LABELS ? value_text(text) : value->items[i];
        buf_str(out, i > 0 ? " " : "");
        value_put(out, verb, &key);
        buf_byte(out, ':');
        value_put(out, verb, &item);
    }
    buf_byte(out, ']');
}

/* One operand, padded; a list's items and a map's keys and items each for itself. */
static void value_put(struct buf *out, const struct verb *verb, const struct value *value)
{
    struct buf text = BUF_INIT;
    if (verb->letter == 'T') {
        padded(out, verb, slice_str(value->kind == VALUE_NIL ? "<nil>" : value_type_name(value)), false);
    } else if (value->kind == VALUE_LIST) {
        buf_byte(out, '[');
        for (size_t i = 0; i < value->count && out->len <= verb->output_max; i++) {
            buf_str(out, i > 0 ? " " : "");
            value_put(out, verb, &value->items[i]);
        }
        buf_byte(out, ']');
    } else if (value->kind == VALUE_MAP || value->kind == VALUE_LABELS) {
        map_put(out, verb, value);
    } else if (scalar_format(&text, verb, value)) {
        padded(out, verb, buf_slice(&text), value->kind == VALUE_INT || value->kind == VALUE_FLOAT);
    } else {
        bad_verb(out, verb, value);
    }
    buf_fini(&text);
}

static void verb_put(struct reading *reading, const struct verb *verb, struct buf *out)
{
    if (verb->letter == '%') {
        buf_byte(out, '%');
    } else if (verb->letter == '\0') {
        buf_str(out, "%!(NOVERB)");
    } else if (!reading->has_good_index) {
        buf_printf(out, "%%!%c(BADINDEX)", verb->letter);
    } else if (reading->next >= reading->call->count) {
        buf_printf(out, "%%!%c(MISSING)", verb->letter);
    } else {
        value_put(out, verb, &reading->call->args[reading->next++]);
    }
}

bool template_printf(const struct call *call, struct value *out, struct err *err)
{
    struct buf text = BUF_INIT;
    struct reading reading = {.call = call, .rest = value_string(&call->args[0], call->arena), .next = 1};
    while (reading.rest.len > 0) {
        size_t percent = slice_find_byte(reading.rest, '%');
        buf_put(&text, slice_of(reading.rest.ptr, percent));
        reading.rest = slice_from(reading.rest, percent);
        if (!sign_take(&reading, '%'))
            break;
        struct verb verb = verb_take(&reading, &text);
        verb_put(&reading, &verb, &text);
        if (text.len > call->output_max) {
            buf_fini(&text);
            return err_set(err, ERR_LIMIT, "a text over %zu bytes", call->output_max);
        }
    }
    for (size_t i = reading.next; i < call->count && !reading.is_reordered; i++) {
        buf_str(&text, i == reading.next ? "%!(EXTRA " : ", ");
        if (call->args[i].kind != VALUE_NIL)
            buf_printf(&text, "%s=", value_type_name(&call->args[i]));
        value_print(&call->args[i], &text);
        if (i + 1 == call->count)
            buf_byte(&text, ')');
    }
    *out = value_text(arena_copy(call->arena, buf_slice(&text)));
    buf_fini(&text);
    return true;
}
