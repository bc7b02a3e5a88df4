/* Tokens, their values and their places in messages: logql.md 2 and 2.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/logql/lexer.h"

/* Tokens as NAME@line:column, with a space between. */
static const struct token_case {
    const char *text;
    const char *tokens;
} token_cases[] = {
    {"", "$end@1:1"},
    {" \t\r\n ", "$end@2:2"},
    {"a_1 \xc3\xa9x", "IDENTIFIER@1:1 IDENTIFIER@1:5 $end@1:7"},
    {"a # b\nc", "IDENTIFIER@1:1 IDENTIFIER@2:1 $end@2:2"},
    {"a // b\nc /* d\n */ e", "IDENTIFIER@1:1 IDENTIFIER@2:1 IDENTIFIER@3:5 $end@3:6"},
    {"\"# no // comment\"", "STRING@1:1 $end@1:18"},
    {"'x'", "IDENTIFIER@1:1 $end@1:4"},
    // two characters: line 0
    {"|= |~ |> != !~ !> =~ == >= <=", "|=@0:1 |~@0:4 |>@0:7 !=@0:10 !~@0:13 !>@0:16 =~@0:19 ==@0:22 >=@0:25 <=@0:28 $end@1:30"},
    {"{ } ( ) , . | = > < + - * / % ^", "{@1:1 }@1:3 (@1:5 )@1:7 ,@1:9 .@1:11 |@1:13 =@1:15 >@1:17 <@1:19 +@1:21 -@1:23 *@1:25 /@1:27 %@1:29 ^@1:31 $end@1:32"},
    {"--strict --keep-empty --x", "FUNCTION_FLAG@0:1 FUNCTION_FLAG@0:10 -@1:23 -@1:24 IDENTIFIER@1:25 $end@1:26"},
    // words
    {"SUM By (", "SUM@1:1 by@1:5 (@1:8 $end@1:9"},
    {"sum", "IDENTIFIER@1:1 $end@1:4"},
    {"sum (", "SUM@1:1 (@1:5 $end@1:6"},
    {"sum without\n(", "SUM@1:1 without@1:5 (@2:1 $end@2:2"},
    {"sum by x", "IDENTIFIER@1:1 by@1:5 IDENTIFIER@1:8 $end@1:9"},
    {"bytes( duration( duration_seconds( ip(", "BYTES_CONV@1:1 (@1:6 DURATION_CONV@1:8 (@1:16 DURATION_SECONDS_CONV@1:18 (@1:34 ip@1:36 (@1:38 $end@1:39"},
    {"rate count ip bytes duration vector", "IDENTIFIER@1:1 IDENTIFIER@1:6 IDENTIFIER@1:12 IDENTIFIER@1:15 IDENTIFIER@1:21 IDENTIFIER@1:30 $end@1:36"},
    {"Json LOGFMT drop keep variants of", "json@1:1 logfmt@1:6 drop@1:13 keep@1:18 variants@1:23 of@1:32 $end@1:34"},
    // numbers, durations, sizes
    {"1 .5 1e3 0x1F 0b101 0o17 1_000", "NUMBER@1:1 NUMBER@1:3 NUMBER@1:6 NUMBER@1:10 NUMBER@1:15 NUMBER@1:21 NUMBER@1:26 $end@1:31"},
    {"5m 1.5h 250us 3\xc2\xb5s 1h30m 1d 2w 1y", "DURATION@0:1 DURATION@0:4 DURATION@0:9 DURATION@0:15 DURATION@0:19 DURATION@0:25 DURATION@0:28 DURATION@0:31 $end@1:33"},
    {"5 -1m", "NUMBER@1:1 DURATION@0:3 $end@1:6"},
    {"5 -0", "NUMBER@1:1 DURATION@0:3 $end@1:5"},
    {"5 -1", "NUMBER@1:1 -@1:3 NUMBER@1:4 $end@1:5"},
    {"5 - 0", "NUMBER@1:1 -@1:3 NUMBER@1:5 $end@1:6"},
    {"20KiB 1.5GB 1KB", "BYTES@0:1 BYTES@0:7 BYTES@0:13 $end@1:16"},
    {"1kb", "BYTES@0:1 IDENTIFIER@1:3 $end@1:4"},
    {"[5m]", "RANGE@0:1 $end@1:5"},
    {"[0s][0]", "RANGE@0:1 RANGE@0:5 $end@1:8"},
    {"\xe2\x82\xac", "IDENTIFIER@1:1 $end@1:2"},
};

static void tokens_print(const char *text, struct arena *arena, struct buf *out)
{
    struct lexer lexer;
    struct token token = {.kind = TOKEN_END};
    struct err err = {.text = ""};
    lexer_init(&lexer, slice_str(text), arena);
    do {
        if (!lexer_next(&lexer, &token, &err)) {
            buf_printf(out, "%s%s", out->len > 0 ? " " : "", err.text);
            return;
        }
        buf_printf(out, "%s%s@%u:%u", out->len > 0 ? " " : "", token_name(&token), token.line, token.column);
    } while (token.kind != TOKEN_END);
}

