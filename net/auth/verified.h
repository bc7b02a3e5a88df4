/* verified.h: which credentials were checked lately, so that scrypt runs once and not at each request. Keeps no password: the key is an HMAC-SHA256, under a
 * secret of this process, of user, password and the hash in the users file; a new hash in the file is a new key.
 *
 * Right and wrong ones are kept apart: a flood of wrong ones cannot push out a right one. Both tables have a fixed size.
 * Thread: any; a lock inside. */
#pragma once

#include "core/base/clock.h"
#include "core/base/slice.h"

#define VERIFIED_KEY_BYTES 32
#define VERIFIED_GOOD_NS (15 * NS_PER_MIN) /* after the last use */
#define VERIFIED_BAD_NS (30 * NS_PER_S)    /* after the check */

struct verified_key {
    unsigned char bytes[VERIFIED_KEY_BYTES];
};

enum verdict { VERDICT_NONE, VERDICT_GOOD, VERDICT_BAD };

struct verified;
struct verified *verified_create(const struct clock *clock);
void verified_destroy(struct verified *verified);

void verified_key_make(const struct verified *verified, struct slice user, struct slice password, struct slice hash, struct verified_key *out);
enum verdict verified_find(struct verified *verified, const struct verified_key *key);
void verified_put(struct verified *verified, const struct verified_key *key, enum verdict verdict);
