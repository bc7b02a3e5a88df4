#include "net/http/websocket_session.h"

#include <errno.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "core/base/mem.h"

#define ANSWERS_MAX ((size_t)16) /* frames that may wait before no more is read: each ping makes one */

/* The heads of the client's frames, looked at before wslay gets them: it does not tell whether a frame was masked, closes without a word on some heads, and waits
 * for the payload of a length that it is going to refuse. */
struct frame_walk {
    uint8_t head[10]; /* of the frame that begins: first two bytes, and the longer forms of the length */
    size_t have;
    uint64_t left; /* bytes of mask and payload until the next frame */
};

struct websocket_session {
    struct frame_walk walk;
    wslay_event_context_ptr frames;
    struct slice in; /* not read yet */
    char *out;       /* of the running take */
    size_t out_len, out_room;
    bool is_closing; /* a close frame is queued, by us or in answer */
    bool is_broken;
};

static ssize_t on_read(wslay_event_context_ptr frames, uint8_t *to, size_t len, int flags, void *self)
{
    (void)flags;
    struct websocket_session *session = self;
    if (session->in.len == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = len < session->in.len ? len : session->in.len;
    memcpy(to, session->in.ptr, n);
    session->in = slice_from(session->in, n);
    return (ssize_t)n;
}

static ssize_t on_write(wslay_event_context_ptr frames, const uint8_t *from, size_t len, int flags, void *self)
{
    (void)flags;
    struct websocket_session *session = self;
    size_t room = session->out_room - session->out_len;
    if (room == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t n = len < room ? len : room;
    memcpy(session->out + session->out_len, from, n);
    session->out_len += n;
    return (ssize_t)n;
}

/* What is wrong with a frame's head: the code to close with, or 0. Source: RFC 6455 5.1, 5.2, 5.5, 7.4.1. */
static unsigned head_fault(const uint8_t *head, uint64_t len)
{
    bool is_final = (head[0] & 0x80) != 0, is_control = (head[0] & 0x08) != 0;
    uint64_t shortest = (head[1] & 0x7F) == 126 ? 126 : (head[1] & 0x7F) == 127 ? 65536 : 0; // for the form that its length has
    if ((head[1] & 0x80) == 0 || len >> 63 != 0 || len < shortest)
        return WEBSOCKET_PROTOCOL;
    if (is_control && (!is_final || len > WEBSOCKET_CONTROL_MAX || ((head[0] & 0x0F) == WSLAY_CONNECTION_CLOSE && len == 1)))
        return WEBSOCKET_PROTOCOL;
    return len > WEBSOCKET_MESSAGE_MAX ? WEBSOCKET_TOO_BIG : 0;
}

/* One more byte of a head. True: it is whole, and *out_code says whether it is refused. */
static bool head_take(struct frame_walk *walk, char byte, unsigned *out_code)
{
    walk->head[walk->have++] = (uint8_t)byte;
    if (walk->have < 2)
        return false;
    uint64_t len = walk->head[1] & 0x7F;
    size_t more = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (walk->have < 2 + more)
        return false;
    for (size_t i = 0; i < more; i++)
        len = i == 0 ? walk->head[2] : len << 8 | walk->head[2 + i];
    *out_code = head_fault(walk->head, len);
    walk->left = len + 4; // the mask; where it overflows the head is refused
    return true;
}

struct websocket_session *websocket_session_create(void)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = on_read, .send_callback = on_write};
    struct websocket_session *session = mem_zero(sizeof(*session));
    if (wslay_event_context_server_init(&session->frames, &callbacks, session) != 0)
        abort(); // out of memory, as in mem.h
    wslay_event_config_set_max_recv_msg_length(session->frames, WEBSOCKET_MESSAGE_MAX);
    return session;
}

void websocket_session_destroy(struct websocket_session *session)
{
    if (session == NULL)
        return;
    wslay_event_context_free(session->frames);
    mem_free(session);
}

static void read_bytes(struct websocket_session *session, struct slice bytes)
{
    session->in = bytes;
    session->is_broken = wslay_event_recv(session->frames) != 0;
    session->in = SLICE_NONE;
    session->is_closing = session->is_closing || wslay_event_get_close_received(session->frames) != 0 ||
                          wslay_event_get_read_enabled(session->frames) == 0; // a broken rule: wslay has queued the close frame
}

size_t websocket_session_feed(struct websocket_session *session, struct slice bytes)
{
    struct frame_walk *walk = &session->walk;
    size_t taken = 0;
    while (taken < bytes.len) {
        if (session->is_broken || !wslay_event_want_read(session->frames))
            return bytes.len; // after a close frame nothing counts any more
        if (wslay_event_get_queued_msg_count(session->frames) >= ANSWERS_MAX)
            break;
        if (walk->left > 0) {
            size_t n = walk->left < bytes.len - taken ? (size_t)walk->left : bytes.len - taken;
            read_bytes(session, slice_of(bytes.ptr + taken, n));
            walk->left -= n;
            taken += n;
            continue;
        }
        unsigned code = 0;
        if (!head_take(walk, bytes.ptr[taken++], &code))
            continue;
        if (code == 0) {
            read_bytes(session, slice_of(walk->head, walk->have));
        } else {
            websocket_session_close(session, code, SLICE_NONE);
            wslay_event_shutdown_read(session->frames);
        }
        walk->have = 0;
    }
    return taken;
}

static void queue(struct websocket_session *session, uint8_t opcode, struct slice bytes)
{
    if (session->is_closing || session->is_broken)
        return;
    struct wslay_event_msg message = {.opcode = opcode, .msg = (const uint8_t *)bytes.ptr, .msg_length = bytes.len};
    session->is_broken = wslay_event_queue_msg(session->frames, &message) != 0;
}

void websocket_session_text(struct websocket_session *session, struct slice text)
{
    queue(session, WSLAY_TEXT_FRAME, text);
}

void websocket_session_ping(struct websocket_session *session)
{
    queue(session, WSLAY_PING, SLICE_NONE);
}

void websocket_session_close(struct websocket_session *session, unsigned code, struct slice reason)
{
    if (session->is_closing || session->is_broken)
        return;
    size_t len = reason.len < WEBSOCKET_REASON_MAX ? reason.len : WEBSOCKET_REASON_MAX;
    while (len < reason.len && len > 0 && ((unsigned char)reason.ptr[len] & 0xC0) == 0x80) // not inside a character
        len--;
    session->is_closing = true;
    session->is_broken = wslay_event_queue_close(session->frames, (uint16_t)code, (const uint8_t *)reason.ptr, len) != 0;
}

size_t websocket_session_take(struct websocket_session *session, char *to, size_t room)
{
    if (session->is_broken || !wslay_event_want_write(session->frames))
        return 0;
    session->out = to;
    session->out_len = 0;
    session->out_room = room;
    session->is_broken = wslay_event_send(session->frames) != 0;
    session->out = NULL;
    return session->out_len;
}

bool websocket_session_is_idle(const struct websocket_session *session)
{
    return session->is_broken || !wslay_event_want_write(session->frames);
}

bool websocket_session_is_closing(const struct websocket_session *session)
{
    return session->is_closing || session->is_broken;
}

bool websocket_session_is_done(const struct websocket_session *session)
{
    return session->is_broken ||
           (!wslay_event_want_write(session->frames) && (!wslay_event_want_read(session->frames) || (wslay_event_get_close_sent(session->frames) && wslay_event_get_close_received(session->frames))));
}
