/* docs/openapi.yaml and the route tables name the same operations. What is documented ahead of its route stands in tests/docs/openapi_pending.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <yaml.h>

#include "core/base/mem.h"
#include "net/api/ochi.h"
#include "net/api/openapi.h"

#define OPERATIONS_MAX 512

struct operation {
    char text[128]; /* "GET /loki/api/v1/label/{}/values": what a parameter is called does not matter */
    bool any_method;
};

struct operations {
    struct operation items[OPERATIONS_MAX];
    size_t count;
};

static void operation_add(struct operations *operations, const char *method, const char *path, bool any_method)
{
    assert_true(operations->count < OPERATIONS_MAX);
    struct operation *operation = &operations->items[operations->count++];
    size_t n = (size_t)snprintf(operation->text, sizeof(operation->text), "%s ", method);
    for (const char *p = path; *p != '\0'; p++) {
        assert_true(n + 2 < sizeof(operation->text));
        operation->text[n++] = *p;
        if (*p == '{')
            p = strchr(p, '}') - 1;
    }
    operation->text[n] = '\0';
    operation->any_method = any_method;
}

static const struct operation *operation_find(const struct operations *operations, const char *text)
{
    for (size_t i = 0; i < operations->count; i++) {
        if (strcmp(operations->items[i].text, text) == 0)
            return &operations->items[i];
    }
    return NULL;
}

static const struct {
    enum http_method method;
    const char *name, *key; /* key: as OpenAPI writes it */
} methods[] = {{HTTP_GET, "GET", "get"}, {HTTP_POST, "POST", "post"}, {HTTP_PUT, "PUT", "put"}, {HTTP_DELETE, "DELETE", "delete"},
               {HTTP_HEAD, "HEAD", "head"}, {HTTP_OPTIONS, "OPTIONS", "options"}};

static void table_add(struct operations *operations, struct route_table table)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct http_route *route = &table.routes[i];
        for (size_t m = 0; m < LENGTH(methods); m++) {
            if ((route->methods & (unsigned)methods[m].method) != 0)
                operation_add(operations, methods[m].name, route->pattern, (route->flags & ROUTE_ANY_METHOD) != 0);
        }
    }
}

static const char *text_of(yaml_document_t *document, yaml_node_item_t item)
{
    yaml_node_t *node = yaml_document_get_node(document, item);
    assert_int_equal(node->type, YAML_SCALAR_NODE);
    return (const char *)node->data.scalar.value;
}

/* The value of key in a mapping, or NULL. */
static yaml_node_t *member(yaml_document_t *document, yaml_node_t *node, const char *key)
{
    assert_int_equal(node->type, YAML_MAPPING_NODE);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        if (strcmp(text_of(document, pair->key), key) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

static void path_add(struct operations *operations, yaml_document_t *document, const char *path, yaml_node_t *item)
{
    for (size_t m = 0; m < LENGTH(methods); m++) {
        yaml_node_t *operation = member(document, item, methods[m].key);
        if (operation != NULL)
            operation_add(operations, methods[m].name, path, member(document, operation, "x-any-method") != NULL);
    }
}

static void document_read(struct operations *operations)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct slice text = openapi_document();
    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    if (!yaml_parser_load(&parser, &document))
        fail_msg("line %zu: %s", parser.problem_mark.line + 1, parser.problem);
    yaml_node_t *paths = member(&document, yaml_document_get_root_node(&document), "paths");
    assert_non_null(paths);
    for (yaml_node_pair_t *pair = paths->data.mapping.pairs.start; pair < paths->data.mapping.pairs.top; pair++)
        path_add(operations, &document, text_of(&document, pair->key), yaml_document_get_node(&document, pair->value));
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

static void pending_read(struct operations *operations)
{
    char line[256];
    FILE *file = fopen("tests/docs/openapi_pending.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *path = strchr(line, ' ');
        if (line[0] == '#' || path == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        operation_add(operations, line, path, false);
    }
    (void)fclose(file);
}

struct sets {
    struct operations routes, documented, pending;
};

static int sets_make(void **state)
{
    struct sets *sets = mem_zero(sizeof(*sets));
    for (size_t t = 0; t < api_route_table_count; t++)
        table_add(&sets->routes, api_route_tables[t]());
    table_add(&sets->routes, ochi_routes());
    table_add(&sets->routes, ochi_own_routes());
    document_read(&sets->documented);
    pending_read(&sets->pending);
    *state = sets;
    return 0;
}

static int sets_end(void **state)
{
    mem_free(*state);
    return 0;
}

static void every_route_is_documented(void **state)
{
    const struct sets *sets = *state;
    size_t missing = 0;
    assert_true(sets->routes.count > 60);
    for (size_t i = 0; i < sets->routes.count; i++) {
        const struct operation *route = &sets->routes.items[i];
        const struct operation *found = operation_find(&sets->documented, route->text);
        if (found == NULL || found->any_method != route->any_method) {
            print_error("%s: %s\n", route->text, found == NULL ? "not in docs/openapi.yaml" : "x-any-method is not what the route says");
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void every_documented_operation_has_a_route_or_is_pending(void **state)
{
    const struct sets *sets = *state;
    size_t missing = 0;
    for (size_t i = 0; i < sets->documented.count; i++) {
        const char *text = sets->documented.items[i].text;
        if (operation_find(&sets->routes, text) == NULL && operation_find(&sets->pending, text) == NULL) {
            print_error("%s: no route table has it\n", text);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void the_pending_list_holds_what_is_documented_and_not_served(void **state)
{
    const struct sets *sets = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sets->pending.count; i++) {
        const char *text = sets->pending.items[i].text;
        bool is_served = operation_find(&sets->routes, text) != NULL;
        if (is_served || operation_find(&sets->documented, text) == NULL) {
            print_error("%s: %s\n", text, is_served ? "is served: take it off tests/docs/openapi_pending.txt" : "is not in docs/openapi.yaml");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_documented),
        cmocka_unit_test(every_documented_operation_has_a_route_or_is_pending),
        cmocka_unit_test(the_pending_list_holds_what_is_documented_and_not_served),
    };
    return cmocka_run_group_tests(tests, sets_make, sets_end);
}
