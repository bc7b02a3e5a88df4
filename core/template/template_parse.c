/* template_parse.c: text with {{actions}} to a tree. Errors in Go's words: "template: line:1: unexpected {{end}}". */
#include "core/template/template_lex.h"
#include "core/template/template_tree.h"

#include "core/base/mem.h"
#include "core/model/go_text.h"

enum keyword { WORD_NONE, WORD_IF, WORD_ELSE, WORD_END, WORD_RANGE, WORD_WITH, WORD_BREAK, WORD_CONTINUE, WORD_DEFINE, WORD_TEMPLATE, WORD_BLOCK };

struct scope { /* of variables */
    struct slice names[TEMPLATE_VARIABLES_MAX];
    size_t count;
};

struct parser {
    struct template *template;
    struct arena *arena;
    size_t at;         /* in the source, between actions */
    size_t action_end; /* of the action under way: before }} and a trim marker */
    bool is_open;      /* there is no }}: the source's end ends the action */
    size_t else_behind; /* behind the }} of an {{else if}} */
    struct template_token token;
    bool trims_left;   /* the last action ended with -}} */
    struct scope scope;
    struct slice pending[2]; /* what the pipeline under way declares: known behind it, in it only its outer namesake is */
    size_t depth, ranges;
    struct regex **regexes; /* malloc'd while parsing: template takes them */
};

static bool fail(const struct parser *parser, const char *text, struct err *err)
{
    size_t line = 1;
    for (size_t i = 0; i < parser->token.offset && i < parser->template->source.len; i++)
        line += parser->template->source.ptr[i] == '\n';
    return err_set(err, ERR_INVALID, "template: %s:%zu: %.1500s", parser->template->name, line, text);
}

static bool fail_word(const struct parser *parser, const char *before, struct slice word, const char *after, struct err *err)
{
    return fail(parser, arena_printf(parser->arena, "%s%.*s%s", before, SLICE_ARG(word), after).ptr, err);
}

static bool next(struct parser *parser, struct err *err)
{
    struct err inner;
    if (!template_lex(parser->template->source, &parser->at, parser->action_end, &parser->token, &inner))
        return fail(parser, inner.text, err);
    return parser->token.kind != TT_END || !parser->is_open || fail(parser, "unclosed action", err);
}

static bool next_word(struct parser *parser, struct err *err)
{
    do {
        if (!next(parser, err))
            return false;
    } while (parser->token.kind == TT_SPACE);
    return true;
}

static void *push(struct parser *parser, void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    void *bigger = arena_array(parser->arena, count == 0 ? 1 : count * 2, size, _Alignof(max_align_t));
    if (count > 0)
        memcpy(bigger, array, count * size);
    return bigger;
}

static bool enter(struct parser *parser, struct err *err)
{
    return ++parser->depth <= TEMPLATE_DEPTH_MAX || fail(parser, "nested too deeply", err);
}

static enum keyword keyword_of(struct slice text)
{
    static const struct slice words[] = {{"if", 2}, {"else", 4}, {"end", 3}, {"range", 5}, {"with", 4}, {"break", 5}, {"continue", 8}, {"define", 6}, {"template", 8}, {"block", 5}};
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq(text, words[i]))
            return (enum keyword)(i + 1);
    }
    return WORD_NONE;
}

/* A token as Go's messages show it. */
static const char *token_shown(const struct parser *parser)
{
    const struct template_token *token = &parser->token;
    struct slice text = token->kind == TT_END ? SLICE("}}") : slice_of(parser->template->source.ptr + token->offset, parser->at - token->offset);
    if (token->kind == TT_DOT || (token->kind == TT_IDENTIFIER && (keyword_of(text) != WORD_NONE || slice_eq(text, SLICE("nil")))))
        return arena_printf(parser->arena, "<%.*s>", SLICE_ARG(text)).ptr;
    struct buf quoted = BUF_INIT;
    go_quote(&quoted, text.len > 10 ? slice_of(text.ptr, 10) : text);
    const char *shown = arena_printf(parser->arena, "%.*s%s", SLICE_ARG(buf_slice(&quoted)), text.len > 10 ? "..." : "").ptr;
    buf_fini(&quoted);
    return shown;
}

static bool unexpected(struct parser *parser, const char *context, struct err *err)
{
    return fail(parser, arena_printf(parser->arena, "unexpected %s in %s", token_shown(parser), context).ptr, err);
}

/* ---- operands ---- */

