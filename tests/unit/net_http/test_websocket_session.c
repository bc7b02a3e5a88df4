#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "net/http/websocket.h"
#include "net/http/websocket_session.h"

#define MASK "\0\0\0\0"

static const struct feed_case {
    const char *name;
    struct slice in;
    struct slice want; /* what is sent */
    bool is_closing;
} feed_cases[] = {
    {"nothing", SLICE(""), SLICE(""), false},
    {"a text is dropped", SLICE("\x81\x82" MASK "hi"), SLICE(""), false},
    {"an empty ping", SLICE("\x89\x80" MASK), SLICE("\x8a\x00"), false},
    {"a ping with bytes, masked", SLICE("\x89\x82" "\x01\x02\x03\x04" "ab"), SLICE("\x8a\x02" "``"), false},
    {"a pong", SLICE("\x8a\x81" MASK "x"), SLICE(""), false},
    {"a close frame is answered", SLICE("\x88\x85" MASK "\x03\xe8" "bye"), SLICE("\x88\x05\x03\xe8" "bye"), true},
    {"a close frame without a code", SLICE("\x88\x80" MASK), SLICE("\x88\x00"), true},
    {"unmasked", SLICE("\x81\x02hi"), SLICE("\x88\x02\x03\xea"), true},
    {"a good frame, then one that is not masked", SLICE("\x89\x80" MASK "\x81\x02hi"), SLICE("\x88\x02\x03\xea"), true},
    {"a reserved bit", SLICE("\xc1\x80" MASK), SLICE("\x88\x02\x03\xea"), true},
    {"a reserved opcode", SLICE("\x83\x80" MASK), SLICE("\x88\x02\x03\xea"), true},
    {"a long ping", SLICE("\x89\xfe\x00\x7e" MASK), SLICE("\x88\x02\x03\xea"), true},
    {"a ping in parts", SLICE("\x09\x80" MASK), SLICE("\x88\x02\x03\xea"), true},
    {"a close frame of one byte", SLICE("\x88\x81" MASK "x"), SLICE("\x88\x02\x03\xea"), true},
    {"a length in a longer form than it needs", SLICE("\x81\xfe\x00\x05" MASK), SLICE("\x88\x02\x03\xea"), true},
    {"a length over the limit", SLICE("\x81\xfe\x10\x01" MASK), SLICE("\x88\x02\x03\xf1"), true},
    {"a length of 2^62", SLICE("\x81\xff\x40\0\0\0\0\0\0\0" MASK), SLICE("\x88\x02\x03\xf1"), true},
    {"a length of 2^63", SLICE("\x81\xff\x80\0\0\0\0\0\0\0" MASK), SLICE("\x88\x02\x03\xea"), true},
};

static size_t feed_all(struct websocket_session *session, struct slice in, size_t step, char *out, size_t room)
{
    size_t len = 0;
    while (in.len > 0) {
        size_t n = in.len < step ? in.len : step;
        in = slice_from(in, websocket_session_feed(session, slice_of(in.ptr, n)));
        len += websocket_session_take(session, out + len, room - len);
    }
    return len;
}

/* Whole, and in all cuts into pieces of the same size. */
static void frames_are_answered_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(feed_cases); i++) {
        const struct feed_case *c = &feed_cases[i];
        for (size_t step = 1; step <= c->in.len + 1; step++) {
            struct websocket_session *session = websocket_session_create();
            char out[512];
            size_t len = feed_all(session, c->in, step, out, sizeof(out));
            // Of a good frame before it in the same piece, the close frame overtakes the answer or not.
            struct slice got = slice_of(out, len);
            if (!slice_eq(got, c->want) && !(c->is_closing && slice_ends(got, c->want)))
                fail_msg("%s, in pieces of %zu: %zu bytes, first %02x", c->name, step, len, len > 0 ? (unsigned)(unsigned char)out[0] : 0);
            if (websocket_session_is_closing(session) != c->is_closing)
                fail_msg("%s, in pieces of %zu: closing is %d", c->name, step, !c->is_closing);
            websocket_session_destroy(session);
        }
    }
}

