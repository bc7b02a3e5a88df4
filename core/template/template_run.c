/* template_run.c: a compiled template over one line's labels. */
#include <math.h>

#include "core/template/template_tree.h"

struct run {
    const struct template *template;
    const struct template_labels *labels;
    const struct template_asker *asker;
    struct arena *arena;
    struct buf *out;
    size_t out_begin, scratch_begin;
    size_t steps, depth;
    struct value variables[TEMPLATE_VARIABLES_MAX];
    struct err *err;
};

enum flow { FLOW_GOES_ON, FLOW_BREAKS, FLOW_CONTINUES, FLOW_FAILS };

/* Where a message points: Go's line, byte in the line, and the node's text. */
static bool fail_at(struct run *run, size_t offset, struct slice source, const char *text)
{
    size_t line = 1;
    size_t begin = 0;
    for (size_t i = 0; i < offset && i < run->template->source.len; i++) {
        if (run->template->source.ptr[i] == '\n') {
            line++;
            begin = i + 1;
        }
    }
    return err_set(run->err, ERR_INVALID, "template: %s:%zu:%zu: executing \"%s\" at <%.*s>: %.1000s", run->template->name, line, offset - begin,
                   run->template->name, (int)(source.len > 500 ? 500 : source.len), source.ptr, text);
}

#define STEP_BYTES 256 /* of a function's arguments: a long text costs as many steps as it has of these */

static bool step(struct run *run)
{
    if (++run->steps <= TEMPLATE_STEPS_MAX && run->out->len - run->out_begin <= TEMPLATE_OUTPUT_BYTES_MAX &&
        run->arena->bytes - run->scratch_begin <= TEMPLATE_SCRATCH_BYTES_MAX)
        return true;
    return err_set(run->err, ERR_LIMIT, "template: %s: takes more than %d steps, %zu bytes of output or %zu of memory", run->template->name,
                   TEMPLATE_STEPS_MAX, TEMPLATE_OUTPUT_BYTES_MAX, TEMPLATE_SCRATCH_BYTES_MAX);
}

/* ---- values ---- */

static struct value label_get(const struct template_labels *labels, struct slice name)
{
    struct slice value = SLICE("");
    if (!labels->get(labels->self, name, &value))
        value = SLICE(""); // missingkey=zero on a map of strings
    return value_text(value);
}

static struct value map_get(const struct value *map, struct slice name)
{
    for (size_t i = 0; i < map->count; i++) {
        if (slice_eq(map->keys[i], name))
            return map->items[i];
    }
    return VALUE_NONE;
}

static bool fields_get(struct run *run, struct value from, const struct operand *operand, struct value *out)
{
    for (size_t i = 0; i < operand->field_count; i++) {
        struct slice name = operand->fields[i];
        if (from.kind == VALUE_LABELS) {
            from = label_get(from.labels, name);
        } else if (from.kind == VALUE_MAP) {
            from = map_get(&from, name);
            from.is_boxed = true;
        } else if (from.kind == VALUE_TIME) {
            struct err inner;
            struct call call = {run->template, run->labels, run->arena, &from, 1, NULL, operand->source, TEMPLATE_OUTPUT_BYTES_MAX, run->asker};
            struct value result;
            if (!template_time_method(name, &call, &result, &inner))
                return fail_at(run, operand->offset, operand->source, arena_printf(run->arena, "%.1000s", inner.text).ptr);
            from = result;
        } else if (from.kind == VALUE_NIL && from.is_boxed) {
            return fail_at(run, operand->offset, operand->source,
                           arena_printf(run->arena, "nil pointer evaluating interface {}.%.*s", SLICE_ARG(name)).ptr);
        } else if (from.kind == VALUE_NIL) {
            from = VALUE_NONE;
        } else {
            return fail_at(run, operand->offset, operand->source,
                           arena_printf(run->arena, "can't evaluate field %.*s in type %s", SLICE_ARG(name), from.is_boxed ? "interface {}" : value_type_name(&from)).ptr);
        }
    }
    *out = from;
    return true;
}

static bool pipeline_run(struct run *run, const struct pipeline_node *pipeline, const struct value *dot, struct value *out);

/* Go counts the arguments before it looks at them. */
static bool count_fits(struct run *run, const struct operand *name, size_t count)
{
    const struct function *function = name->function;
    if (count >= function->args_min && (function->args_max == SIZE_MAX || count <= function->args_max))
        return true;
    return fail_at(run, name->offset, slice_str(function->name),
                   arena_printf(run->arena, "wrong number of args for %s: want %s%zu got %zu", function->name,
                                function->args_max == SIZE_MAX ? "at least " : "", function->args_min, count).ptr);
}