static bool literal_number(struct parser *parser, struct operand *out, struct err *err)
{
    struct slice text = parser->token.text;
    struct value value = value_text(text);
    bool is_float = slice_find_byte(text, '.') < text.len ||
                    (slice_find_byte(text, 'x') == text.len && (slice_find_byte(text, 'e') < text.len || slice_find_byte(text, 'E') < text.len));
    if (is_float && go_parse_float(text, &value.real, NULL)) {
        out->literal = value_float(value.real);
        return true;
    }
    int64_t number = value_to_int(&value);
    if (is_float || (number == 0 && text.ptr[text.len - 1] != '0'))
        return fail_word(parser, "illegal number syntax: \"", text, "\"", err);
    out->literal = value_int(number);
    return true;
}

static bool literal_string(struct parser *parser, struct operand *out, struct err *err)
{
    struct buf text = BUF_INIT;
    bool ok = go_unquote(parser->token.text, &text);
    struct slice copy = arena_copy(parser->arena, buf_slice(&text));
    buf_fini(&text);
    if (!ok)
        return fail(parser, "invalid syntax", err);
    if (parser->token.kind == TT_CHARACTER) {
        size_t len = 0;
        out->literal = value_int(copy.len == 0 ? 0 : utf8_decode(copy, &len));
    } else {
        out->literal = value_text(copy);
    }
    return true;
}

static bool variable(struct parser *parser, struct slice name, size_t *slot, struct err *err)
{
    for (size_t i = parser->scope.count; i-- > 0;) {
        if (slice_eq(parser->scope.names[i], name)) {
            *slot = i;
            return true;
        }
    }
    *slot = SIZE_MAX; // Go finds out at run time
    if (slice_eq(name, parser->pending[0]) || slice_eq(name, parser->pending[1]))
        return true;
    return fail_word(parser, "undefined variable \"", name, "\"", err);
}

static bool declare(struct parser *parser, struct slice name, size_t *slot, struct err *err)
{
    if (parser->scope.count == TEMPLATE_VARIABLES_MAX)
        return fail(parser, "too many variables", err);
    *slot = parser->scope.count;
    parser->scope.names[parser->scope.count++] = name;
    if (parser->scope.count > parser->template->variable_count)
        parser->template->variable_count = parser->scope.count;
    return true;
}

static bool pipeline(struct parser *parser, const char *context, enum template_token_kind close, struct pipeline_node **out, struct err *err);

static bool identifier(struct parser *parser, struct operand *out, struct err *err)
{
    struct slice text = parser->token.text;
    if (slice_eq(text, SLICE("true")) || slice_eq(text, SLICE("false"))) {
        out->literal = value_bool(text.len == 4);
        return true;
    }
    if (slice_eq(text, SLICE("nil"))) {
        out->literal = (struct value){.kind = VALUE_NIL};
        return true;
    }
    out->kind = OPERAND_FUNCTION;
    out->function = function_find(text, parser->template->dialect);
    return out->function != NULL || fail_word(parser, "function \"", text, "\" not defined", err);
}

static void field_add(struct parser *parser, struct operand *operand, struct slice name)
{
    operand->fields = push(parser, operand->fields, operand->field_count, sizeof(*operand->fields));
    operand->fields[operand->field_count++] = name;
}

/* The token under the cursor as an operand; *is_one false: it is none. Leaves the cursor behind it. */
static bool operand(struct parser *parser, struct operand *out, bool *is_one, struct err *err)
{
    *out = (struct operand){.kind = OPERAND_LITERAL, .offset = parser->token.offset};
    *is_one = true;
    bool ok = true;
    bool is_chain = false;
    size_t begin = parser->token.offset;
    switch (parser->token.kind) {
    case TT_STRING:
    case TT_CHARACTER:
        ok = literal_string(parser, out, err);
        break;
    case TT_NUMBER:
        ok = literal_number(parser, out, err);
        break;
    case TT_IDENTIFIER:
        ok = identifier(parser, out, err);
        break;
    case TT_DOT:
        out->kind = OPERAND_DOT;
        break;
    case TT_FIELD:
        out->kind = OPERAND_FIELDS;
        field_add(parser, out, parser->token.text);
        break;
    case TT_VARIABLE:
        out->kind = OPERAND_VARIABLE;
        ok = variable(parser, parser->token.text, &out->variable, err);
        break;
    case TT_OPEN:
        out->kind = OPERAND_PIPELINE;
        ok = enter(parser, err) && next_word(parser, err) && pipeline(parser, "parenthesized pipeline", TT_CLOSE, &out->inner, err);
        parser->depth--;
        break;
    case TT_END:
    case TT_SPACE:
    case TT_CLOSE:
    case TT_PIPE:
    case TT_DECLARE:
    case TT_ASSIGN:
    case TT_COMMA:
    case TT_OTHER:
        *is_one = false;
        return true;
    }
    if (!ok || !next(parser, err))
        return false;
    while (parser->token.kind == TT_FIELD) { // a chain, without space between
        if (out->kind == OPERAND_LITERAL)
            return fail_word(parser, "unexpected . after term \"", parser->token.text, "\"", err);
        if (out->kind != OPERAND_FUNCTION && !is_chain)
            out->offset = parser->token.offset; // where Go points for a chain
        is_chain = true;
        field_add(parser, out, parser->token.text);
        if (!next(parser, err))
            return false;
    }
    out->source = slice_of(parser->template->source.ptr + begin, parser->token.offset - begin);
    return true;
}

