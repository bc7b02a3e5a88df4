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

/* What index and slice take as a place in a list or a text of `count`: the end is one, too. */
static bool place_of(const struct value *key, size_t count, int64_t *out, struct err *err)
{
    *out = key->number;
    if (key->kind == VALUE_NIL)
        return err_set(err, ERR_INVALID, "cannot index slice/array with nil");
    if (key->kind != VALUE_INT)
        return err_set(err, ERR_INVALID, "cannot index slice/array with type %s", value_type_name(key));
    return (*out >= 0 && (uint64_t)*out <= count) || err_set(err, ERR_INVALID, "index out of range: %lld", (long long)*out);
}

static bool key_fits(const struct value *key, struct err *err)
{
    if (key->kind == VALUE_NIL)
        return err_set(err, ERR_INVALID, "value is nil; should be of type string");
    return key->kind == VALUE_STRING || err_set(err, ERR_INVALID, "value has type %s; should be string", value_type_name(key));
}

static bool index_one(const struct value *from, const struct value *key, struct value *out, struct err *err)
{
    struct slice text = SLICE("");
    int64_t at = 0;
    switch (from->kind) {
    case VALUE_LABELS:
        if (!key_fits(key, err))
            return false;
        if (!from->labels->get(from->labels->self, key->text, &text))
            text = SLICE("");
        *out = value_text(text);
        return true;
    case VALUE_MAP:
        if (!key_fits(key, err))
            return false;
        *out = VALUE_NONE;
        for (size_t i = 0; i < from->count; i++) {
            if (slice_eq(from->keys[i], key->text))
                *out = from->items[i];
        }
        return true;
    case VALUE_LIST:
    case VALUE_STRING: {
        const size_t count = from->kind == VALUE_LIST ? from->count : from->text.len;
        if (!place_of(key, count, &at, err))
            return false;
        if ((uint64_t)at == count) // Go's own test lets the end pass, and its reflection speaks
            return err_set(err, ERR_INVALID, "reflect: %s index out of range", from->kind == VALUE_LIST ? "slice" : "string");
        *out = from->kind == VALUE_LIST ? from->items[at] : value_int((unsigned char)from->text.ptr[at]);
        return true;
    }
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
        if (!index_one(&from, &call->args[i], out, err))
            return false;
    }
    return true;
}

static bool slice_value(const struct call *call, struct value *out, struct err *err)
{
    const struct value *value = &call->args[0];
    if (value->kind == VALUE_NIL)
        return err_set(err, ERR_INVALID, "slice of untyped nil");
    if (call->count > 4)
        return err_set(err, ERR_INVALID, "too many slice indexes: %zu", call->count - 1);
    if (value->kind == VALUE_STRING && call->count > 3)
        return err_set(err, ERR_INVALID, "cannot 3-index slice a string");
    if (value->kind != VALUE_STRING && value->kind != VALUE_LIST)
        return err_set(err, ERR_INVALID, "can't slice item of type %s", value_type_name(value));
    const size_t len = value->kind == VALUE_STRING ? value->text.len : value->count;
    int64_t bounds[3] = {0, (int64_t)len, (int64_t)len};
    for (size_t i = 1; i < call->count; i++) {
        if (!place_of(&call->args[i], len, &bounds[i - 1], err))
            return false;
    }
    for (size_t i = 0; i < 2; i++) {
        if (bounds[i] > bounds[i + 1])
            return err_set(err, ERR_INVALID, "invalid slice index: %lld > %lld", (long long)bounds[i], (long long)bounds[i + 1]);
    }
    *out = *value;
    if (value->kind == VALUE_STRING) {
        out->text = slice_of(value->text.ptr + bounds[0], (size_t)(bounds[1] - bounds[0]));
    } else {
        out->items = value->items + bounds[0];
        out->count = (size_t)(bounds[1] - bounds[0]);
    }
    return true;
}

/* ---- print, println ---- */

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
    struct slice shown = call->source.ptr != NULL ? call->source : value_string(&call->args[0], call->arena);
    return err_set(err, ERR_INVALID, "non-function %.*s of type %s", SLICE_ARG(shown), value_type_name(&call->args[0]));
}

struct function_table template_data_functions(void)
{
    static const struct function functions[] = {
        {"len", 1, 1, false, false, length, ""},
        {"index", 1, SIZE_MAX, false, false, index_value, ""},
        {"slice", 1, SIZE_MAX, false, false, slice_value, ""},
        {"print", 0, SIZE_MAX, false, false, print, ""},
        {"println", 0, SIZE_MAX, false, false, println, ""},
        {"printf", 1, SIZE_MAX, false, false, template_printf, "s"},
        {"call", 1, SIZE_MAX, false, false, call_value, ""},
        {"fromJson", 1, 1, false, false, from_json, "s"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
