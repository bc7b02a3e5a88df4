/* http_sender.h: POSTs to another server by libcurl: one connection that is kept, no redirects, bounded time. Thread: one at a time. */
#pragma once

#include <stdatomic.h>

#include "core/base/arena.h"
#include "core/base/err.h"

struct http_sender;

/* The transfer ends at once when *abort becomes true. The caller ends it with http_sender_destroy. */
struct http_sender *http_sender_create(const atomic_bool *abort) MUST_CHECK;
void http_sender_destroy(struct http_sender *sender); /* NULL is fine */

enum send_outcome {
    SEND_OK,
    SEND_RETRY,   /* it could not be reached, or said 429 or 5xx: later it may work */
    SEND_REFUSED, /* it said no */
};

/* The URL as logs may show it: without user and password. In the arena. */
const char *url_without_password(struct slice url, struct arena *arena);

/* headers: "Name: value", count of them. err says why when it is not SEND_OK. */
enum send_outcome http_sender_post(struct http_sender *sender, const char *url, const char *const *headers, size_t count, struct slice body,
                                   int64_t timeout_ns, struct err *err);
