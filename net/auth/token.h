/* token.h: bearer tokens (RFC 6750): 32 random bytes that only their owner keeps; the users file has their SHA-256, in the place of a password's hash:
 *
 *     $sha256$<32 bytes, base64 without padding>
 *
 * A token is as random as its hash is long: nobody can guess one, so a plain hash is enough and a check costs a microsecond, on the loop.
 * Thread: any; pure but for the randomness.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

#define TOKEN_DIGEST_BYTES 32
#define TOKEN_BYTES_MAX ((size_t)256)

struct token_digest {
    unsigned char bytes[TOKEN_DIGEST_BYTES];
};

/* Appends a new token, "logi_" and 43 letters of base64url, and the text for the users file. */
bool token_create(struct buf *out_token, struct buf *out_hash, struct err *err) MUST_CHECK;

/* The text is of the form above. */
bool token_hash_parse(struct slice hash, struct token_digest *out) MUST_CHECK;

/* Any text has a digest; false: longer than TOKEN_BYTES_MAX or empty. */
bool token_digest(struct slice token, struct token_digest *out) MUST_CHECK;
