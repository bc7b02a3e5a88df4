/* Any bytes as a client's frames, in any pieces: the session ends, takes all of them once its answers are read, holds a bounded number of answers, and what it sends are
 * unmasked control frames, of which nothing follows a close frame. The first byte chooses the pieces. */
#include <stdlib.h>

#include "net/http/websocket_session.h"

static void abort_unless(bool holds)
{
    if (!holds)
        abort();
}

/* The frames in out[0..len): pongs and at most one close frame, the last. */
static void check_output(const unsigned char *out, size_t len, bool *is_closed)
{
    for (size_t at = 0; at < len;) {
        abort_unless(!*is_closed && len - at >= 2 && out[at + 1] <= WEBSOCKET_CONTROL_MAX);
        abort_unless(out[at] == 0x8a || out[at] == 0x88);
        *is_closed = out[at] == 0x88;
        at += 2 + (size_t)out[at + 1];
        abort_unless(at <= len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char out[1 << 20];
    if (size == 0)
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    size_t step = (size_t)data[0] + 1;
    struct websocket_session *session = websocket_session_create();
    bool is_closed = false;
    while (in.len > 0) {
        size_t n = in.len < step ? in.len : step;
        size_t taken = websocket_session_feed(session, slice_of(in.ptr, n));
        abort_unless(taken <= n);
        size_t len = websocket_session_take(session, (char *)out, sizeof(out));
        abort_unless(taken > 0 || len > 0);
        check_output(out, len, &is_closed);
        in = slice_from(in, taken);
    }
    abort_unless(!is_closed || websocket_session_is_closing(session));
    websocket_session_destroy(session);
    return 0;
}
