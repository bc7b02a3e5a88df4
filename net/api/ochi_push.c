/* ochi_push.c: Ochi's pushes: JSON, plain or a snappy block; nothing is added to what was sent. */
#include "net/api/ochi.h"
#include "net/api/push.h"
#include "net/codec/inflate.h"
#include "net/codec/push_ochi.h"

static bool is_plain(struct slice body)
{
    body = slice_trim(body);
    return body.len > 0 && body.ptr[0] == '{';
}

static bool decode(struct http_request *http, const struct limits *limits, size_t unpacked_bytes_max, struct arena *arena,
                   struct push_body *out, struct err *err)
{
    struct slice encoding;
    struct slice body = http->body;
    (void)limits;
    *out = (struct push_body){.format = "ochi_json"};
    // 0.1 takes every body for snappy, later ones only what says so. A snappy block that begins with { promises 123 bytes: so the header decides
    // where there is one.
    bool has_encoding = http_header_get(http, SLICE("content-encoding"), &encoding) && encoding.len > 0;
    if (has_encoding || !is_plain(body)) {
        if (!unsnap_body(body, unpacked_bytes_max, &out->unpacked, err)) {
            if (err->code == ERR_INVALID)
                err_fill(err, ERR_INVALID, "failed to decompress request body");
            return false;
        }
        body = buf_slice(&out->unpacked);
    }
    return push_ochi_decode(body, arena, &out->request, err);
}

static void reply(struct http_request *http, int status, struct slice text)
{
    if (status == 204)
        http_reply_status(http, 200);
    else
        ochi_reply_text(http, status, text);
}

void ochi_push(struct http_request *http)
{
    static const struct push_flavour flavour = {"ochi_json", false, decode, reply, .takes_old = true};
    struct slice header;
    if (http_header_get(http, SLICE("content-type"), &header) && !slice_eq(header, SLICE("application/json")))
        ochi_reply_text(http, 415, SLICE("content-type is not supported"));
    else if (http_header_get(http, SLICE("content-encoding"), &header) && header.len > 0 && !slice_eq(header, SLICE("snappy")))
        ochi_reply_text(http, 415, SLICE("content-encoding is not supported"));
    else if (ochi_body_check(http))
        push_handle(http, &flavour);
}
