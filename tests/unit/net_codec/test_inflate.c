#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <snappy-c.h>
#include <zlib.h>

#include "core/base/mem.h"
#include "net/codec/inflate.h"

static struct buf packed_with(int window_bits, struct slice text)
{
    struct buf out = BUF_INIT;
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, text.len);
    z.next_in = (Bytef *)(uintptr_t)text.ptr;
    z.avail_in = (uInt)text.len;
    z.next_out = (Bytef *)buf_room(&out, bound);
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_took(&out, bound - z.avail_out);
    (void)deflateEnd(&z);
    return out;
}

static void what_was_packed_comes_back(void **state)
{
    (void)state;
    struct err err;
    struct slice text = SLICE("some lines of text, some lines of text, some lines of text");
    struct buf gzip = packed_with(16 + MAX_WBITS, text);
    struct buf raw = packed_with(-MAX_WBITS, text);
    struct buf out = BUF_INIT;
    assert_true(inflate_body(buf_slice(&gzip), INFLATE_GZIP, 1000, &out, &err));
    assert_true(slice_eq(buf_slice(&out), text));
    buf_reset(&out);
    assert_true(inflate_body(buf_slice(&raw), INFLATE_DEFLATE, 1000, &out, &err));
    assert_true(slice_eq(buf_slice(&out), text));

    buf_reset(&out); // two members make one text
    struct buf twice = BUF_INIT;
    buf_put(&twice, buf_slice(&gzip));
    buf_put(&twice, buf_slice(&gzip));
    assert_true(inflate_body(buf_slice(&twice), INFLATE_GZIP, 1000, &out, &err));
    assert_int_equal(out.len, text.len * 2);
    buf_fini(&twice);
    buf_fini(&gzip);
    buf_fini(&raw);
    buf_fini(&out);
}

static void every_cut_and_every_flipped_trailer_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct buf gzip = packed_with(16 + MAX_WBITS, SLICE("a text with a checksum behind it"));
    for (size_t len = 0; len < gzip.len; len++) {
        struct buf out = BUF_INIT;
        if (inflate_body(slice_of(gzip.ptr, len), INFLATE_GZIP, 1000, &out, &err))
            fail_msg("cut at %zu is taken for whole", len);
        assert_int_equal(err.code, ERR_INVALID);
        buf_fini(&out);
    }
    for (size_t i = gzip.len - 8; i < gzip.len; i++) {
        struct buf out = BUF_INIT;
        gzip.ptr[i] ^= 1;
        assert_false(inflate_body(buf_slice(&gzip), INFLATE_GZIP, 1000, &out, &err));
        gzip.ptr[i] ^= 1;
        buf_fini(&out);
    }
    struct buf zlib = packed_with(MAX_WBITS, SLICE("a zlib header is no raw deflate"));
    struct buf out = BUF_INIT;
    assert_false(inflate_body(buf_slice(&zlib), INFLATE_DEFLATE, 1000, &out, &err));
    buf_fini(&zlib);
    buf_fini(&out);
    buf_fini(&gzip);
}

static void a_bomb_costs_no_more_than_the_limit(void **state)
{
    (void)state;
    struct err err;
    size_t bytes = (size_t)64 << 20;
    char *zeros = mem_zero(bytes);
    struct buf gzip = packed_with(16 + MAX_WBITS, slice_of(zeros, bytes));
    struct buf out = BUF_INIT;
    assert_false(inflate_body(buf_slice(&gzip), INFLATE_GZIP, 1 << 20, &out, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    assert_true(out.cap <= 4 << 20);
    mem_free(zeros);
    buf_fini(&gzip);
    buf_fini(&out);
}

static void a_snappy_header_that_promises_too_much_takes_no_memory(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct slice block;
        enum err_code want;
    } cases[] = {
        {"nothing", SLICE(""), ERR_INVALID},
        {"4 GiB in five bytes", SLICE("\xff\xff\xff\xff\x0f"), ERR_INVALID},
        {"1 MB in five bytes", SLICE("\xc0\x84\x3d" "ab"), ERR_INVALID},
        {"a framing header", SLICE("\xff\x06\x00\x00sNaPpY"), ERR_INVALID},
        {"a literal cut short", SLICE("\x05\x10" "abc"), ERR_INVALID},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct err err = {.code = ERR_NONE};
        struct buf out = BUF_INIT;
        if (unsnap_body(cases[i].block, 10 << 20, &out, &err) || err.code != cases[i].want)
            fail_msg("%s: code %d", cases[i].name, err.code);
        assert_true(out.cap < 1 << 20);
        buf_fini(&out);
    }
    struct err err;
    struct buf out = BUF_INIT;
    assert_true(unsnap_body(SLICE("\x00"), 10, &out, &err)); // an empty message
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(every_cut_and_every_flipped_trailer_is_refused),
        cmocka_unit_test(a_bomb_costs_no_more_than_the_limit),
        cmocka_unit_test(a_snappy_header_that_promises_too_much_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
