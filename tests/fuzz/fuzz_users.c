/* Any bytes as a users file: it is taken or refused with a reason that holds no hash; each user that is taken is found by name, may use each tenant of theirs, and
 * is the same when their line is read by itself. */
#include <stdlib.h>

#include "net/auth/password.h"
#include "net/auth/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const struct users *users, struct slice line)
{
    struct arena arena = ARENA_INIT;
    struct user user;
    struct err err;
    line = slice_trim(line);
    if (line.len > 0 && line.ptr[0] != '#') {
        if (!user_parse(line, &arena, &user, &err))
            abort();
        const struct user *found = users_find(users, user.name);
        if (found == NULL || !slice_eq(found->hash, user.hash) || found->tenant_count != user.tenant_count || found->is_admin != user.is_admin ||
            !(found->is_token || password_hash_check(found->hash, &err)) || found->hash.len > PASSWORD_HASH_TEXT_MAX || found->name.len > USER_NAME_BYTES_MAX)
            abort();
        for (size_t i = 0; i < user.tenant_count; i++) {
            if (!user_may_use(found, user.tenants[i]))
                abort();
        }
        if (user_may_use(found, SLICE("a tenant of no name")) != found->any_tenant)
            abort();
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct users *users = NULL;
    struct err err = {.text = ""};
    struct slice text = slice_of(data, size);
    if (!users_parse("fuzz", text, &users, &err)) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    while (text.len > 0) {
        size_t end = slice_find_byte(text, '\n');
        check_line(users, slice_of(text.ptr, end));
        text = slice_from(text, end < text.len ? end + 1 : end);
    }
    users_unref(users);
    return 0;
}
