/* loql_condition.c: conditions: their making, their truth, and what of them an index can use. */
#include "core/loql/loql.h"

struct loql_node *loql_test_create(struct loql_query *query, enum matcher_op op, struct slice name, struct slice value, struct arena *arena,
                                   struct err *err)
{
    struct loql_node *node = ARENA_NEW(arena, struct loql_node);
    *node = (struct loql_node){.kind = LOQL_TEST, .test = {.name = name, .value = value, .op = op}};
    if (op == MATCH_RE || op == MATCH_NRE) {
        if (query->regex_count == LOQL_REGEXES_MAX) {
            err_fill(err, ERR_LIMIT, "a query may hold %d regular expressions", LOQL_REGEXES_MAX);
            return NULL;
        }
        if (!regex_compile(value, REGEX_SEARCH, &node->regex, err))
            return NULL;
        query->regex_count++;
    }
    node->next_test = query->tests;
    query->tests = node;
    return node;
}

struct loql_node *loql_node_join(enum loql_kind kind, const struct loql_node *left, const struct loql_node *right, struct arena *arena)
{
    struct loql_node *node = ARENA_NEW(arena, struct loql_node);
    *node = (struct loql_node){.kind = kind, .left = left, .right = right};
    return node;
}

bool loql_test_add(struct loql_query *query, struct loql_node **condition, enum matcher_op op, struct slice name, struct slice value,
                   struct arena *arena, struct err *err)
{
    struct loql_node *node = loql_test_create(query, op, name, value, arena, err);
    if (node == NULL)
        return false;
    *condition = *condition == NULL ? node : loql_node_join(LOQL_AND, *condition, node, arena);
    return true;
}

void loql_query_fini(struct loql_query *query)
{
    for (struct loql_node *node = query->tests; node != NULL; node = node->next_test)
        regex_free(node->regex);
    *query = (struct loql_query){0};
}

static bool test_accepts(const struct loql_node *node, struct slice value)
{
    switch (node->test.op) {
    case MATCH_EQ:
        return slice_eq(value, node->test.value);
    case MATCH_NEQ:
        return !slice_eq(value, node->test.value);
    case MATCH_RE:
        return regex_matches(node->regex, value);
    case MATCH_NRE:
        return !regex_matches(node->regex, value);
    }
    return false;
}

/* Recurses as deep as the condition, which its text bounds: 1920 bytes hold fewer than 700 tests. */
bool loql_tags_accept(const struct loql_node *tags, const struct label_set *labels)
{
    struct slice value = SLICE("");
    if (tags == NULL)
        return true;
    if (tags->kind == LOQL_AND)
        return loql_tags_accept(tags->left, labels) && loql_tags_accept(tags->right, labels);
    if (tags->kind == LOQL_OR)
        return loql_tags_accept(tags->left, labels) || loql_tags_accept(tags->right, labels);
    if (!label_set_get(labels, tags->test.name, &value))
        value = SLICE("");
    return test_accepts(tags, value);
}

static bool is_message(struct slice name)
{
    return name.len == 0 || slice_eq(name, SLICE("_msg"));
}

bool loql_fields_accept(const struct loql_node *fields, const struct label_set *labels, struct slice metadata, struct slice line)
{
    struct slice value = line;
    if (fields == NULL)
        return true;
    if (fields->kind == LOQL_AND)
        return loql_fields_accept(fields->left, labels, metadata, line) && loql_fields_accept(fields->right, labels, metadata, line);
    if (fields->kind == LOQL_OR)
        return loql_fields_accept(fields->left, labels, metadata, line) || loql_fields_accept(fields->right, labels, metadata, line);
    struct slice name = fields->test.name;
    if (!is_message(name) && !label_encoded_get(metadata, name, &value) && !label_set_get(labels, name, &value))
        value = SLICE("");
    return test_accepts(fields, value);
}

/* ---- for the index ---- */

static size_t count_tests(const struct loql_node *node)
{
    if (node == NULL || node->kind == LOQL_OR)
        return 0;
    return node->kind == LOQL_TEST ? 1 : count_tests(node->left) + count_tests(node->right);
}

static size_t collect_matchers(const struct loql_node *node, struct matcher *out)
{
    if (node->kind == LOQL_OR)
        return 0;
    if (node->kind == LOQL_AND) {
        size_t n = collect_matchers(node->left, out);
        return n + collect_matchers(node->right, out + n);
    }
    *out = node->test;
    out->matches_empty = (out->value.len == 0) == (out->op == MATCH_EQ);
    return 1;
}

size_t loql_matchers(const struct loql_node *tags, struct arena *arena, struct matcher **out)
{
    *out = ARENA_ARRAY(arena, struct matcher, count_tests(tags));
    return tags == NULL ? 0 : collect_matchers(tags, *out);
}

static size_t collect_needles(const struct loql_node *node, struct needle *out)
{
    if (node->kind == LOQL_OR)
        return 0;
    if (node->kind == LOQL_AND) {
        size_t n = collect_needles(node->left, out);
        return n + collect_needles(node->right, out + n);
    }
    if (!is_message(node->test.name))
        return 0;
    if (node->test.op == MATCH_EQ && node->test.value.len > 0) {
        *out = (struct needle){.any = &node->test.value, .count = 1};
        return 1;
    }
    if (node->test.op != MATCH_RE)
        return 0;
    const struct regex_literals *literals = regex_literals(node->regex);
    if (literals->count == 0 || literals->ignores_case)
        return 0;
    *out = (struct needle){.any = literals->any, .count = literals->count};
    return 1;
}

size_t loql_needles(const struct loql_node *fields, struct arena *arena, struct needle **out)
{
    *out = ARENA_ARRAY(arena, struct needle, count_tests(fields));
    return fields == NULL ? 0 : collect_needles(fields, *out);
}
