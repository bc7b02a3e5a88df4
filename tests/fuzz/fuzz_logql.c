/* fuzz_logql.c: any text: an error in Loki's form, or a query whose two layouts parse to what prints the same. */
#include <stdlib.h>

#include "core/logql/parser.h"

/* Longer texts find nothing that these do not. */
#define TEXT_BYTES_MAX ((size_t)2048)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_read_as(struct slice text, const struct buf *print)
{
    struct arena arena = ARENA_INIT;
    struct expr *again = NULL;
    struct buf printed = BUF_INIT;
    struct err err;
    must(logql_parse(text, &arena, &again, &err));
    expr_print(again, &printed);
    must(slice_eq(buf_slice(&printed), buf_slice(print)));
    expr_fini(again);
    buf_fini(&printed);
    arena_fini(&arena);
}

/* The other two ways in agree with the first. */
static void must_agree(struct slice text, const struct expr *expr)
{
    struct arena arena = ARENA_INIT;
    struct log_expr *log = NULL;
    struct matcher *matchers = NULL;
    size_t count = 0;
    struct err err;
    bool is_selector = expr->kind == EXPR_LOG && expr->log.stage_count == 0;
    must(logql_parse_matchers(text, false, &arena, &matchers, &count, &err) == is_selector);
    must(!is_selector || count == expr->log.matcher_count);
    for (size_t i = 0; i < count; i++)
        matcher_fini(&matchers[i]);
    if (expr->kind != EXPR_LOG)
        must(!logql_parse_log(text, &arena, &log, &err) && err.code == ERR_INVALID);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = ARENA_INIT;
    struct slice text = slice_of(data, size < TEXT_BYTES_MAX ? size : TEXT_BYTES_MAX);
    struct expr *expr = NULL;
    struct err err = {.text = ""};
    if (logql_parse(text, &arena, &expr, &err)) {
        struct buf print = BUF_INIT;
        struct buf pretty = BUF_INIT;
        expr_print(expr, &print);
        expr_print_pretty(expr, &pretty);
        must_read_as(buf_slice(&print), &print);
        if (pretty.len < QUERY_BYTES_MAX) // a deep tree's indents
            must_read_as(buf_slice(&pretty), &print);
        must_agree(text, expr);
        expr_fini(expr);
        buf_fini(&print);
        buf_fini(&pretty);
    } else {
        must(err.code == ERR_INVALID || err.code == ERR_LIMIT);
        must(strncmp(err.text, "parse error ", 12) == 0);
    }
    arena_fini(&arena);
    return 0;
}
