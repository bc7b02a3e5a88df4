#include "core/template/template.h"

#include "core/base/mem.h"
#include "core/template/template_tree.h"

static bool compile(const char *name, enum template_dialect dialect, struct slice text, struct arena *arena, struct template **out, struct err *err)
{
    struct template *template = ARENA_NEW(arena, struct template);
    template->name = name;
    template->dialect = dialect;
    template->source = text;
    if (!template_parse(template, arena, err)) {
        template_fini(template);
        return false;
    }
    struct slice field;
    template->is_plain = true;
    for (size_t i = 0; i < template->body.count; i++)
        template->is_plain = template->is_plain && (template->body.nodes[i].kind == NODE_TEXT || node_is_field(&template->body.nodes[i], &field));
    *out = template;
    return true;
}

bool template_compile(const char *name, struct slice text, struct arena *arena, struct template **out, struct err *err)
{
    return compile(name, TEMPLATE_OF_LINES, arena_copy(arena, text), arena, out, err);
}

/* What Prometheus puts in front of each text. */
#define ALERT_VARIABLES                                                                                                                    \
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

bool template_compile_alert(const char *name, struct slice text, struct arena *arena, struct template **out, struct err *err)
{
    const struct slice variables = SLICE(ALERT_VARIABLES);
    char *source = arena_alloc(arena, variables.len + text.len, 1);
    memcpy(source, variables.ptr, variables.len);
    if (text.len > 0)
        memcpy(source + variables.len, text.ptr, text.len);
    return compile(name, TEMPLATE_OF_ALERTS, slice_of(source, variables.len + text.len), arena, out, err);
}

void template_fini(struct template *template)
{
    if (template == NULL)
        return;
    for (size_t i = 0; i < template->regex_count; i++)
        regex_free(template->regexes[i]);
    mem_free(template->regexes);
    template->regexes = NULL;
    template->regex_count = 0;
}

bool node_is_field(const struct node *node, struct slice *name)
{
    if (node->kind != NODE_ACTION)
        return false;
    const struct pipeline_node *pipeline = node->pipeline;
    if (pipeline->count != 1 || pipeline->variable != SIZE_MAX || pipeline->commands[0].count != 1)
        return false;
    const struct operand *operand = &pipeline->commands[0].operands[0];
    if (operand->kind != OPERAND_FIELDS || operand->field_count != 1)
        return false;
    *name = operand->fields[0];
    return true;
}

bool template_is_field(const struct template *template, struct slice *name)
{
    return template->body.count == 1 && node_is_field(&template->body.nodes[0], name);
}

/* ---- which labels it reads ---- */

struct names {
    struct arena *arena;
    struct slice *items;
    size_t count, cap;
    bool reads_all;
};

static void name_add(struct names *names, struct slice name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (slice_eq(names->items[i], name))
            return;
    }
    if (names->count == names->cap) {
        struct slice *bigger = ARENA_ARRAY(names->arena, struct slice, names->cap == 0 ? 8 : names->cap * 2);
        if (names->count > 0)
            memcpy(bigger, names->items, names->count * sizeof(*bigger));
        names->items = bigger;
        names->cap = names->cap == 0 ? 8 : names->cap * 2;
    }
    names->items[names->count++] = name;
}

static void pipeline_names(const struct pipeline_node *pipeline, struct names *names)
{
    for (size_t c = 0; c < pipeline->count; c++) {
        for (size_t i = 0; i < pipeline->commands[c].count; i++) {
            const struct operand *operand = &pipeline->commands[c].operands[i];
            bool is_root = operand->kind == OPERAND_VARIABLE && operand->variable == 0;
            if (operand->kind == OPERAND_DOT || (is_root && operand->field_count == 0))
                names->reads_all = true; // the map as a whole, or some other dot: no matter
            else if (operand->kind == OPERAND_FIELDS || is_root)
                name_add(names, operand->fields[0]);
            else if (operand->kind == OPERAND_PIPELINE)
                pipeline_names(operand->inner, names);
        }
    }
}

static void list_names(const struct node_list *list, struct names *names)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct node *node = &list->nodes[i];
        if (node->pipeline != NULL)
            pipeline_names(node->pipeline, names);
        list_names(&node->body, names);
        list_names(&node->otherwise, names);
    }
}

bool template_label_names(const struct template *template, struct arena *arena, struct slice **out, size_t *count)
{
    struct names names = {.arena = arena};
    list_names(&template->body, &names);
    for (size_t i = 0; i < template->definition_count; i++)
        list_names(&template->definitions[i].body, &names);
    *out = names.items;
    *count = names.count;
    return !names.reads_all;
}