static bool regex_of_constant(struct parser *parser, struct command *command)
{
    if (command->count < 2 || command->operands[0].kind != OPERAND_FUNCTION || !command->operands[0].function->takes_pattern ||
        command->operands[1].kind != OPERAND_LITERAL || command->operands[1].literal.kind != VALUE_STRING)
        return true;
    struct err err; // a bad pattern is told when the function runs, as in Go
    if (!regex_compile(command->operands[1].literal.text, REGEX_SEARCH, &command->regex, &err))
        return true;
    struct template *template = parser->template;
    parser->regexes = mem_grow(parser->regexes, template->regex_count + 1, sizeof(*parser->regexes));
    parser->regexes[template->regex_count++] = command->regex;
    template->regexes = parser->regexes;
    return true;
}

static bool command(struct parser *parser, const char *context, struct command *out, struct err *err)
{
    *out = (struct command){.offset = parser->token.offset};
    size_t end = out->offset;
    for (;;) {
        struct operand one;
        bool is_one = false;
        if (!operand(parser, &one, &is_one, err))
            return false;
        if (is_one) {
            out->operands = push(parser, out->operands, out->count, sizeof(*out->operands));
            out->operands[out->count++] = one;
            end = parser->token.offset;
        }
        if (parser->token.kind != TT_SPACE)
            break;
        if (!next_word(parser, err))
            return false;
    }
    if (out->count == 0 && parser->token.kind != TT_END && parser->token.kind != TT_CLOSE)
        return unexpected(parser, context, err);
    if (out->count == 0)
        return fail_word(parser, "missing value for ", slice_str(context), "", err);
    if (out->operands[0].kind == OPERAND_LITERAL && out->count > 1)
        return fail(parser, "can't give argument to non-function", err);
    out->source = slice_trim(slice_of(parser->template->source.ptr + out->offset, end - out->offset));
    return regex_of_constant(parser, out);
}

static bool commands(struct parser *parser, const char *context, enum template_token_kind close, struct pipeline_node *out, struct err *err)
{
    for (;;) {
        out->commands = push(parser, out->commands, out->count, sizeof(*out->commands));
        if (parser->token.kind == TT_END && close == TT_CLOSE)
            return fail(parser, "unclosed left paren", err);
        if (!command(parser, context, &out->commands[out->count], err))
            return false;
        const struct operand *first = &out->commands[out->count].operands[0];
        if (out->count > 0 && (first->kind == OPERAND_LITERAL || (first->kind == OPERAND_DOT && first->field_count == 0)))
            return fail(parser, arena_printf(parser->arena, "non executable command in pipeline stage %zu", out->count + 1).ptr, err);
        out->count++;
        if (parser->token.kind == close)
            return true;
        if (parser->token.kind == TT_END)
            return fail(parser, "unclosed left paren", err);
        if (parser->token.kind == TT_CLOSE)
            return fail(parser, "unexpected right paren", err);
        if (parser->token.kind != TT_PIPE)
            return unexpected(parser, "operand", err);
        if (!next_word(parser, err))
            return false;
        if (parser->token.kind == close) // {{ .x | }}: Go lets it pass
            return true;
    }
}

