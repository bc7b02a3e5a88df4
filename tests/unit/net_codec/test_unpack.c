#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <lz4frame.h>
#include <zstd.h>

#include "net/codec/unpack.h"

typedef bool unpack_fn(struct slice packed, size_t bytes_max, struct buf *out, struct err *err);

static void pack_zstd(struct buf *out, struct slice text)
{
    size_t bound = ZSTD_compressBound(text.len);
    buf_took(out, ZSTD_compress(buf_room(out, bound), bound, text.ptr, text.len, 1));
}

static void pack_lz4(struct buf *out, struct slice text)
{
    LZ4F_preferences_t preferences = {.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    size_t bound = LZ4F_compressFrameBound(text.len, &preferences);
    buf_took(out, LZ4F_compressFrame(buf_room(out, bound), bound, text.ptr, text.len, &preferences));
}

static const struct format {
    const char *name;
    void (*pack)(struct buf *out, struct slice text);
    unpack_fn *unpack;
} formats[] = {
    {"zstd", pack_zstd, unzstd_body},
    {"lz4", pack_lz4, unlz4_body},
};

static struct buf long_text(size_t bytes)
{
    struct buf text = BUF_INIT;
    while (text.len < bytes)
        buf_printf(&text, "line %zu of a text; ", text.len);
    return text;
}

static void one_frame_and_two_come_back(void **state)
{
    (void)state;
    struct buf text = long_text(300000);
    for (size_t i = 0; i < LENGTH(formats); i++) {
        struct buf packed = BUF_INIT;
        struct err err = {.code = ERR_NONE};
        for (size_t frames = 1; frames <= 2; frames++) {
            struct buf out = BUF_INIT;
            formats[i].pack(&packed, buf_slice(&text));
            if (!formats[i].unpack(buf_slice(&packed), 1 << 20, &out, &err))
                fail_msg("%s: %s", formats[i].name, err.text);
            assert_int_equal(out.len, frames * text.len);
            assert_memory_equal(out.ptr + (frames - 1) * text.len, text.ptr, text.len);
            buf_fini(&out);
        }
        buf_fini(&packed);
    }
    buf_fini(&text);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(formats); i++) {
        struct buf packed = BUF_INIT;
        formats[i].pack(&packed, SLICE("a short text, a short text, a short text"));
        for (size_t len = 0; len < packed.len; len++) {
            struct buf out = BUF_INIT;
            struct err err = {.code = ERR_NONE};
            if (formats[i].unpack(slice_of(packed.ptr, len), 1000, &out, &err) || err.code != ERR_INVALID)
                fail_msg("%s: %zu of %zu bytes: code %d", formats[i].name, len, packed.len, err.code);
            buf_fini(&out);
        }
        buf_fini(&packed);
    }
}

static void a_bomb_costs_little_more_than_the_limit(void **state)
{
    (void)state;
    struct buf zeros = BUF_INIT;
    memset(buf_room(&zeros, 32 << 20), 0, 32 << 20);
    buf_took(&zeros, 32 << 20);
    for (size_t i = 0; i < LENGTH(formats); i++) {
        struct buf packed = BUF_INIT;
        struct buf out = BUF_INIT;
        struct err err = {.code = ERR_NONE};
        formats[i].pack(&packed, buf_slice(&zeros));
        assert_false(formats[i].unpack(buf_slice(&packed), 1 << 20, &out, &err));
        assert_int_equal(err.code, ERR_TOO_LARGE);
        assert_true(out.cap <= 4 << 20);
        buf_fini(&packed);
        buf_fini(&out);
    }
    buf_fini(&zeros);
}

static void a_window_too_large_is_refused(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    // Magic, no single segment, window descriptor 0xff: terabytes; then an empty last block.
    assert_false(unzstd_body(SLICE("\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"), 1 << 20, &out, &err));
    assert_int_equal(err.code, ERR_INVALID);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_frame_and_two_come_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(a_bomb_costs_little_more_than_the_limit),
        cmocka_unit_test(a_window_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
