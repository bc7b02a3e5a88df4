/* From a query's text to its checked tree, and back: once a query, so microseconds are enough; a regex costs more than all the rest.
 * Floor: the lexer alone over the same text. */
#include "bench/bench.h"

#include "core/base/buf.h"
#include "core/logql/lexer.h"
#include "core/logql/parser.h"

struct query {
    struct slice text;
    struct arena arena;
    struct buf out;
};

static uint64_t run_parse(void *state, size_t n)
{
    struct query *query = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct expr *expr = NULL;
        struct err err;
        if (!logql_parse(query->text, &query->arena, &expr, &err)) {
            (void)fprintf(stderr, "%.*s: %s\n", SLICE_ARG(query->text), err.text);
            exit(1);
        }
        sum += (uint64_t)expr->kind + query->arena.bytes;
        expr_fini(expr);
        arena_reset(&query->arena);
    }
    return sum;
}

static uint64_t run_lex(void *state, size_t n)
{
    struct query *query = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct lexer lexer;
        struct token token = {.kind = TOKEN_COMMA};
        struct err err;
        lexer_init(&lexer, query->text, &query->arena);
        while (token.kind != TOKEN_END && lexer_next(&lexer, &token, &err))
            sum += (uint64_t)token.kind;
        arena_reset(&query->arena);
    }
    return sum;
}

static uint64_t run_print(void *state, size_t n)
{
    struct query *query = state;
    uint64_t sum = 0;
    struct expr *expr = NULL;
    struct err err;
    if (!logql_parse(query->text, &query->arena, &expr, &err))
        exit(1);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&query->out);
        expr_print(expr, &query->out);
        sum += query->out.len;
    }
    expr_fini(expr);
    arena_reset(&query->arena);
    return sum;
}

int main(void)
{
    static const struct {
        const char *name, *text;
    } queries[] = {
        {"selector", "{namespace=\"prod\", app=\"checkout\"}"},
        {"needle", "{namespace=\"prod\", app=\"checkout\"} |= \"6f1c2d4e-aaaa-bbbb-cccc-1234567890ab\" | json | level=\"error\""},
        {"dashboard", "sum by (app) (rate({namespace=\"prod\"} |= \"error\" | logfmt | duration > 250ms and status >= 500 [5m])) / "
                      "on (app) group_left sum by (app) (rate({namespace=\"prod\"}[5m])) * 100"},
        {"regexes", "{namespace=~\"prod|staging\", app=~\"check.*|cart-[0-9]+\"} | json | path=~\"/api/v[0-9]+/(orders|users)/.*\""},
    };
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct query query = {slice_str(queries[i].text), ARENA_INIT, BUF_INIT};
        char name[64];
        (void)snprintf(name, sizeof(name), "logql_parse/%s", queries[i].name);
        bench(name, query.text.len, run_parse, &query);
        (void)snprintf(name, sizeof(name), "floor: lexer/%s", queries[i].name);
        bench(name, query.text.len, run_lex, &query);
        (void)snprintf(name, sizeof(name), "expr_print/%s", queries[i].name);
        bench(name, query.text.len, run_print, &query);
        buf_fini(&query.out);
        arena_fini(&query.arena);
    }
    return 0;
}