/* $x := , $x = , and range's $i, $v := in front. What is declared is left in pending. */
static bool declarations(struct parser *parser, const char *context, struct pipeline_node *out, struct err *err)
{
    bool is_range = strcmp(context, "range") == 0;
    if (parser->token.kind != TT_VARIABLE)
        return true;
    size_t back = parser->at;
    struct template_token first = parser->token;
    struct slice second = SLICE_NONE;
    if (!next_word(parser, err))
        return false;
    if (is_range && parser->token.kind == TT_COMMA) {
        if (!next_word(parser, err))
            return false;
        if (parser->token.kind != TT_VARIABLE)
            return fail(parser, "range can only initialize variables", err);
        second = parser->token.text;
        if (!next_word(parser, err))
            return false;
    }
    if (parser->token.kind != TT_DECLARE && parser->token.kind != TT_ASSIGN) { // it was an operand
        parser->at = back;
        parser->token = first;
        return true;
    }
    out->declares = parser->token.kind == TT_DECLARE;
    struct slice names[2] = {first.text, second};
    size_t *slots[2] = {second.ptr != NULL ? &out->key_variable : &out->variable, &out->variable};
    for (size_t i = 0; i < (second.ptr != NULL ? 2u : 1u); i++) {
        if (out->declares)
            parser->pending[i] = names[i];
        else if (!variable(parser, names[i], slots[i], err))
            return false;
    }
    return next_word(parser, err);
}

static bool pipeline(struct parser *parser, const char *context, enum template_token_kind close, struct pipeline_node **out, struct err *err)
{
    struct pipeline_node *node = ARENA_NEW(parser->arena, struct pipeline_node);
    node->variable = node->key_variable = SIZE_MAX;
    *out = node;
    const struct slice outer[2] = {parser->pending[0], parser->pending[1]};
    parser->pending[0] = parser->pending[1] = SLICE_NONE;
    if (!declarations(parser, context, node, err) || !commands(parser, context, close, node, err))
        return false;
    const bool has_key = parser->pending[1].ptr != NULL;
    if (parser->pending[0].ptr != NULL && !declare(parser, parser->pending[0], has_key ? &node->key_variable : &node->variable, err))
        return false;
    if (has_key && !declare(parser, parser->pending[1], &node->variable, err))
        return false;
    memcpy(parser->pending, outer, sizeof(outer));
    return true;
}

/* ---- text and actions ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Finds the end of the action that begins behind {{ at parser->at: sets action_end, is_open and *behind. What is wrong in it tells the lexer when it gets there. */
static void action_bounds(struct parser *parser, size_t *behind)
{
    struct slice source = parser->template->source;
    for (size_t i = parser->at; i < source.len; i++) {
        char c = source.ptr[i];
        if (c == '"' || c == '\'' || c == '`') {
            size_t end = i + 1;
            while (end < source.len && source.ptr[end] != c && (c == '`' || source.ptr[end] != '\n'))
                end += c != '`' && source.ptr[end] == '\\' ? 2 : 1;
            if (end >= source.len || source.ptr[end] != c)
                break;
            i = end;
        } else if (c == '}' && i + 1 < source.len && source.ptr[i + 1] == '}') {
            bool trims = i >= 2 && source.ptr[i - 1] == '-' && i - 1 > parser->at && is_space(source.ptr[i - 2]);
            parser->action_end = trims ? i - 1 : i;
            parser->trims_left = trims;
            parser->is_open = false;
            *behind = i + 2;
            return;
        }
    }
    parser->action_end = *behind = source.len;
    parser->is_open = true;
}

static bool comment(struct parser *parser, bool *was_one, struct err *err)
{
    struct slice source = parser->template->source;
    struct slice rest = slice_from(source, parser->at);
    *was_one = slice_starts(rest, SLICE("/*"));
    if (!*was_one)
        return true;
    const char *end = memmem(rest.ptr, rest.len, "*/", 2);
    if (end == NULL)
        return fail(parser, "unclosed comment", err);
    struct slice behind = slice_from(rest, (size_t)(end - rest.ptr) + 2);
    parser->trims_left = behind.len >= 4 && is_space(behind.ptr[0]) && behind.ptr[1] == '-';
    if (parser->trims_left)
        behind = slice_from(behind, 2);
    if (!slice_starts(behind, SLICE("}}")))
        return fail(parser, "comment ends before closing delimiter", err);
    parser->at = (size_t)(behind.ptr - source.ptr) + 2;
    return true;
}

static void node_add(struct parser *parser, struct node_list *list, const struct node *node)
{
    list->nodes = push(parser, list->nodes, list->count, sizeof(*list->nodes));
    list->nodes[list->count++] = *node;
}

