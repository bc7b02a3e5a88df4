/* fuzz_time_text.c: any text: a time, duration, number or size that is taken prints to a text that reads back as the same. */
#include <math.h>
#include <stdlib.h>

#include "core/model/go_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_times(struct slice text, struct buf *out)
{
    int64_t ns = 0;
    int64_t back = 0;
    if (rfc3339_parse(text, &ns)) {
        rfc3339_print(out, ns, true);
        must(rfc3339_parse(buf_slice(out), &back) && back == ns);
        buf_reset(out);
    }
    if (go_parse_duration(text, &ns, NULL)) {
        go_print_duration(out, ns);
        must(go_parse_duration(buf_slice(out), &back, NULL) && back == ns);
        buf_reset(out);
    }
    if (prom_parse_duration(text, &ns, NULL)) {
        prom_print_duration(out, ns);
        must(prom_parse_duration(buf_slice(out), &back, NULL) && back == ns);
        buf_reset(out);
    }
}

static void check_numbers(struct slice text, struct buf *out)
{
    double value = 0;
    double back = 0;
    int64_t whole = 0;
    uint64_t bytes = 0;
    if (go_parse_float(text, &value, NULL)) {
        void (*const print[])(struct buf *out, double v) = {go_print_float_f, go_print_float_g, go_print_float_e};
        for (size_t i = 0; i < LENGTH(print); i++) {
            print[i](out, value);
            must(go_parse_float(buf_slice(out), &back, NULL));
            must(memcmp(&value, &back, sizeof(value)) == 0 || (isnan(value) && isnan(back)));
            buf_reset(out);
        }
    }
    if (go_parse_int(text, &whole, NULL)) {
        int64_t same = 0;
        buf_i64(out, whole);
        must(go_parse_int(buf_slice(out), &same, NULL) && same == whole);
        buf_reset(out);
    }
    if (humanize_parse_bytes(text, &bytes, NULL)) {
        humanize_print_bytes(out, bytes);
        humanize_print_ibytes(out, bytes);
        buf_reset(out);
    }
    if (config_parse_bytes(text, &bytes, NULL)) { // plain bytes are a size too
        uint64_t same = 0;
        buf_u64(out, bytes);
        must(config_parse_bytes(buf_slice(out), &same, NULL) && same == bytes);
        buf_reset(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct buf out = BUF_INIT;
    struct buf back = BUF_INIT;
    check_times(text, &out);
    check_numbers(text, &out);
    go_quote(&out, text);
    must(go_unquote(buf_slice(&out), &back) && slice_eq(buf_slice(&back), text));
    buf_reset(&back);
    if (go_unquote(text, &back)) {
        buf_reset(&out);
        go_quote(&out, buf_slice(&back));
        size_t len = back.len;
        must(go_unquote(buf_slice(&out), &back) && back.len == 2 * len && (len == 0 || memcmp(back.ptr, back.ptr + len, len) == 0));
    }
    if (size >= sizeof(int64_t)) { // any instant and any double, as they are
        int64_t ns = 0;
        int64_t same = 0;
        memcpy(&ns, data, sizeof(ns));
        struct civil civil = civil_of_ns(ns);
        must(ns_of_civil(&civil, &same) && same == ns);
    }
    buf_fini(&out);
    buf_fini(&back);
    return 0;
}