static bool function_call(struct run *run, const struct command *command, const struct value *args, size_t count, struct value *out)
{
    const struct function *function = command->operands[0].function;
    struct err inner; // 2 KiB: not cleared at each call
    for (size_t i = 0; i < count; i++)
        run->steps += args[i].kind == VALUE_STRING ? args[i].text.len / STEP_BYTES : 0;
    const struct slice source = command->count > 1 ? slice_trim(command->operands[1].source) : SLICE_NONE;
    struct call call = {run->template, run->labels, run->arena, args, count, command->regex, source, TEMPLATE_OUTPUT_BYTES_MAX, run->asker};
    if (function->run(&call, out, &inner))
        return true;
    return fail_at(run, command->offset, command->source,
                   arena_printf(run->arena, "error calling %s: %.1400s", function->name, inner.text).ptr);
}

static bool operand_run(struct run *run, const struct operand *operand, const struct value *dot, struct value *out)
{
    switch (operand->kind) {
    case OPERAND_LITERAL:
        *out = operand->literal;
        return true;
    case OPERAND_DOT:
        *out = *dot;
        return true;
    case OPERAND_FIELDS:
        return fields_get(run, *dot, operand, out);
    case OPERAND_VARIABLE:
        if (operand->variable == SIZE_MAX) {
            const struct slice name = slice_trim(operand->source);
            return fail_at(run, operand->offset, name, arena_printf(run->arena, "undefined variable: %.*s", SLICE_ARG(name)).ptr);
        }
        return fields_get(run, run->variables[operand->variable], operand, out);
    case OPERAND_PIPELINE: {
        struct value inner;
        return pipeline_run(run, operand->inner, dot, &inner) && fields_get(run, inner, operand, out);
    }
    case OPERAND_FUNCTION: { // as an argument: called without arguments of its own
        struct operand alone = *operand;
        struct command nested = {.operands = &alone, .count = 1, .source = slice_str(operand->function->name), .offset = operand->offset};
        struct value result;
        return count_fits(run, operand, 0) && function_call(run, &nested, NULL, 0, &result) && fields_get(run, result, operand, out);
    }
    }
    return false;
}

#define ARGS_MAX 64

/* and, or: the first that decides. */
static bool lazy_call(struct run *run, const struct command *command, const struct value *dot, const struct value *final, struct value *out)
{
    bool is_or = strcmp(command->operands[0].function->name, "or") == 0;
    bool has_any = false;
    for (size_t i = 1; i < command->count; i++) {
        if (!operand_run(run, &command->operands[i], dot, out))
            return false;
        has_any = true;
        if (value_truth(out) == is_or)
            return true;
    }
    if (final != NULL)
        *out = *final;
    return has_any || final != NULL ||
           fail_at(run, command->operands[0].offset, slice_str(command->operands[0].function->name),
                   arena_printf(run->arena, "wrong number of args for %s: want at least 1 got 0", command->operands[0].function->name).ptr);
}

/* The operand that a run of the command looks at last: where Go's messages about its result point. */
static const struct operand *last_seen(const struct operand *operand)
{
    while (operand->inner != NULL && operand->field_count == 0) {
        const struct command *command = &operand->inner->commands[operand->inner->count - 1];
        operand = &command->operands[command->count - 1];
    }
    return operand;
}

/* Loki's functions are typed in Go: what does not fit a parameter ends the run. operand: SIZE_MAX for what the command before has made. */
static bool argument_fits(struct run *run, const struct command *command, size_t operand, size_t place, const struct value *value)
{
    const struct function *function = command->operands[0].function;
    char type = place < strlen(function->params) ? function->params[place] : '.';
    bool fits = type == '.' || (type == 's' && value->kind == VALUE_STRING) || (type == 'i' && value->kind == VALUE_INT && !value->is_wide) ||
                (type == 't' && value->kind == VALUE_TIME);
    if (fits)
        return true;
    const char *wanted = type == 's' ? "string" : type == 'i' ? "int" : "time.Time";
    const struct operand *at = last_seen(&command->operands[operand == SIZE_MAX ? command->count - 1 : operand]);
    const char *text = NULL;
    if (operand != SIZE_MAX && command->operands[operand].kind == OPERAND_LITERAL)
        text = value->kind == VALUE_NIL ? arena_printf(run->arena, "cannot assign nil to %s", wanted).ptr
                                        : arena_printf(run->arena, "expected %s; found %.*s", type == 'i' ? "integer" : wanted, SLICE_ARG(at->source)).ptr;
    else if (value->kind == VALUE_NIL && !value->is_boxed)
        text = arena_printf(run->arena, "invalid value; expected %s", wanted).ptr;
    else
        text = arena_printf(run->arena, "wrong type for value; expected %s; got %s", wanted,
                            value->kind == VALUE_NIL ? "interface {}" : value_type_name(value)).ptr;
    return fail_at(run, at->offset, slice_trim(at->source), text);
}

