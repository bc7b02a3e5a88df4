#include "net/http/request.h"

#include "net/http/exchange.h"
#include "net/http/media_type.h"

bool http_header_at(const struct http_request *request, struct slice name, size_t i, struct slice *value)
{
    for (size_t k = 0; k < request->header_count; k++) {
        if (slice_eq(request->headers[k].name, name) && i-- == 0) {
            *value = request->headers[k].value;
            return true;
        }
    }
    return false;
}

bool http_header_get(const struct http_request *request, struct slice name, struct slice *value)
{
    return http_header_at(request, name, 0, value);
}

struct slice http_request_media_type(struct http_request *request)
{
    struct slice type;
    if (!http_header_get(request, SLICE("content-type"), &type))
        return SLICE("");
    type = slice_trim(slice_of(type.ptr, slice_find_byte(type, ';')));
    char *lower = arena_alloc(&request->arena, type.len, 1);
    for (size_t i = 0; i < type.len; i++)
        lower[i] = type.ptr[i] >= 'A' && type.ptr[i] <= 'Z' ? (char)(type.ptr[i] + 32) : type.ptr[i];
    return slice_of(lower, type.len);
}

#define FORM_BYTES_MAX ((size_t)10 << 20)

bool http_request_form(struct http_request *request, struct form *out, struct err *err)
{
    struct slice header;
    struct slice type;
    *out = (struct form){0};
    if (request->method == HTTP_POST && http_header_get(request, SLICE("content-type"), &header) && header.len > 0 && !media_type_parse(header, &type, err))
        return false;
    if (request->method == HTTP_POST &&
        slice_eq(http_request_media_type(request), SLICE("application/x-www-form-urlencoded"))) {
        if (request->body.len > FORM_BYTES_MAX)
            return err_set(err, ERR_INVALID, "http: POST too large");
        if (!form_parse(request->body, &request->arena, out, err))
            return false;
    }
    return form_parse(request->query, &request->arena, out, err);
}

bool http_request_is_gone(const struct http_request *request)
{
    return atomic_load(&request->exchange->is_gone);
}

bool http_request_is_given_up(const struct http_request *request)
{
    return atomic_load(&request->exchange->loop->server->gives_up);
}

void http_request_post(struct http_request *request, void (*fn)(void *self), void *self)
{
    http_loop_post(request->exchange->loop, fn, self);
}
