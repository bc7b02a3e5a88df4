/* websocket.h: a request becomes a WebSocket: handshake, upgrade, frames, pings, a proper end.
 *
 *   handler (any thread): websocket_handshake -> websocket_accept -> on the request's loop: opened -> tick, writable ... -> closed
 *
 * One message is on its way at a time: text is taken when websocket_is_idle says so, so a slow reader holds one message here and what the kernel holds for its
 * socket; what waits behind it is the caller's to bound. A client that takes nothing for write_timeout_ns is cut.
 * Source: RFC 6455; libh2o's own websocket.c is not used: its queue has no bound.
 */
#pragma once

#include "net/http/request.h"
#include "net/http/websocket_session.h"

struct websocket;

/* All on the loop; none may wait. */
struct websocket_handler {
    /* The upgrade is through. May send and close. */
    void (*opened)(void *self, struct websocket *socket);
    /* Nothing waits to be sent any more. */
    void (*writable)(void *self, struct websocket *socket);
    /* About every WEBSOCKET_TICK_MS. */
    void (*tick)(void *self, struct websocket *socket);
    /* The client said goodbye, or broke the rules: no text will go out any more. `closed` follows. May be NULL. */
    void (*closing)(void *self);
    /* The end, once, also when it was never opened. */
    void (*closed)(void *self);
};

#define WEBSOCKET_TICK_MS 50

/* Whether the request is a handshake that we take; else the reply's status: 400, 405, or 403 (origin). origins: allowed values of Origin, separated by
 * commas; empty: any, as in Loki. Thread: any. */
bool websocket_handshake(const struct http_request *request, struct slice origins, int *out_status) MUST_CHECK;
/* The reply to a refused one, in Loki's words. */
void websocket_refuse(struct http_request *request, int status);

/* Upgrades a request whose handshake was good; it must not be touched afterwards. The handler is static. Thread: any, once. */
void websocket_accept(struct http_request *request, const struct websocket_handler *handler, void *self);

/* ---- on the loop, from opened to closed ---- */
bool websocket_is_idle(const struct websocket *socket);
void websocket_text(struct websocket *socket, struct slice text); /* copied; valid UTF-8 */
/* Says goodbye and ends when the client has answered, or after WEBSOCKET_GOODBYE_NS. */
void websocket_close(struct websocket *socket, unsigned code, struct slice reason);
struct http_loop *websocket_loop(const struct websocket *socket);

/* Sec-WebSocket-Accept for a key: 28 characters. Thread: any. */
void websocket_accept_key(struct slice key, char out[29]);
