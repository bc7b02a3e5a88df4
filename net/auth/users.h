/* users.h: who may log in: a file of users as one immutable snapshot, reference counted. A reload makes a new one.
 *
 * FORMAT: lines of text; empty ones and those that begin with # are skipped:
 *
 *     name:hash:tenants:flags
 *
 *     name     1 to 128 bytes of printable ASCII without ':'
 *     hash     of password.h, or of token.h: then the user logs in by a bearer token, or by name and token as basic credentials
 *     tenants  one or more, joined by commas; the first is the one of requests that name none; * is every tenant (a tenant with the name * can't be meant)
 *     flags    empty, or admin: may use administrative routes
 *
 * Thread: any.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/err.h"
#include "net/auth/token.h"

#define USER_NAME_BYTES_MAX ((size_t)128)

struct user {
    struct slice name, hash;
    const struct slice *tenants; /* named ones */
    size_t tenant_count;
    bool any_tenant;
    bool any_first; /* * stands before all named ones: requests that name no tenant are treated as without users */
    bool is_admin;
    bool is_token; /* hash is a token's: */
    struct token_digest token;
};

struct users;

/* ERR_INVALID names file, line and what is wrong; never a hash. */
bool users_parse(const char *file, struct slice text, struct users **out, struct err *err) MUST_CHECK;
struct users *users_ref(struct users *users);
void users_unref(struct users *users); /* NULL is fine */

/* NULL: no such user. Lives with the users. */
const struct user *users_find(const struct users *users, struct slice name);
/* Whose token it is; NULL: nobody's. */
const struct user *users_find_token(const struct users *users, struct slice token);
size_t users_count(const struct users *users);
bool user_may_use(const struct user *user, struct slice tenant);

/* One line of the file, without its end. Slices of the line; tenants in the arena. */
bool user_parse(struct slice line, struct arena *arena, struct user *out, struct err *err) MUST_CHECK;
bool user_name_check(struct slice name, struct err *err) MUST_CHECK;
