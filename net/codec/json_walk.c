#include "net/codec/json_walk.h"

bool json_walk_object(struct json_reader *reader, json_member member, void *self, struct err *err)
{
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    if (!json_expect(reader, '{', err))
        return false;
    bool more = !json_accept(reader, '}');
    while (more) {
        struct slice key;
        if (!json_string(reader, &key, err) || !json_expect(reader, ':', err) || !member(self, reader, key, err) ||
            !json_next(reader, '}', &more, err))
            return false;
    }
    return true;
}

bool json_walk_array(struct json_reader *reader, json_element element, void *self, struct err *err)
{
    if (json_peek(reader) == 'n')
        return json_skip(reader, NULL, err);
    if (!json_expect(reader, '[', err))
        return false;
    bool more = !json_accept(reader, ']');
    for (size_t i = 0; more; i++) {
        if (!element(self, reader, i, err) || !json_next(reader, ']', &more, err))
            return false;
    }
    return true;
}

bool json_walk_end(struct json_reader *reader, struct err *err)
{
    (void)json_peek(reader);
    return reader->at == reader->end || err_set(err, ERR_INVALID, "text after the JSON value, at offset %zu", json_offset(reader));
}
