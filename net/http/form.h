/* form.h: application/x-www-form-urlencoded, from URLs and bodies, as Go's net/url reads it; and multipart/form-data. Thread: any; pure. */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"

struct form_field {
    struct slice name, value;
};

struct form {
    struct form_field *fields; /* in order; in the arena */
    size_t count, capacity;
};

#define FORM_FIELDS_MAX 10000

/* Appends the fields of text. Bad escapes and semicolons are ERR_INVALID with Go's words: `invalid semicolon separator in query`,
 * `invalid URL escape "%zz"`. */
bool form_parse(struct slice text, struct arena *arena, struct form *form, struct err *err) MUST_CHECK;

/* Appends the fields of a multipart/form-data body (RFC 7578) whose parts lie between lines of "--" and boundary; parts with a file name are skipped. ERR_INVALID: not
 * of this form. Values are slices of body. */
bool form_parse_multipart(struct slice body, struct slice boundary, struct arena *arena, struct form *form, struct err *err) MUST_CHECK;

/* The first value of that name; false: there is none. An empty value is a value here. */
bool form_get(const struct form *form, struct slice name, struct slice *value);

/* Percent-decodes a path segment or, with plus_is_space, a form text. ERR_INVALID as above. */
bool percent_decode(struct slice text, bool plus_is_space, struct arena *arena, struct slice *out, struct err *err) MUST_CHECK;