static void a_text_becomes_the_tokens_of_the_table_at_their_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(token_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct buf out = BUF_INIT;
        tokens_print(token_cases[i].text, &arena, &out);
        if (!slice_eq_str(buf_slice(&out), token_cases[i].tokens))
            fail_msg("%s: %.*s, want %s", token_cases[i].text, SLICE_ARG(buf_slice(&out)), token_cases[i].tokens);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static const struct value_case {
    const char *text;
    enum token_kind kind;
    const char *value; /* STRING: its bytes */
    int64_t number;    /* ns or bytes */
} value_cases[] = {
    {"\"a\\n\\t\\\\\\\"\"", TOKEN_STRING, "a\n\t\\\"", 0},
    {"\"\\x41\\101\\u00e9\\U0001F600\"", TOKEN_STRING, "AA\xc3\xa9\xf0\x9f\x98\x80", 0},
    {"`a\\n\n\"b`", TOKEN_STRING, "a\\n\n\"b", 0},
    {"``", TOKEN_STRING, "", 0},
    {"5m", TOKEN_DURATION, "5m", 300000000000},
    {"-5m", TOKEN_DURATION, "-5m", -300000000000},
    {"1d", TOKEN_DURATION, "1d", 86400000000000},
    {"1.5h", TOKEN_DURATION, "1.5h", 5400000000000},
    {"250us", TOKEN_DURATION, "250us", 250000},
    {"[1h30m]", TOKEN_RANGE, "1h30m", 5400000000000},
    {"[0]", TOKEN_RANGE, "0", 0},
    {"20KiB", TOKEN_BYTES, "20KiB", 20480},
    {"20KB", TOKEN_BYTES, "20KB", 20000},
    {"1.5MB", TOKEN_BYTES, "1.5MB", 1500000},
    {"3B", TOKEN_BYTES, "3B", 3},
};

static void a_token_holds_the_value_it_was_written_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(value_cases); i++) {
        const struct value_case *c = &value_cases[i];
        struct arena arena = ARENA_INIT;
        struct lexer lexer;
        struct token token = {.kind = TOKEN_END};
        struct err err = {.text = ""};
        lexer_init(&lexer, slice_str(c->text), &arena);
        bool ok = lexer_next(&lexer, &token, &err);
        int64_t number = c->kind == TOKEN_BYTES ? (int64_t)token.bytes : token.duration_ns;
        if (!ok || token.kind != c->kind || !slice_eq_str(token.text, c->value) || number != c->number)
            fail_msg("%s: %s, %s of %.*s, %lld", c->text, err.text, token_name(&token), SLICE_ARG(token.text), (long long)number);
        arena_fini(&arena);
    }
}

static const struct fault_case {
    const char *text;
    const char *says; /* behind what tokens came before */
} fault_cases[] = {
    {"\"open", "parse error at line 1, col 1: literal not terminated"},
    {"a \"x\ny\"", "IDENTIFIER@1:1 parse error at line 1, col 3: literal not terminated"},
    {"`open", "parse error at line 1, col 1: literal not terminated"},
    {"\"\\", "parse error at line 1, col 1: invalid char escape"},
    {"\"a\\w", "parse error at line 1, col 1: invalid char escape"},
    {"\"\\q\"", "parse error at line 1, col 1: invalid char escape"},
    {"\"\\'\"", "parse error at line 1, col 1: invalid char escape"},
    {"\"\\400\"", "parse error at line 1, col 1: invalid char escape"},
    {"1EB", "parse error at line 1, col 1: exponent has no digits"},
    {"0B", "parse error at line 1, col 1: decimal literal has no digits"},
    {"0x", "parse error at line 1, col 1: hexadecimal literal has no digits"},
    {"[5)", "parse error at line 0, col 1: missing closing ']' in duration"},
    {"[5minutes]", "parse error at line 0, col 1: unknown unit \"minutes\" in duration \"5minutes\""},
    {"[ 5m]", "parse error at line 0, col 1: not a valid duration string: \" 5m\""},
    {"[]", "parse error at line 0, col 1: empty duration string"},
    {"[1.5h]", "parse error at line 0, col 1: unknown unit \".\" in duration \"1.5h\""},
    {"[-5m]", "parse error at line 0, col 1: not a valid duration string: \"-5m\""},
    {"/* open", "parse error at line 1, col 1: comment not terminated"},
};

static void a_bad_token_is_named_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(fault_cases); i++) {
        struct arena arena = ARENA_INIT;
        struct buf out = BUF_INIT;
        tokens_print(fault_cases[i].text, &arena, &out);
        if (!slice_eq_str(buf_slice(&out), fault_cases[i].says))
            fail_msg("%s: %.*s, want %s", fault_cases[i].text, SLICE_ARG(buf_slice(&out)), fault_cases[i].says);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_the_tokens_of_the_table_at_their_places),
        cmocka_unit_test(a_token_holds_the_value_it_was_written_for),
        cmocka_unit_test(a_bad_token_is_named_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
