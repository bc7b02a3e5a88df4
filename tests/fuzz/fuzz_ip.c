/* fuzz_ip.c. A pattern, a newline, a text: what is found stays found when more text follows, or a text that holds no address stands before it. */
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/pipeline/ip_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    size_t end = slice_find_byte(in, '\n');
    struct slice text = end < in.len ? slice_from(in, end + 1) : SLICE("from 10.0.0.1 to ::1:2");
    struct ip_match match;
    struct err err;
    if (!ip_match_init(&match, slice_of(in.ptr, end), &err))
        return err.code == ERR_INVALID ? 0 : -1;
    if (memcmp(match.first, match.last, sizeof(match.first)) > 0)
        abort();
    if (!ip_match_finds(&match, text))
        return 0;
    struct buf longer = BUF_INIT;
    buf_str(&longer, "xyz ");
    buf_put(&longer, text);
    buf_str(&longer, " xyz");
    if (!ip_match_finds(&match, buf_slice(&longer)))
        abort();
    buf_fini(&longer);
    return 0;
}
