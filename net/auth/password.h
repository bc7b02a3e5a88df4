/* password.h: hashes of passwords: scrypt (RFC 7914), in the text form that the Password Hashing Competition settled on:
 *
 *     $scrypt$ln=14,r=8,p=5$<salt, base64 without padding>$<32 bytes, base64 without padding>
 *
 * ln is the logarithm of scrypt's N. One check takes 16 MiB and about 0.15 s of CPU: that is the point of it; login.h keeps it off the loops.
 * Thread: any; pure but for the salt's randomness.
 */
#pragma once

#include "core/base/buf.h"
#include "core/base/err.h"

#define PASSWORD_BYTES_MAX ((size_t)1024)
#define PASSWORD_HASH_TEXT_MAX ((size_t)256)

/* Appends the hash's text with a new salt. ERR_INVALID: empty or longer than PASSWORD_BYTES_MAX. */
bool password_hash(struct slice password, struct buf *out, struct err *err) MUST_CHECK;

/* ERR_INVALID unless it is of the form above, with costs that a check may have: 64 MiB and 8 times the usual work at most. */
bool password_hash_check(struct slice hash, struct err *err) MUST_CHECK;

/* False also if hash is not of the form. Takes as long for a wrong password as for the right one. */
bool password_matches(struct slice hash, struct slice password) MUST_CHECK;
