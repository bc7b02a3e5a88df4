/* media_type.h: the Content-Type header, with the refusals of Go's mime.ParseMediaType, whose words Loki's clients see.
 * Source: Go 1.24, src/mime/mediatype.go. Thread: any; pure. */
#pragma once

#include "core/base/err.h"
#include "core/base/slice.h"

/* The value of a parameter, without quotes; false: none of that name. For headers that media_type_parse takes. */
bool media_type_parameter(struct slice header, struct slice name, struct slice *out);

/* *out: the type before the parameters, trimmed, as it was written (compare without regard to case). ERR_INVALID: no type, or parameters that Go cannot read. */
bool media_type_parse(struct slice header, struct slice *out, struct err *err) MUST_CHECK;
