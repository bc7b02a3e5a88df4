#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "net/config/yaml_flatten.h"

static bool print(void *self, const struct slice *path, size_t depth, struct slice value, size_t line, struct err *err)
{
    struct buf *out = self;
    (void)err;
    buf_printf(out, "%zu:", line);
    for (size_t i = 0; i < depth; i++)
        buf_printf(out, "%s%.*s", i == 0 ? "" : ".", SLICE_ARG(path[i]));
    buf_printf(out, "=%.*s;", SLICE_ARG(value));
    return true;
}

/* What is named tree, in any section. */
static bool is_whole(const struct slice *path, size_t depth)
{
    return slice_eq(path[depth - 1], SLICE("tree"));
}

static const struct yaml_case {
    const char *name, *text;
    const char *want; /* NULL: refused */
} cases[] = {
    {"nothing", "", ""},
    {"a comment", "# nothing\n", ""},
    {"a key", "a: b\n", "1:a=b;"},
    {"sections", "a:\n  b: 1\n  c:\n    d: x y\n", "2:a.b=1;4:a.c.d=x y;"},
    {"quotes", "a: \"b: c\"\nd: 'e'\n", "1:a=b: c;2:d=e;"},
    {"a list of scalars", "a: [b, c]\nd:\n- e\n- f\n", "1:a=b,c;3:d=e,f;"},
    {"an empty list", "a: []\n", "1:a=;"},
    {"null", "a:\nb: ~\nc: null\nd: 'null'\n", "1:a=;2:b=;3:c=;4:d=null;"},
    {"a list of mappings", "a:\n- b: 1\n  c: 2\n- b: 3\n", "2:a.0.b=1;3:a.0.c=2;4:a.1.b=3;"},
    {"empty mappings", "a: {}\nb:\n  c: {}\n", "1:a=;3:b.c=;"},
    {"items that commas would split", "a: [\"b,c\", 'd\"', e]\n", "1:a=\"b,c\",\"d\\\"\",e;"},
    {"flow mapping", "a: {b: 1, c: {d: 2}}\n", "1:a.b=1;1:a.c.d=2;"},
    {"a tree is one text", "a: 1\ntree:\n- b: x y\n  c: [1, 'q\"', {}]\n- {d: {e: ~}, f: []}\ng: 2\n",
     "1:a=1;3:tree=[{\"b\": \"x y\", \"c\": [\"1\", \"q\\\"\", {}]}, {\"d\": {\"e\": \"\"}, \"f\": []}];6:g=2;"},
    {"trees in lists of mappings", "a:\n- tree: {b: 1}\n  tree2: {c: 2}\n- tree: []\n", "2:a.0.tree={\"b\": \"1\"};3:a.0.tree2.c=2;4:a.1.tree=[];"},
    {"a tree that is a scalar", "tree: x\n", "1:tree=x;"},
    {"a tree in a tree", "tree:\n  tree: [a]\nb: 1\n", "2:tree={\"tree\": [\"a\"]};3:b=1;"},
    {"a key in a tree that is a list", "tree: {[a]: b}\n", NULL},
    {"an alias in a tree", "a: &x b\ntree: [*x]\n", NULL},
    {"a scalar document", "just text\n", NULL},
    {"a list document", "- a\n", NULL},
    {"an alias", "a: &x b\nc: *x\n", NULL},
    {"bad indent", "a:\n  b: 1\n c: 2\n", NULL},
    {"an open quote", "a: \"b\n", NULL},
    {"a key that is a list", "[a, b]: c\n", NULL},
    {"too deep", "{a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}}}}}}}}}}", NULL},
};

static void a_document_becomes_paths_and_scalars(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct arena arena = ARENA_INIT;
        struct buf out = BUF_INIT;
        struct err err = {.code = ERR_NONE, .text = ""};
        bool ok = yaml_flatten(slice_str(cases[i].text), &arena, is_whole, print, &out, &err);
        if (ok != (cases[i].want != NULL) || (ok && !slice_eq_str(buf_slice(&out), cases[i].want)))
            fail_msg("%s: %s %s %.*s", cases[i].name, ok ? "taken" : "refused", err.text, SLICE_ARG(buf_slice(&out)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_document_becomes_paths_and_scalars)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
