/* yaml_text.h: texts as Go's yaml.v3 writes them, so that clients see the bytes that Loki sends: plain where YAML allows, else in quotes or as a block.
 * Source: gopkg.in/yaml.v3 (encode.go, resolve.go, emitterc.go), yaml.v3's sorter. Thread: any; pure. */
#pragma once

#include "core/base/buf.h"

/* A text, which is UTF-8, as the value of a key; `deeper` is the column of the lines of a block. Without a newline at the end. */
void yaml_put_text(struct buf *out, struct slice text, size_t deeper);
/* The same as a key: never a block. */
void yaml_put_key(struct buf *out, struct slice text);

/* Order of a map's keys: numbers in them by value: a2 before a10. */
int yaml_key_order(struct slice a, struct slice b);
