/* websocket_session.h: the frames of one WebSocket, without its socket: bytes that came go in, bytes to send come out. The server's side. libwslay reads and
 * writes the frames; what it would let grow without bound is bounded here.
 *
 * Source: RFC 6455. A client's messages are read and dropped: nothing that we serve takes any. What breaks the rules is answered with a close frame:
 * 1002 (protocol), 1007 (no UTF-8), 1009 (over WEBSOCKET_MESSAGE_MAX).
 * Thread: one at a time.
 */
#pragma once

#include "core/base/slice.h"

#define WEBSOCKET_MESSAGE_MAX ((size_t)4096) /* bytes of a client's message */
#define WEBSOCKET_REASON_MAX ((size_t)123)   /* bytes of a close frame's reason: RFC 6455 5.5 */

#define WEBSOCKET_CONTROL_MAX ((size_t)125)  /* bytes of a control frame's payload: RFC 6455 5.5 */

enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL = 1002,
    WEBSOCKET_TOO_BIG = 1009,
    WEBSOCKET_INTERNAL = 1011,
};

struct websocket_session;

struct websocket_session *websocket_session_create(void) MUST_CHECK;
void websocket_session_destroy(struct websocket_session *session); /* NULL is fine */

/* Takes what it can of the bytes that came and returns how many: fewer when so many answers wait to be sent that no more are made. */
size_t websocket_session_feed(struct websocket_session *session, struct slice bytes);

/* Queue a frame. Nothing happens once a close frame was queued or received. */
void websocket_session_text(struct websocket_session *session, struct slice text); /* copied; valid UTF-8 */
void websocket_session_ping(struct websocket_session *session);
void websocket_session_close(struct websocket_session *session, unsigned code, struct slice reason); /* the reason is cut where it is too long */

/* Up to room bytes that are to be sent next; 0: none wait. */
size_t websocket_session_take(struct websocket_session *session, char *to, size_t room);

bool websocket_session_is_idle(const struct websocket_session *session);   /* nothing waits to be sent */
bool websocket_session_is_closing(const struct websocket_session *session); /* a close frame was queued, sent or received */
/* No more will come or go: both close frames are through, or the client broke the protocol and has been told. */
bool websocket_session_is_done(const struct websocket_session *session);