/* A number written as 1e3 is an int where one is asked for. */
static void number_fits(const struct function *function, const struct operand *operand, size_t place, struct value *value)
{
    bool is_int = operand->kind == OPERAND_LITERAL && place < strlen(function->params) && function->params[place] == 'i';
    if (is_int && value->kind == VALUE_FLOAT && value->real == floor(value->real) && fabs(value->real) < 0x1p53)
        *value = value_int((int64_t)value->real);
}

/* {{ .a.b arguments }}: only times have methods. */
static bool method_call(struct run *run, const struct command *command, const struct value *dot, const struct value *final, struct value *out)
{
    struct operand self = command->operands[0];
    struct slice name = self.field_count > 0 ? self.fields[self.field_count - 1] : slice_trim(self.source);
    struct value args[3];
    size_t count = 1;
    if (self.field_count > 0) {
        self.field_count--;
        if (self.kind == OPERAND_FIELDS && self.field_count == 0)
            self.kind = OPERAND_DOT;
        if (!operand_run(run, &self, dot, &args[0]))
            return false;
    }
    if (self.field_count != command->operands[0].field_count && args[0].kind != VALUE_TIME && args[0].kind != VALUE_LABELS && args[0].kind != VALUE_MAP) {
        struct operand last = command->operands[0];
        last.fields += last.field_count - 1;
        last.field_count = 1;
        return fields_get(run, args[0], &last, out);
    }
    if (self.field_count == command->operands[0].field_count || args[0].kind != VALUE_TIME)
        return fail_at(run, command->operands[0].offset, slice_trim(command->operands[0].source),
                       arena_printf(run->arena, "%.*s is not a method but has arguments", SLICE_ARG(name)).ptr);
    for (size_t i = 1; i < command->count && count < 3; i++) {
        if (!operand_run(run, &command->operands[i], dot, &args[count++]))
            return false;
    }
    if (final != NULL && count < 3)
        args[count++] = *final;
    struct err inner;
    struct call call = {run->template, run->labels, run->arena, args, count, NULL, command->source, TEMPLATE_OUTPUT_BYTES_MAX, run->asker};
    return template_time_method(name, &call, out, &inner) ||
           fail_at(run, command->operands[0].offset, slice_trim(command->operands[0].source), arena_printf(run->arena, "%.1000s", inner.text).ptr);
}

static bool command_run(struct run *run, const struct command *command, const struct value *dot, const struct value *final, struct value *out)
{
    struct value args[ARGS_MAX];
    size_t count = 0;
    const struct operand *first = &command->operands[0];
    if (!step(run))
        return false;
    if (first->kind != OPERAND_FUNCTION) {
        if (first->kind == OPERAND_LITERAL && first->literal.kind == VALUE_NIL)
            return fail_at(run, first->offset, slice_trim(first->source), "nil is not a command");
        if (command->count > 1 || (final != NULL && first->kind != OPERAND_PIPELINE))
            return method_call(run, command, dot, final, out);
        return operand_run(run, first, dot, out);
    }
    if (first->field_count > 0 && command->count > 1) // {{ now.Format "15:04" }}
        return method_call(run, command, dot, final, out);
    if (first->function->is_lazy)
        return lazy_call(run, command, dot, final, out);
    if (!count_fits(run, first, command->count - 1 + (final != NULL ? 1 : 0)))
        return false;
    for (size_t i = 1; i < command->count; i++) {
        if (count == ARGS_MAX - 1)
            return fail_at(run, command->offset, command->source, "too many arguments");
        if (!operand_run(run, &command->operands[i], dot, &args[count]))
            return false;
        number_fits(first->function, &command->operands[i], count, &args[count]);
        if (!argument_fits(run, command, i, count, &args[count]))
            return false;
        count++;
    }
    if (final != NULL) {
        if (!argument_fits(run, command, SIZE_MAX, count, final))
            return false;
        args[count++] = *final;
    }
    struct value result;
    return function_call(run, command, args, count, &result) && fields_get(run, result, first, out);
}

