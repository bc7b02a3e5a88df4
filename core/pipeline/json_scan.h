/* json_scan.h: walks JSON text without building anything, as leniently as Loki's reader does (logql.md 7.1). Internal to core/pipeline.
 *
 * Thread: any.
 */
#pragma once

#include "core/base/arena.h"

enum json_kind { JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_NULL, JSON_OBJECT, JSON_ARRAY };

struct json_value {
    enum json_kind kind;
    bool has_escape;   /* JSON_STRING */
    struct slice text; /* a string's is what stands between the quotes */
};

struct json_member {
    struct slice key; /* unescaped if it had to be: then in the arena */
    struct json_value value;
};

struct json_walk {
    struct slice text;
    size_t at;         /* of what should be the next key, or the closing brace */
    const char *error; /* Loki's words; NULL: none */
};

/* Begins with the brace, white space before it aside. */
void json_walk_begin(struct json_walk *walk, struct slice text);

/* The next member; false: the end, or walk->error is set; out->key is set then only when a colon follows it: it is its value that is damaged. */
bool json_walk_next(struct json_walk *walk, struct arena *arena, struct json_member *out);

/* The value that begins at `at` or behind white space there; *end: where it ends. NULL, or Loki's words. */
const char *json_value_at(struct slice text, size_t at, struct json_value *out, size_t *end);

/* The offset behind the closing quote of a string that goes on at `at`, or SIZE_MAX. */
size_t json_string_end(struct slice text, size_t at, bool *has_escape);

/* Offset of the first byte from `at` on that is no white space; text.len at the end. */
size_t json_skip_space(struct slice text, size_t at);

/* A string without its escapes; without any, the slice as it is. False: a bad escape. */
bool json_unescape(struct slice inner, struct arena *arena, struct slice *out);

/* The value as a label's: unescaped, U+FFFD as space; a bad escape makes it empty; null is empty; else the text as it stands. */
struct slice json_label_value(const struct json_value *value, struct arena *arena);
