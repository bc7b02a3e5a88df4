/* push_ochi.h: the JSON body of Ochi's pushes: Loki's of today, stricter. Source: spec http-api.md 15. Thread: any. */
#pragma once

#include "core/base/err.h"
#include "core/ingest/push.h"

/* `streams` and each `values` must be arrays, a line two or three elements, labels and fields objects of strings, timestamps unsigned decimal
 * texts; unknown keys are skipped. ERR_INVALID refuses the whole request; for a timestamp its text is OCHI_INVALID_TIMESTAMP. Lines are slices of
 * the body unless they have escapes; what is made goes to the arena. */
bool push_ochi_decode(struct slice body, struct arena *arena, struct push_request *out, struct err *err) MUST_CHECK;

#define OCHI_INVALID_TIMESTAMP "{\"code\":\"INVALID_TIMESTAMP\"}"
