#include <unistd.h>

#include "net/http/exchange.h"

static void send_message(void *self)
{
    exchange_send(self);
}

void http_reply(struct http_request *request, struct http_reply *reply)
{
    struct http_exchange *exchange = request->exchange;
    exchange->reply = *reply;
    reply->body = BUF_INIT;
    if (loop_current() == exchange->loop) {
        exchange_send(exchange);
        return;
    }
    exchange->message.fn = send_message;
    exchange->message.self = exchange;
    exchange->message.is_owned = false;
    h2o_multithread_send_message(&exchange->loop->receiver, &exchange->message.super);
#ifdef __SANITIZE_ADDRESS__
    (void)usleep(2000); // the loop ends the request meanwhile: a handler that still reads it is found, every time
#endif
}

void http_reply_header(struct http_reply *reply, struct slice name, struct slice value)
{
    if (reply->header_count < HTTP_REPLY_HEADERS_MAX)
        reply->headers[reply->header_count++] = (struct http_header){name, value};
}

void http_reply_status(struct http_request *request, int status)
{
    struct http_reply reply = {.status = status};
    http_reply(request, &reply);
}

void http_reply_text(struct http_request *request, int status, struct slice text)
{
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8"};
    buf_put(&reply.body, text);
    http_reply_header(&reply, SLICE("x-content-type-options"), SLICE("nosniff"));
    if (status == 429 || status == 503 || status == 507)
        http_reply_header(&reply, SLICE("retry-after"), SLICE("1"));
    http_reply(request, &reply);
}

void http_reply_json(struct http_request *request, int status, struct buf *body)
{
    struct http_reply reply = {.status = status, .content_type = "application/json; charset=UTF-8", .body = *body};
    *body = BUF_INIT;
    http_reply(request, &reply);
}

int http_status_of(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return 200;
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_TRUNCATED:
        return 400;
    case ERR_FORBIDDEN:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_UNPROCESSED:
        return 422;
    case ERR_RATE:
        return 429;
    case ERR_CANCELLED:
        return 499;
    case ERR_UNAVAILABLE:
        return 503;
    case ERR_TIMEOUT:
        return 504;
    case ERR_DISK_FULL:
        return 507;
    case ERR_CORRUPT:
    case ERR_IO:
        return 500;
    }
    return 500;
}

void http_reply_err(struct http_request *request, const struct err *err)
{
    http_reply_text(request, http_status_of(err->code), slice_str(err->text));
}
