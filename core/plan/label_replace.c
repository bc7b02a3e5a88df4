#include "core/plan/label_replace.h"

#include "core/base/mem.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The group that a reference names: digits alone are a number. */
static struct slice group_named(struct slice name, const struct regex *regex, const struct slice *groups, size_t group_count)
{
    size_t number = 0;
    bool is_number = name.len > 0 && name.len < 9;
    for (size_t i = 0; is_number && i < name.len; i++) {
        is_number = name.ptr[i] >= '0' && name.ptr[i] <= '9';
        number = 10 * number + (size_t)(name.ptr[i] - '0');
    }
    if (is_number)
        return number < group_count ? groups[number] : SLICE_NONE;
    for (size_t i = 1; i < group_count; i++)
        if (slice_eq(regex_group_name(regex, i), name))
            return groups[i];
    return SLICE_NONE;
}

/* Takes the reference behind a '$' off *in; false: it is none. */
static bool take_reference(struct slice *in, struct slice *out_name)
{
    bool is_braced = in->len > 0 && in->ptr[0] == '{';
    struct slice at = slice_from(*in, is_braced ? 1 : 0);
    size_t n = 0;
    while (n < at.len && is_name_byte(at.ptr[n]))
        n++;
    if (n == 0 || (is_braced && (n == at.len || at.ptr[n] != '}')))
        return false;
    *out_name = slice_of(at.ptr, n);
    *in = slice_from(at, n + (is_braced ? 1 : 0));
    return true;
}

void replacement_expand(struct slice replacement, const struct regex *regex, const struct slice *groups, size_t group_count, struct buf *out)
{
    for (struct slice in = replacement; in.len > 0;) {
        size_t plain = slice_find_byte(in, '$');
        buf_put(out, slice_of(in.ptr, plain));
        in = slice_from(in, plain);
        if (in.len == 0)
            return;
        in = slice_from(in, 1);
        struct slice name;
        if (in.len > 0 && in.ptr[0] == '$') {
            buf_byte(out, '$');
            in = slice_from(in, 1);
        } else if (take_reference(&in, &name)) {
            struct slice group = group_named(name, regex, groups, group_count);
            buf_put(out, group);
        } else {
            buf_byte(out, '$');
        }
    }
}

static struct slice replaced_key(const struct expr *replace, const struct series *series, struct slice *groups, size_t group_count,
                                 struct buf *value, struct buf *key)
{
    struct slice source = SLICE("");
    (void)label_set_get(&series->labels, replace->replace_source, &source);
    if (!regex_captures(replace->replace_regex, source, 0, groups, group_count))
        return series->key;
    buf_reset(value);
    replacement_expand(replace->replacement, replace->replace_regex, groups, group_count, value);
    struct label *labels = mem_array(series->labels.count + 1, sizeof(*labels));
    size_t count = 0;
    for (size_t i = 0; i < series->labels.count; i++)
        if (!slice_eq(series->labels.labels[i].name, replace->replace_target))
            labels[count++] = series->labels.labels[i];
    labels[count++] = (struct label){replace->replace_target, buf_slice(value)};
    count = label_sort(labels, count, true);
    buf_reset(key);
    label_key_put_set(key, &(struct label_set){labels, count}, &(struct label_choice){.mode = CHOOSE_ALL});
    mem_free(labels);
    return buf_slice(key);
}

bool label_replace(const struct expr *replace, const struct series_set *in, struct series_set *out, struct err *err)
{
    size_t group_count = regex_group_count(replace->replace_regex) + 1;
    struct slice *groups = mem_array(group_count, sizeof(*groups));
    struct buf value = BUF_INIT;
    bool ok = true;
    for (size_t i = 0; ok && i < in->count; i++) {
        const struct series *from = in->items[i];
        struct series *to = series_set_append(out, replaced_key(replace, from, groups, group_count, &value, &out->eval->key), err);
        ok = to != NULL;
        for (size_t step = 0; ok && step < out->eval->steps.count; step++)
            if (series_has(from, step))
                series_put(to, step, from->values[step]);
    }
    buf_fini(&value);
    mem_free(groups);
    return ok;
}
