/* The strict head check against requests that two parsers could read in two ways (spec: RFC 9112; the list of libh2o 2.2.5's kindnesses). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/http/head_check.h"

#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST /p HTTP/1.1\r\n"

static const struct head_case {
    const char *name;
    struct slice bytes;
    enum head_verdict want;
} cases[] = {
    {"plain", SLICE(GET HOST "\r\n"), HEAD_GOOD},
    {"with a body behind", SLICE(POST HOST "Content-Length: 5\r\n\r\nhello"), HEAD_GOOD},
    {"chunked", SLICE(POST HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), HEAD_GOOD},
    {"chunked in capitals", SLICE(POST HOST "TRANSFER-ENCODING: CHUNKED\r\n\r\n"), HEAD_GOOD},
    {"1.0 without Host", SLICE("GET / HTTP/1.0\r\n\r\n"), HEAD_GOOD},
    {"absolute form", SLICE("GET http://a/x HTTP/1.1\r\n" HOST "\r\n"), HEAD_GOOD},
    {"braces and quotes in the target", SLICE("GET /q?query={a=\"b\"}|x HTTP/1.1\r\n" HOST "\r\n"), HEAD_GOOD},
    {"white space around a value", SLICE(GET "Host: \t a \t\r\n\r\n"), HEAD_GOOD},
    {"empty value", SLICE(GET HOST "X-Empty:\r\n\r\n"), HEAD_GOOD},
    {"empty line before", SLICE("\r\n" GET HOST "\r\n"), HEAD_GOOD},
    {"unknown method", SLICE("BREW / HTTP/1.1\r\n" HOST "\r\n"), HEAD_GOOD},
    {"content length with zeros", SLICE(POST HOST "Content-Length: 0005\r\n\r\nhello"), HEAD_GOOD},

    {"two Content-Length that differ", SLICE(POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), HEAD_BAD},
    {"two Content-Length that agree", SLICE(POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), HEAD_BAD},
    {"Content-Length then Transfer-Encoding", SLICE(POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding then Content-Length", SLICE(POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), HEAD_BAD},
    {"two Transfer-Encoding", SLICE(POST HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"), HEAD_BAD},
    {"the same Transfer-Encoding twice", SLICE(POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding identity", SLICE(POST HOST "Transfer-Encoding: identity\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding gzip, chunked", SLICE(POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding chunked, gzip", SLICE(POST HOST "Transfer-Encoding: chunked, gzip\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding xchunked", SLICE(POST HOST "Transfer-Encoding: xchunked\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding empty", SLICE(POST HOST "Transfer-Encoding:\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding with a vertical tab", SLICE(POST HOST "Transfer-Encoding: \x0b" "chunked\r\n\r\n"), HEAD_BAD},
    {"Transfer-Encoding in 1.0", SLICE("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), HEAD_BAD},
    {"space before the colon", SLICE(POST HOST "Transfer-Encoding : chunked\r\n\r\n"), HEAD_BAD},
    {"tab before the colon", SLICE(POST HOST "Content-Length\t: 5\r\n\r\n"), HEAD_BAD},
    {"Content-Length 5,5", SLICE(POST HOST "Content-Length: 5,5\r\n\r\n"), HEAD_BAD},
    {"Content-Length 5, 5", SLICE(POST HOST "Content-Length: 5, 5\r\n\r\n"), HEAD_BAD},
    {"Content-Length +5", SLICE(POST HOST "Content-Length: +5\r\n\r\n"), HEAD_BAD},
    {"Content-Length -1", SLICE(POST HOST "Content-Length: -1\r\n\r\n"), HEAD_BAD},
    {"Content-Length 0x5", SLICE(POST HOST "Content-Length: 0x5\r\n\r\n"), HEAD_BAD},
    {"Content-Length 5.0", SLICE(POST HOST "Content-Length: 5.0\r\n\r\n"), HEAD_BAD},
    {"Content-Length 5 5", SLICE(POST HOST "Content-Length: 5 5\r\n\r\n"), HEAD_BAD},
    {"Content-Length empty", SLICE(POST HOST "Content-Length:\r\n\r\n"), HEAD_BAD},
    {"Content-Length 2^64", SLICE(POST HOST "Content-Length: 18446744073709551616\r\n\r\n"), HEAD_BAD},
    {"Content-Length five", SLICE(POST HOST "Content-Length: five\r\n\r\n"), HEAD_BAD},
    {"two Host", SLICE(GET HOST "Host: b\r\n\r\n"), HEAD_BAD},
    {"two Host that agree", SLICE(GET HOST HOST "\r\n"), HEAD_BAD},
    {"no Host in 1.1", SLICE(GET "\r\n"), HEAD_BAD},
    {"bare LF after the request line", SLICE("GET / HTTP/1.1\n" HOST "\r\n"), HEAD_BAD},
    {"bare LF after a header", SLICE(GET "Host: a\n\r\n"), HEAD_BAD},
    {"bare LF at the end", SLICE(GET HOST "\n"), HEAD_BAD},
    {"bare CR in a value", SLICE(GET "Host: a\rb\r\n\r\n"), HEAD_BAD},
    {"two CR", SLICE(GET "Host: a\r\r\n\r\n"), HEAD_BAD},
    {"folded with a space", SLICE(GET HOST "X: a\r\n b\r\n\r\n"), HEAD_BAD},
    {"folded with a tab", SLICE(GET HOST "X: a\r\n\tb\r\n\r\n"), HEAD_BAD},
    {"first line folded", SLICE(GET " Host: a\r\n\r\n"), HEAD_BAD},
    {"NUL in a value", SLICE(GET "Host: a\0b\r\n\r\n"), HEAD_BAD},
    {"NUL in the target", SLICE("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"no colon", SLICE(GET HOST "nonsense\r\n\r\n"), HEAD_BAD},
    {"empty name", SLICE(GET HOST ": x\r\n\r\n"), HEAD_BAD},
    {"space in a name", SLICE(GET HOST "X Y: x\r\n\r\n"), HEAD_BAD},
    {"byte over 127 in a name", SLICE(GET HOST "X\xc3\xa4: x\r\n\r\n"), HEAD_BAD},
    {"parentheses in a name", SLICE(GET HOST "X(): x\r\n\r\n"), HEAD_BAD},
    {"no target", SLICE("GET HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"two spaces before the target", SLICE("GET  / HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"two spaces before the version", SLICE("GET /  HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"space in the target", SLICE("GET /a b HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"empty method", SLICE(" / HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"method with a colon", SLICE("GE:T / HTTP/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"no version", SLICE("GET /\r\n" HOST "\r\n"), HEAD_BAD},
    {"HTTP/2.0", SLICE("GET / HTTP/2.0\r\n" HOST "\r\n"), HEAD_UNSUPPORTED},
    {"HTTP/0.9", SLICE("GET / HTTP/0.9\r\n" HOST "\r\n"), HEAD_UNSUPPORTED},
    {"HTTP/1.9", SLICE("GET / HTTP/1.9\r\n" HOST "\r\n"), HEAD_UNSUPPORTED},
    {"http/1.1", SLICE("GET / http/1.1\r\n" HOST "\r\n"), HEAD_BAD},
    {"not ended", SLICE(GET HOST), HEAD_BAD},
    {"nothing", SLICE(""), HEAD_BAD},
};

static void head_check_does_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *reason = NULL;
        enum head_verdict got = head_check(cases[i].bytes, &reason);
        if (got != cases[i].want)
            fail_msg("%s: verdict %d, want %d (%s)", cases[i].name, got, cases[i].want, reason == NULL ? "no reason" : reason);
        if ((got == HEAD_GOOD) != (reason == NULL))
            fail_msg("%s: a bad head has a reason, a good one has none", cases[i].name);
    }
}

static void a_head_cut_anywhere_is_bad(void **state)
{
    (void)state;
    struct slice whole = SLICE(POST HOST "Content-Length: 5\r\nX-Scope-OrgID: t\r\n\r\n");
    for (size_t len = 0; len < whole.len; len++) {
        const char *reason = NULL;
        char *exact = malloc(len + 1); // so that a read past the end is seen by AddressSanitizer
        assert_non_null(exact);
        memcpy(exact, whole.ptr, len);
        if (head_check(slice_of(exact, len), &reason) == HEAD_GOOD)
            fail_msg("cut at %zu is taken for whole", len);
        free(exact);
    }
}

static void too_many_headers_and_too_long_a_target_are_told(void **state)
{
    (void)state;
    const char *reason = NULL;
    char head[8192];
    size_t len = (size_t)snprintf(head, sizeof(head), GET HOST);
    for (int i = 0; i < HEAD_FIELDS_MAX; i++)
        len += (size_t)snprintf(head + len, sizeof(head) - len, "X-%d: y\r\n", i);
    len += (size_t)snprintf(head + len, sizeof(head) - len, "\r\n");
    assert_int_equal(head_check(slice_of(head, len), &reason), HEAD_BAD);
    assert_string_equal(reason, "too many headers");

    size_t target = HEAD_TARGET_BYTES_MAX + 1;
    char *long_one = malloc(target + 64);
    assert_non_null(long_one);
    memcpy(long_one, "GET /", 5);
    memset(long_one + 5, 'a', target);
    memcpy(long_one + 5 + target, " HTTP/1.1\r\nHost: a\r\n\r\n", 22);
    assert_int_equal(head_check(slice_of(long_one, 5 + target + 22), &reason), HEAD_TARGET_TOO_LONG);
    free(long_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_check_does_what_the_table_says),
        cmocka_unit_test(a_head_cut_anywhere_is_bad),
        cmocka_unit_test(too_many_headers_and_too_long_a_target_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
