#include "net/api/openapi.h"

/* OPENAPI_FILE is the document's path, from net/api/CMakeLists.txt, which also makes this file depend on it. */
__asm__(".pushsection .rodata\n"
        "openapi_begin: .incbin \"" OPENAPI_FILE "\"\n"
        "openapi_end:\n"
        ".popsection\n");

extern const char openapi_begin[];
extern const char openapi_end[];

struct slice openapi_document(void)
{
    return slice_of(openapi_begin, (size_t)(openapi_end - openapi_begin));
}

void openapi_serve(struct http_request *http)
{
    struct http_reply reply = {.status = 200, .content_type = "application/yaml"}; // RFC 9512
    buf_put(&reply.body, openapi_document());
    http_reply(http, &reply);
}