static bool list_parse(struct parser *parser, struct node_list *out, enum keyword *ended_by, bool *else_if, struct err *err);

/* The rest of an action must be empty. */
static bool action_empty(struct parser *parser, const char *context, struct err *err)
{
    if (!next_word(parser, err))
        return false;
    return parser->token.kind == TT_END || fail_word(parser, "unexpected <", parser->token.text.len > 0 ? parser->token.text : slice_str(context), "> in input", err);
}

/* if, with and range from their pipeline on, to their end. */
static bool control(struct parser *parser, enum node_kind kind, const char *context, size_t behind, struct node_list *list, struct err *err)
{
    struct node node = {.kind = kind};
    struct scope outer = parser->scope;
    enum keyword ended_by = WORD_NONE;
    bool else_if = false;
    if (!enter(parser, err) || !next_word(parser, err) || !pipeline(parser, context, TT_END, &node.pipeline, err))
        return false;
    parser->at = behind;
    parser->ranges += kind == NODE_RANGE;
    if (!list_parse(parser, &node.body, &ended_by, &else_if, err))
        return false;
    parser->ranges -= kind == NODE_RANGE;
    if (ended_by == WORD_ELSE && else_if) { // {{else if}}: the cursor is in its action, whose end closes both
        if (!control(parser, parser->token.text.len == 2 ? NODE_IF : NODE_WITH, parser->token.text.len == 2 ? "if" : "with", parser->else_behind, &node.otherwise, err))
            return false;
    } else if (ended_by == WORD_ELSE) {
        if (!list_parse(parser, &node.otherwise, &ended_by, &else_if, err))
            return false;
        if (ended_by == WORD_ELSE)
            return fail(parser, "expected end; found {{else}}", err);
    }
    parser->scope.count = outer.count;
    parser->depth--;
    node_add(parser, list, &node);
    return true;
}

static bool name_string(struct parser *parser, const char *context, struct slice *out, struct err *err)
{
    struct operand name = {0};
    if (!next_word(parser, err))
        return false;
    if (parser->token.kind != TT_STRING)
        return unexpected(parser, arena_printf(parser->arena, "%s clause", context).ptr, err);
    if (!literal_string(parser, &name, err))
        return false;
    *out = name.literal.text;
    return true;
}

static bool define(struct parser *parser, struct slice name, size_t behind, struct err *err)
{
    struct template *template = parser->template;
    struct scope outer = parser->scope;
    enum keyword ended_by = WORD_NONE;
    bool else_if = false;
    struct node_list body = {0};
    parser->at = behind;
    parser->scope.count = 1;
    if (!enter(parser, err) || !list_parse(parser, &body, &ended_by, &else_if, err))
        return false;
    if (ended_by != WORD_END)
        return fail(parser, "unexpected {{else}}", err);
    parser->depth--;
    parser->scope = outer;
    template->definitions = push(parser, template->definitions, template->definition_count, sizeof(*template->definitions));
    template->definitions[template->definition_count++] = (struct definition){name, body};
    return true;
}

/* {{template "x" pipeline}}, {{block "x" pipeline}}...{{end}} */
static bool call(struct parser *parser, bool is_block, size_t behind, struct node_list *list, struct err *err)
{
    struct node node = {.kind = NODE_CALL};
    const size_t begin = parser->token.offset;
    if (!name_string(parser, is_block ? "block" : "template", &node.text, err) || !(node.offset = parser->token.offset, next_word(parser, err)))
        return false;
    if (parser->token.kind != TT_END && !pipeline(parser, is_block ? "block clause" : "template clause", TT_END, &node.pipeline, err))
        return false;
    node.source = slice_trim(slice_of(parser->template->source.ptr + begin, parser->action_end - begin));
    node_add(parser, list, &node);
    if (is_block)
        return define(parser, node.text, behind, err);
    parser->at = behind;
    return true;
}

