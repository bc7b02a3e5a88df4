/* template_tree.h: a compiled template: nodes in the compile's arena. */
#pragma once

#include "core/model/regex.h"
#include "core/template/template.h"
#include "core/template/template_value.h"

#define TEMPLATE_DEPTH_MAX 64
#define TEMPLATE_VARIABLES_MAX 64

struct function;
struct pipeline_node;

enum operand_kind { OPERAND_LITERAL, OPERAND_DOT, OPERAND_FIELDS, OPERAND_VARIABLE, OPERAND_FUNCTION, OPERAND_PIPELINE };

struct operand {
    enum operand_kind kind;
    struct value literal;
    size_t variable;              /* slot */
    const struct function *function;
    struct pipeline_node *inner;  /* in parentheses */
    struct slice *fields;         /* .a.b behind the dot, a variable or parentheses */
    size_t field_count;
    size_t offset;                /* in the template's source: where messages point */
    struct slice source;
};

struct command {
    struct operand *operands; /* the first is called when there are more, or when it is a function */
    size_t count;
    struct slice source;
    size_t offset;
    struct regex *regex;      /* of a constant first argument of a regex function */
};

struct pipeline_node {
    struct command *commands;
    size_t count;
    size_t variable;      /* $x := or $x =; SIZE_MAX: none */
    size_t key_variable;  /* range $i, $v := */
    bool declares;
};

enum node_kind { NODE_TEXT, NODE_ACTION, NODE_IF, NODE_RANGE, NODE_WITH, NODE_BREAK, NODE_CONTINUE, NODE_CALL };

struct node_list {
    struct node *nodes;
    size_t count;
};

struct node {
    enum node_kind kind;
    struct slice text; /* TEXT; CALL: the name */
    struct slice source; /* CALL: the action, for messages */
    size_t offset;
    struct pipeline_node *pipeline;
    struct node_list body, otherwise;
};

struct definition {
    struct slice name;
    struct node_list body;
};

struct template {
    const char *name;
    enum template_dialect dialect;
    struct slice source;
    struct node_list body;
    struct definition *definitions;
    size_t definition_count;
    size_t variable_count;
    bool is_plain; /* only text and {{.name}}: runs without the interpreter */
    struct regex **regexes;
    size_t regex_count;
};

/* The action is exactly {{.name}}. */
bool node_is_field(const struct node *node, struct slice *name);

/* ---- functions ---- */

struct call {
    const struct template *template;
    const struct template_labels *labels;
    struct arena *arena; /* the run's scratch */
    const struct value *args;
    size_t count;
    const struct regex *regex; /* of a constant pattern */
    struct slice source;       /* the first argument as written; none when a pipe brings it */
    size_t output_max;         /* a text over it is refused before memory is taken */
    const struct template_asker *asker; /* of alerts */
};

struct function {
    const char *name;
    size_t args_min, args_max; /* SIZE_MAX: any number */
    bool is_lazy;              /* and, or: arguments are evaluated one by one */
    bool takes_pattern;        /* its first argument is a regex */
    /* False with the message that stands behind "error calling NAME: ". */
    bool (*run)(const struct call *call, struct value *out, struct err *err);
    const char *params; /* types of the first parameters: s string, i int, t time, . and behind the last: any */
};

/* A method of time.Time: {{ now.Unix }}, {{ __timestamp__.Format "15:04" }}. False with the message. */
bool template_time_method(struct slice name, const struct call *call, struct value *out, struct err *err) MUST_CHECK;

/* printf, functions_printf.c. */
bool template_printf(const struct call *call, struct value *out, struct err *err) MUST_CHECK;

/* By name over all tables of a dialect, or NULL. */
const struct function *function_find(struct slice name, enum template_dialect dialect) MUST_CHECK;

struct function_table {
    const struct function *functions;
    size_t count;
};
struct function_table template_string_functions(void);
struct function_table template_number_functions(void);
struct function_table template_compare_functions(void);
struct function_table template_time_functions(void);
struct function_table template_data_functions(void);
struct function_table template_regex_functions(void);
struct function_table template_alert_functions(void);
struct function_table template_query_functions(void);

/* ---- parsing ---- */

/* Fills template; false with Go's text. */
bool template_parse(struct template *template, struct arena *arena, struct err *err) MUST_CHECK;