static bool pipeline_run(struct run *run, const struct pipeline_node *pipeline, const struct value *dot, struct value *out)
{
    struct value value = VALUE_NONE;
    for (size_t i = 0; i < pipeline->count; i++) {
        struct value before = value;
        if (!command_run(run, &pipeline->commands[i], dot, i == 0 ? NULL : &before, &value))
            return false;
        value.is_boxed = false;
    }
    *out = value;
    return true;
}

/* ---- nodes ---- */

static enum flow list_run(struct run *run, const struct node_list *list, const struct value *dot);

static enum flow iteration(struct run *run, const struct node *node, struct value key, struct value item)
{
    if (node->pipeline->variable != SIZE_MAX)
        run->variables[node->pipeline->variable] = item;
    if (node->pipeline->key_variable != SIZE_MAX)
        run->variables[node->pipeline->key_variable] = key;
    return step(run) ? list_run(run, &node->body, &item) : FLOW_FAILS;
}

/* The i-th item of what is ranged over; false at its end. */
static bool item_at(const struct value *over, size_t i, struct value *key, struct value *item)
{
    struct slice name;
    struct slice text;
    switch (over->kind) {
    case VALUE_LABELS:
        if (!over->labels->at(over->labels->self, i, &name, &text))
            return false;
        *key = value_text(name);
        *item = value_text(text);
        return true;
    case VALUE_LIST:
    case VALUE_MAP:
        if (i >= over->count)
            return false;
        *key = over->kind == VALUE_MAP ? value_text(over->keys[i]) : value_int((int64_t)i);
        *item = over->items[i];
        item->is_boxed = true;
        return true;
    case VALUE_INT:
        *key = *item = value_int((int64_t)i);
        return over->number > 0 && i < (uint64_t)over->number;
    case VALUE_NIL:
    case VALUE_STRING:
    case VALUE_FLOAT:
    case VALUE_BOOL:
    case VALUE_TIME:
        break;
    }
    return false;
}

static enum flow range_run(struct run *run, const struct node *node, const struct value *dot)
{
    struct value over;
    struct value key;
    struct value item;
    if (!pipeline_run(run, node->pipeline, dot, &over))
        return FLOW_FAILS;
    if (over.kind == VALUE_STRING || over.kind == VALUE_FLOAT || over.kind == VALUE_BOOL || over.kind == VALUE_TIME) {
        const struct command *last = &node->pipeline->commands[node->pipeline->count - 1];
        const struct operand *at = last_seen(&last->operands[last->count - 1]);
        struct slice shown = value_string(&over, run->arena);
        (void)fail_at(run, at->offset, slice_trim(at->source), arena_printf(run->arena, "range can't iterate over %.*s", SLICE_ARG(shown)).ptr);
        return FLOW_FAILS;
    }
    size_t i = 0;
    for (; item_at(&over, i, &key, &item); i++) {
        enum flow flow = iteration(run, node, key, item);
        if (flow == FLOW_FAILS)
            return flow;
        if (flow == FLOW_BREAKS)
            return FLOW_GOES_ON;
    }
    return i > 0 ? FLOW_GOES_ON : list_run(run, &node->otherwise, dot);
}

static enum flow branch_run(struct run *run, const struct node *node, const struct value *dot)
{
    struct value value;
    if (!pipeline_run(run, node->pipeline, dot, &value))
        return FLOW_FAILS;
    if (node->pipeline->variable != SIZE_MAX)
        run->variables[node->pipeline->variable] = value;
    if (!value_truth(&value))
        return list_run(run, &node->otherwise, dot);
    return list_run(run, &node->body, node->kind == NODE_WITH ? &value : dot);
}

static enum flow call_run(struct run *run, const struct node *node, const struct value *dot)
{
    struct value value = {.kind = VALUE_NIL};
    const struct definition *found = NULL;
    for (size_t i = 0; i < run->template->definition_count; i++) {
        if (slice_eq(run->template->definitions[i].name, node->text))
            found = &run->template->definitions[i];
    }
    if (node->pipeline != NULL && !pipeline_run(run, node->pipeline, dot, &value))
        return FLOW_FAILS;
    if (found == NULL) {
        struct slice shown = arena_printf(run->arena, "{{%.*s}}", SLICE_ARG(node->source));
        (void)fail_at(run, node->offset, shown, arena_printf(run->arena, "template \"%.*s\" not defined", SLICE_ARG(node->text)).ptr);
        return FLOW_FAILS;
    }
    if (run->depth == TEMPLATE_DEPTH_MAX) {
        (void)err_set(run->err, ERR_LIMIT, "template: %s: exceeded maximum template depth (%d)", run->template->name, TEMPLATE_DEPTH_MAX);
        return FLOW_FAILS;
    }
    struct value outer[TEMPLATE_VARIABLES_MAX];
    memcpy(outer, run->variables, run->template->variable_count * sizeof(outer[0]));
    run->variables[0] = value;
    run->depth++;
    enum flow flow = list_run(run, &found->body, &value);
    run->depth--;
    memcpy(run->variables, outer, run->template->variable_count * sizeof(outer[0]));
    return flow;
}

