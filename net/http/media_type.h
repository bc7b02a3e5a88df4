/* media_type.h: the Content-Type header, with the refusals of Go's mime.ParseMediaType, whose words Loki's clients see.
 * Source: Go 1.24, src/mime/mediatype.go. Thread: any; pure. */
#pragma once

#include "core/base/err.h"
#include "core/base/slice.h"

/* *out: the type before the parameters, trimmed, as it was written (compare without regard to case). ERR_INVALID: no type, or parameters that Go cannot read. */
bool media_type_parse(struct slice header, struct slice *out, struct err *err) MUST_CHECK;
