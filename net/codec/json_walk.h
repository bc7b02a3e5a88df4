/* json_walk.h: objects and arrays at a json_reader, member by member. null counts as an empty one, as protobuf's and Go's decoders have it.
 * Thread: one at a time. */
#pragma once

#include "net/codec/json_reader.h"

/* Takes the value of `key`, all of it. */
typedef bool (*json_member)(void *self, struct json_reader *reader, struct slice key, struct err *err);
/* Takes the i-th element. */
typedef bool (*json_element)(void *self, struct json_reader *reader, size_t i, struct err *err);

bool json_walk_object(struct json_reader *reader, json_member member, void *self, struct err *err) MUST_CHECK;
bool json_walk_array(struct json_reader *reader, json_element element, void *self, struct err *err) MUST_CHECK;

/* ERR_INVALID unless only white space is left. */
bool json_walk_end(struct json_reader *reader, struct err *err) MUST_CHECK;
