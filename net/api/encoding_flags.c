#include "net/api/encoding_flags.h"

void encoding_flags_parse(const struct http_request *http, struct encoding_flags *out)
{
    struct slice header;
    *out = (struct encoding_flags){0};
    if (!http_header_get(http, SLICE("x-loki-response-encoding-flags"), &header))
        return;
    while (header.len > 0 && out->count < ENCODING_FLAGS_MAX) {
        size_t end = slice_find_byte(header, ',');
        struct slice flag = slice_of(header.ptr, end);
        header = end == header.len ? SLICE_NONE : slice_from(header, end + 1);
        out->flags[out->count++] = flag;
        out->categorize = out->categorize || slice_eq(flag, SLICE("categorize-labels"));
    }
}