static void fragments_over_the_limit_are_refused(void **state)
{
    (void)state;
    struct websocket_session *session = websocket_session_create();
    char frame[8 + 3000] = "\x01\xfe\x0b\xb8"; // a mask of zeros follows, and 3000 zeros
    char out[64];
    assert_int_equal(websocket_session_feed(session, slice_of(frame, sizeof(frame))), sizeof(frame));
    assert_false(websocket_session_is_closing(session));
    frame[0] = '\0'; // a continuation
    assert_int_equal(websocket_session_feed(session, slice_of(frame, sizeof(frame))), sizeof(frame));
    assert_true(websocket_session_is_closing(session));
    assert_int_equal(websocket_session_take(session, out, sizeof(out)), 4);
    assert_memory_equal(out, "\x88\x02\x03\xf1", 4);
    websocket_session_destroy(session);
}

static void pings_that_are_not_read_stop_the_reading(void **state)
{
    (void)state;
    struct websocket_session *session = websocket_session_create();
    static char pings[600000];
    for (size_t i = 0; i + 6 <= sizeof(pings); i += 6)
        memcpy(pings + i, "\x89\x80" MASK, 6);
    size_t taken = websocket_session_feed(session, slice_of(pings, sizeof(pings)));
    assert_true(taken < 16384);
    char out[65536];
    assert_true(websocket_session_take(session, out, sizeof(out)) > 0);
    assert_true(websocket_session_feed(session, slice_of(pings, sizeof(pings) - taken)) > 0); // it goes on
    websocket_session_destroy(session);
}

static void texts_come_out_whole_in_any_pieces(void **state)
{
    (void)state;
    static char text[70000];
    memset(text, 'x', sizeof(text));
    struct websocket_session *session = websocket_session_create();
    websocket_session_text(session, slice_of(text, sizeof(text)));
    assert_false(websocket_session_is_idle(session));
    static char out[80000];
    size_t len = 0;
    for (size_t n = 1; n > 0; len += n)
        n = websocket_session_take(session, out + len, 1000);
    assert_int_equal(len, 10 + sizeof(text));
    assert_memory_equal(out, "\x81\x7f\0\0\0\0\0\x01\x11\x70", 10);
    assert_memory_equal(out + 10, text, sizeof(text));
    assert_true(websocket_session_is_idle(session));
    websocket_session_destroy(session);
}

static void goodbye_is_said_once_and_cut_between_characters(void **state)
{
    (void)state;
    struct websocket_session *session = websocket_session_create();
    char reason[130], out[300];
    for (size_t i = 0; i < sizeof(reason); i += 2)
        memcpy(reason + i, "\xc3\xa4", 2);
    websocket_session_close(session, WEBSOCKET_INTERNAL, slice_of(reason, sizeof(reason)));
    websocket_session_close(session, WEBSOCKET_NORMAL, SLICE("again"));
    websocket_session_text(session, SLICE("too late"));
    size_t len = websocket_session_take(session, out, sizeof(out));
    assert_int_equal(len, 2 + 2 + 122);
    assert_memory_equal(out, "\x88\x7c\x03\xf3", 4);
    assert_false(websocket_session_is_done(session));
    (void)websocket_session_feed(session, SLICE("\x88\x82" MASK "\x03\xf3"));
    assert_true(websocket_session_is_done(session));
    websocket_session_destroy(session);
}

static void the_accept_key_is_that_of_the_rfc(void **state)
{
    (void)state;
    char out[29];
    websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), out); // RFC 6455 1.3
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_answered_as_the_table_says),
        cmocka_unit_test(fragments_over_the_limit_are_refused),
        cmocka_unit_test(pings_that_are_not_read_stop_the_reading),
        cmocka_unit_test(texts_come_out_whole_in_any_pieces),
        cmocka_unit_test(goodbye_is_said_once_and_cut_between_characters),
        cmocka_unit_test(the_accept_key_is_that_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
