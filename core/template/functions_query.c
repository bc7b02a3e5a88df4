/* functions_query.c: alert templates that ask for more: query, and what reads its elements. Source: Prometheus' template package. An element is a map of
 * Labels and Value. */
#include <stdlib.h>

#include "core/model/go_text.h"
#include "core/template/template_tree.h"

static bool sample_get(const void *self, struct slice name, struct slice *value)
{
    const struct template_sample *sample = self;
    return label_set_get(&sample->labels, name, value);
}

static bool sample_at(const void *self, size_t i, struct slice *name, struct slice *value)
{
    const struct template_sample *sample = self;
    if (i >= sample->labels.count)
        return false;
    *name = sample->labels.labels[i].name;
    *value = sample->labels.labels[i].value;
    return true;
}

static struct value sample_value(const struct template_sample *sample, struct arena *arena)
{
    static const struct slice keys[] = {{"Labels", 6}, {"Value", 5}};
    struct template_labels *labels = ARENA_NEW(arena, struct template_labels);
    struct value *items = ARENA_ARRAY(arena, struct value, LENGTH(keys));
    *labels = (struct template_labels){.self = sample, .get = sample_get, .at = sample_at};
    items[0] = (struct value){.kind = VALUE_LABELS, .labels = labels};
    items[1] = value_float(sample->value);
    return (struct value){.kind = VALUE_MAP, .keys = keys, .items = items, .count = LENGTH(keys)};
}

static bool query(const struct call *call, struct value *out, struct err *err)
{
    struct template_sample *samples = NULL;
    size_t count = 0;
    if (!call->asker->query(call->asker->self, call->args[0].text, call->arena, &samples, &count, err))
        return false;
    struct value *items = ARENA_ARRAY(call->arena, struct value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = sample_value(&samples[i], call->arena);
    *out = (struct value){.kind = VALUE_LIST, .items = items, .count = count};
    return true;
}

/* The parts of an element; NULL, and the message: it is none. */
static const struct value *element_of(const struct value *value, struct err *err)
{
    bool is_one = value->kind == VALUE_MAP && value->count == 2 && slice_eq(value->keys[0], SLICE("Labels")) && value->items[0].kind == VALUE_LABELS;
    if (!is_one)
        (void)err_set(err, ERR_INVALID, "wrong type for value; expected an element of query; got %s", value_type_name(value));
    return is_one ? value->items : NULL;
}

static struct slice label_of(const struct value *element, struct slice name)
{
    struct slice text = SLICE("");
    const struct template_labels *labels = element[0].labels;
    return labels->get(labels->self, name, &text) ? text : SLICE("");
}

static bool label(const struct call *call, struct value *out, struct err *err)
{
    const struct value *element = element_of(&call->args[1], err);
    if (element != NULL)
        *out = value_text(label_of(element, call->args[0].text));
    return element != NULL;
}

static bool strvalue(const struct call *call, struct value *out, struct err *err)
{
    const struct value *element = element_of(&call->args[0], err);
    if (element != NULL)
        *out = value_text(label_of(element, SLICE("__value__")));
    return element != NULL;
}

static bool value(const struct call *call, struct value *out, struct err *err)
{
    const struct value *element = element_of(&call->args[0], err);
    if (element != NULL)
        *out = element[1];
    return element != NULL;
}

static bool first(const struct call *call, struct value *out, struct err *err)
{
    const struct value *list = &call->args[0];
    if (list->kind != VALUE_LIST || list->count == 0)
        return err_set(err, ERR_INVALID, "first() called on vector with no elements");
    *out = list->items[0];
    return true;
}

struct place { /* of an element that is sorted */
    struct slice key;
    size_t at;
};

static int place_order(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    int order = slice_cmp(x->key, y->key);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static bool sort_by_label(const struct call *call, struct value *out, struct err *err)
{
    const struct value *list = &call->args[1];
    if (list->kind != VALUE_LIST)
        return err_set(err, ERR_INVALID, "wrong type for value; expected what query gives; got %s", value_type_name(list));
    struct place *places = ARENA_ARRAY(call->arena, struct place, list->count);
    struct value *items = ARENA_ARRAY(call->arena, struct value, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct value *element = element_of(&list->items[i], err);
        if (element == NULL)
            return false;
        places[i] = (struct place){label_of(element, call->args[0].text), i};
    }
    if (list->count > 0)
        qsort(places, list->count, sizeof(*places), place_order);
    for (size_t i = 0; i < list->count; i++)
        items[i] = list->items[places[i].at];
    *out = (struct value){.kind = VALUE_LIST, .items = items, .count = list->count};
    return true;
}

/* Prometheus' pages for an expression. */
static bool link_to(const struct call *call, char tab, struct value *out, struct err *err)
{
    struct value escaped;
    if (!function_find(SLICE("urlencode"), TEMPLATE_OF_LINES)->run(call, &escaped, err))
        return false;
    *out = value_text(arena_printf(call->arena, "/graph?g0.expr=%.*s&g0.tab=%c", SLICE_ARG(escaped.text), tab));
    return true;
}

static bool graph_link(const struct call *call, struct value *out, struct err *err)
{
    return link_to(call, '0', out, err);
}

static bool table_link(const struct call *call, struct value *out, struct err *err)
{
    return link_to(call, '1', out, err);
}

struct function_table template_query_functions(void)
{
    static const struct function functions[] = {
        {"query", 1, 1, false, false, query, "s"},
        {"first", 1, 1, false, false, first, ""},
        {"label", 2, 2, false, false, label, "s"},
        {"value", 1, 1, false, false, value, ""},
        {"strvalue", 1, 1, false, false, strvalue, ""},
        {"sortByLabel", 2, 2, false, false, sort_by_label, "s"},
        {"graphLink", 1, 1, false, false, graph_link, "s"},
        {"tableLink", 1, 1, false, false, table_link, "s"},
    };
    return (struct function_table){functions, LENGTH(functions)};
}