static enum flow action_run(struct run *run, const struct node *node, const struct value *dot)
{
    struct value value;
    if (!pipeline_run(run, node->pipeline, dot, &value))
        return FLOW_FAILS;
    if (node->pipeline->variable != SIZE_MAX)
        run->variables[node->pipeline->variable] = value;
    else if (value.kind == VALUE_NIL)
        buf_str(run->out, "<no value>");
    else
        value_print(&value, run->out);
    return FLOW_GOES_ON;
}

static enum flow node_run(struct run *run, const struct node *node, const struct value *dot)
{
    switch (node->kind) {
    case NODE_TEXT:
        buf_put(run->out, node->text);
        return FLOW_GOES_ON;
    case NODE_ACTION:
        return action_run(run, node, dot);
    case NODE_IF:
    case NODE_WITH:
        return branch_run(run, node, dot);
    case NODE_RANGE:
        return range_run(run, node, dot);
    case NODE_CALL:
        return call_run(run, node, dot);
    case NODE_BREAK:
        return FLOW_BREAKS;
    case NODE_CONTINUE:
        return FLOW_CONTINUES;
    }
    return FLOW_FAILS;
}

static enum flow list_run(struct run *run, const struct node_list *list, const struct value *dot)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!step(run))
            return FLOW_FAILS;
        enum flow flow = node_run(run, &list->nodes[i], dot);
        if (flow != FLOW_GOES_ON)
            return flow;
    }
    return step(run) ? FLOW_GOES_ON : FLOW_FAILS;
}

/* Text and fields alone: no state of a run is set up, which is most of what a short template costs. */
static bool plain_run(const struct template *template, const struct template_labels *labels, struct buf *out, struct err *err)
{
    size_t begin = out->len;
    for (size_t i = 0; i < template->body.count; i++) {
        const struct node *node = &template->body.nodes[i];
        struct slice text = node->text;
        if (node->kind != NODE_TEXT && !labels->get(labels->self, node->pipeline->commands[0].operands[0].fields[0], &text))
            continue;
        if (text.len > TEMPLATE_OUTPUT_BYTES_MAX - (out->len - begin)) {
            out->len = begin;
            return err_set(err, ERR_LIMIT, "template: %s: takes more than %zu bytes of output", template->name, TEMPLATE_OUTPUT_BYTES_MAX);
        }
        buf_put(out, text);
    }
    return true;
}

static bool run_with(const struct template *template, const struct template_labels *labels, const struct template_asker *asker, const struct value *dot,
                     struct arena *scratch, struct buf *out, struct err *err)
{
    struct run run;
    run.template = template;
    run.labels = labels;
    run.asker = asker;
    run.arena = scratch;
    run.out = out;
    run.out_begin = out->len;
    run.scratch_begin = scratch->bytes;
    run.steps = run.depth = 0;
    run.err = err;
    for (size_t i = 0; i < template->variable_count; i++)
        run.variables[i] = VALUE_NONE;
    run.variables[0] = *dot;
    if (list_run(&run, &template->body, dot) != FLOW_FAILS)
        return true;
    out->len = run.out_begin;
    return false;
}

bool template_run(const struct template *template, const struct template_labels *labels, struct arena *scratch, struct buf *out, struct err *err)
{
    const struct value dot = {.kind = VALUE_LABELS, .labels = labels};
    if (template->is_plain)
        return plain_run(template, labels, out, err);
    return run_with(template, labels, NULL, &dot, scratch, out, err);
}

bool template_run_alert(const struct template *template, const struct template_labels *labels, double value, const struct template_asker *asker,
                        struct arena *scratch, struct buf *out, struct err *err)
{
    static const struct slice keys[] = {{"ExternalLabels", 14}, {"ExternalURL", 11}, {"Labels", 6}, {"Value", 5}};
    const struct value items[] = {{.kind = VALUE_MAP}, value_text(labels->line), {.kind = VALUE_LABELS, .labels = labels}, value_float(value)};
    const struct value dot = {.kind = VALUE_MAP, .keys = keys, .items = items, .count = LENGTH(keys)};
    return run_with(template, labels, asker, &dot, scratch, out, err);
}
