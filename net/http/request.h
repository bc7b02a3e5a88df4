/* request.h: one HTTP request as the APIs see it: a copy of what the client sent, and one reply.
 *
 * It belongs to the handler until http_reply, which any thread may call, once. libh2o's own request may end earlier (the client left): then
 * http_request_is_gone says so, `on_gone` is called on the loop, and the reply goes nowhere.
 */
#pragma once

#include <stdatomic.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "net/http/form.h"

enum http_method {
    HTTP_GET = 1,
    HTTP_POST = 2,
    HTTP_PUT = 4,
    HTTP_DELETE = 8,
    HTTP_HEAD = 16,
    HTTP_OPTIONS = 32,
    HTTP_OTHER = 64,
};

struct http_header {
    struct slice name; /* lower case */
    struct slice value;
};

#define HTTP_PATH_ARGS_MAX 2
#define HTTP_REPLY_HEADERS_MAX 6

struct http_route;

struct http_request {
    /* ---- what was asked; slices live in the arena ---- */
    struct arena arena; /* of this request: the handler may use it, on one thread at a time */
    enum http_method method;
    struct slice method_text;
    struct slice path;  /* decoded once */
    struct slice query; /* raw, without '?' */
    const struct http_header *headers;
    size_t header_count;
    struct slice body; /* a copy; as received */
    const struct http_route *route;
    unsigned allowed;   /* enum http_method, ORed: what the path takes, where it does not take this method */
    struct slice path_args[HTTP_PATH_ARGS_MAX]; /* {name} parts of the route's pattern, decoded */
    struct slice peer;  /* address:port */
    void *app;          /* the server's */
    void *user_state;   /* set by the authentication hook */

    /* ---- the handler's ---- */
    void (*on_gone)(struct http_request *request); /* on the loop, once, and may not reply; set before leaving the loop; may be NULL */
    void *state;

    /* ---- the server's ---- */
    struct http_exchange *exchange;
};

/* The first header of that name (lower case), trimmed; false: none. */
bool http_header_get(const struct http_request *request, struct slice name, struct slice *value);
/* The i-th of that name, for those where it matters (i from 0). */
bool http_header_at(const struct http_request *request, struct slice name, size_t i, struct slice *value);

/* Fields of the URL and, for a POST of type application/x-www-form-urlencoded, of the body, which come first. */
bool http_request_form(struct http_request *request, struct form *out, struct err *err) MUST_CHECK;

/* Media type of Content-Type in lower case without parameters; empty if there is none. */
struct slice http_request_media_type(struct http_request *request);

/* The client left before the answer, or the server stops and has no time left. Thread: any. */
bool http_request_is_gone(const struct http_request *request);
/* The latter of these. Thread: any. */
bool http_request_is_given_up(const struct http_request *request);

struct http_reply {
    int status;
    const char *content_type; /* static; NULL: none */
    struct buf body;          /* taken */
    struct http_header headers[HTTP_REPLY_HEADERS_MAX]; /* static or in the request's arena; no CR or LF in values */
    size_t header_count;
    bool close; /* end the connection after it */
};

/* Sends and ends the request: it must not be touched afterwards. Thread: any, once. */
void http_reply(struct http_request *request, struct http_reply *reply);

/* The usual ones. */
void http_reply_status(struct http_request *request, int status);                           /* no body */
void http_reply_text(struct http_request *request, int status, struct slice text);          /* text/plain; charset=utf-8, nosniff */
void http_reply_json(struct http_request *request, int status, struct buf *body);           /* application/json; charset=UTF-8 */
void http_reply_err(struct http_request *request, const struct err *err);                   /* status by http_status_of, text */
void http_reply_header(struct http_reply *reply, struct slice name, struct slice value);

/* Status that an error code means. */
int http_status_of(enum err_code code);
