/* label_set.h: labels of a stream, and structured metadata of an entry: pairs sorted by name, names unique, no empty values.
 *
 * Two forms: `struct label_set`, an array of slices to work with, and its encoding, one run of bytes to keep, compare and
 * hash: for each pair varint name length, name, varint value length, value. Equal sets have equal encodings.
 * Format: docs/formats/segment.md and index.md use the encoding as it is.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/hash.h"

struct label {
    struct slice name;
    struct slice value;
};

struct label_set {
    const struct label *labels;
    size_t count;
};

/* ---- encoding ---- */

/* Appends the encoding. The set is sorted and unique: asserted. */
void label_set_encode(const struct label_set *set, struct buf *out);
struct slice label_set_encode_in(struct arena *arena, const struct label_set *set);

/* The next pair of an encoding, or false at its end. Bytes from disk are checked: false too when they are damaged; then
 * in->len is not 0. */
bool label_next(struct slice *in, struct label *out);

/* Bytes of names and values of an encoding: what Loki counts of structured metadata. */
size_t label_set_bytes(struct slice encoded);

/* Slices of `encoded`, the array in the arena. ERR_CORRUPT if the bytes are no encoding (also: unsorted, duplicate). */
bool label_set_decode(struct slice encoded, struct arena *arena, struct label_set *out, struct err *err) MUST_CHECK;

/* The value, or false. */
bool label_set_get(const struct label_set *set, struct slice name, struct slice *value);
bool label_encoded_get(struct slice encoded, struct slice name, struct slice *value);

/* Sorts by name in place (stable). With last_wins, of equal names the last one stays; else all stay. Pairs with an empty
 * value are dropped. Returns the count that is left. */
size_t label_sort(struct label *labels, size_t count, bool last_wins);

/* ---- identity ---- */

/* A stream's identity everywhere: in memory, in segments, in the index: XXH3-128 of tenant, a 0 byte, encoding. Collisions
 * are taken as impossible (2^-90 for a billion streams). */
struct hash128 stream_id(struct slice tenant, struct slice encoded_labels);

/* ---- text ---- */

/* Prometheus' text form, as http-api.md 5.4: optional __name__ before the brace, three kinds of quotes, trailing comma. Names are
 * [a-zA-Z_][a-zA-Z0-9_]*. Sorted; empty values dropped; duplicate names are kept for the caller to refuse, next to each other.
 * ERR_INVALID, text `couldn't parse labels: <line>:<col>: parse error: <what>` is filled without the `couldn't parse labels: `. */
bool label_set_parse(struct slice text, struct arena *arena, struct label_set *out, struct err *err) MUST_CHECK;

/* Canonical text: {a="1", b="2"}, values quoted as Go's strconv.Quote does. Also what streams are ordered by. */
void label_set_print(const struct label_set *set, struct buf *out);
void label_encoded_print(struct slice encoded, struct buf *out);

/* Order of two sets by their canonical text, without printing them. */
int label_set_cmp_text(const struct label_set *a, const struct label_set *b);

/* [a-zA-Z_][a-zA-Z0-9_]* */
bool label_name_is_valid(struct slice name);