/* One action; *ended_by is set for end and else. */
static bool action(struct parser *parser, struct node_list *list, enum keyword *ended_by, bool *else_if, struct err *err)
{
    size_t behind = 0;
    struct node node = {.kind = NODE_ACTION};
    action_bounds(parser, &behind);
    if (!next_word(parser, err))
        return false;
    enum keyword word = parser->token.kind == TT_IDENTIFIER ? keyword_of(parser->token.text) : WORD_NONE;
    switch (word) {
    case WORD_IF:
        return control(parser, NODE_IF, "if", behind, list, err);
    case WORD_WITH:
        return control(parser, NODE_WITH, "with", behind, list, err);
    case WORD_RANGE:
        return control(parser, NODE_RANGE, "range", behind, list, err);
    case WORD_DEFINE: {
        struct slice name;
        return name_string(parser, "define", &name, err) && define(parser, name, behind, err);
    }
    case WORD_TEMPLATE:
    case WORD_BLOCK:
        return call(parser, word == WORD_BLOCK, behind, list, err);
    case WORD_BREAK:
    case WORD_CONTINUE:
        if (parser->ranges == 0)
            return fail(parser, word == WORD_BREAK ? "{{break}} outside {{range}}" : "{{continue}} outside {{range}}", err);
        node.kind = word == WORD_BREAK ? NODE_BREAK : NODE_CONTINUE;
        node_add(parser, list, &node);
        parser->at = behind;
        return action_empty(parser, "break", err) && (parser->at = behind, true);
    case WORD_ELSE:
        *ended_by = WORD_ELSE;
        if (!next_word(parser, err))
            return false;
        *else_if = parser->token.kind == TT_IDENTIFIER && (slice_eq(parser->token.text, SLICE("if")) || slice_eq(parser->token.text, SLICE("with")));
        if (*else_if)
            parser->else_behind = behind; // control() reads the condition, then goes on there
        else if (parser->token.kind != TT_END)
            return fail_word(parser, "unexpected <", parser->token.text, "> in else", err);
        if (!*else_if)
            parser->at = behind;
        return true;
    case WORD_END:
        *ended_by = WORD_END;
        if (!action_empty(parser, "end", err))
            return false;
        parser->at = behind;
        return true;
    case WORD_NONE:
        break;
    }
    if (!pipeline(parser, "command", TT_END, &node.pipeline, err))
        return false;
    node_add(parser, list, &node);
    parser->at = behind;
    return true;
}

/* Text up to the next action, trimmed as the markers say; false in *has_action at the end of the source. */
static void text(struct parser *parser, struct node_list *list, bool *has_action)
{
    struct slice source = parser->template->source;
    struct slice rest = slice_from(source, parser->at);
    const char *open = rest.len == 0 ? NULL : memmem(rest.ptr, rest.len, "{{", 2);
    struct slice plain = open == NULL ? rest : slice_of(rest.ptr, (size_t)(open - rest.ptr));
    *has_action = open != NULL;
    parser->at += plain.len + (*has_action ? 2 : 0);
    while (parser->trims_left && plain.len > 0 && is_space(plain.ptr[0]))
        plain = slice_from(plain, 1);
    parser->trims_left = false;
    if (*has_action && parser->at + 1 < source.len && source.ptr[parser->at] == '-' && is_space(source.ptr[parser->at + 1])) {
        parser->at += 2;
        while (plain.len > 0 && is_space(plain.ptr[plain.len - 1]))
            plain.len--;
    }
    if (plain.len > 0) {
        struct node node = {.kind = NODE_TEXT, .text = plain};
        node_add(parser, list, &node);
    }
}

/* Nodes up to {{end}} or {{else}} (inside of something), or the end of the source (depth 0). */
static bool list_parse(struct parser *parser, struct node_list *out, enum keyword *ended_by, bool *else_if, struct err *err)
{
    bool has_action = true;
    *ended_by = WORD_NONE;
    for (;;) {
        bool was_comment = false;
        text(parser, out, &has_action);
        if (!has_action)
            break;
        if (!comment(parser, &was_comment, err))
            return false;
        if (was_comment)
            continue;
        if (!action(parser, out, ended_by, else_if, err))
            return false;
        if (*ended_by == WORD_NONE)
            continue;
        if (parser->depth > 0)
            return true;
        return fail(parser, *ended_by == WORD_END ? "unexpected {{end}}" : "unexpected {{else}}", err);
    }
    parser->token.offset = parser->template->source.len;
    return parser->depth == 0 || fail(parser, "unexpected EOF", err);
}

bool template_parse(struct template *template, struct arena *arena, struct err *err)
{
    struct parser parser = {.template = template, .arena = arena};
    enum keyword ended_by = WORD_NONE;
    bool else_if = false;
    parser.scope.names[0] = SLICE("$");
    parser.scope.count = template->variable_count = 1;
    return list_parse(&parser, &template->body, &ended_by, &else_if, err);
}
