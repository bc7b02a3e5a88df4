#include "net/auth/users.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/tenant.h"
#include "net/auth/password.h"

struct users {
    atomic_int refs;
    struct arena arena;
    struct user *items; /* sorted by name */
    size_t count;
    const struct user **tokens; /* those with tokens, sorted by digest */
    size_t token_count;
};

bool user_name_check(struct slice name, struct err *err)
{
    if (name.len == 0 || name.len > USER_NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a user's name has 1 to %zu bytes", USER_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':' || (i == 0 && name.ptr[i] == '#'))
            return err_set(err, ERR_INVALID, "a user's name is printable ASCII without spaces and ':', and does not begin with '#'");
    }
    return true;
}

static struct slice take_field(struct slice *line, char end_byte)
{
    size_t end = slice_find_byte(*line, end_byte);
    struct slice field = slice_trim(slice_of(line->ptr, end));
    *line = slice_from(*line, end < line->len ? end + 1 : end);
    return field;
}

static bool parse_tenants(struct slice text, struct arena *arena, struct user *out, struct err *err)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',' ? 1 : 0;
    struct slice *tenants = ARENA_ARRAY(arena, struct slice, most);
    while (text.len > 0) {
        struct slice name = take_field(&text, ',');
        if (slice_eq(name, SLICE("*"))) {
            out->any_tenant = true;
            out->any_first = out->tenant_count == 0;
        } else if (name.len == 0) {
            return err_set(err, ERR_INVALID, "a tenant's name is empty");
        } else if (!tenant_name_check(name, err)) {
            return false;
        } else {
            tenants[out->tenant_count++] = name;
        }
    }
    out->tenants = tenants;
    return out->any_tenant || out->tenant_count > 0 || err_set(err, ERR_INVALID, "no tenants: name some, or * for all");
}

bool user_parse(struct slice line, struct arena *arena, struct user *out, struct err *err)
{
    *out = (struct user){.name = take_field(&line, ':')};
    out->hash = take_field(&line, ':');
    struct slice tenants = take_field(&line, ':');
    struct slice flags = slice_trim(line);
    out->is_token = token_hash_parse(out->hash, &out->token);
    if (!user_name_check(out->name, err) || !(out->is_token || password_hash_check(out->hash, err)) || !parse_tenants(tenants, arena, out, err))
        return false;
    while (flags.len > 0) {
        struct slice flag = take_field(&flags, ',');
        if (!slice_eq(flag, SLICE("admin")))
            return err_set(err, ERR_INVALID, "unknown flag \"%.*s\": admin is known", SLICE_ARG(flag));
        out->is_admin = true;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

static int by_token(const void *a, const void *b)
{
    return memcmp(&(*(const struct user *const *)a)->token, &(*(const struct user *const *)b)->token, sizeof(struct token_digest));
}

static bool tokens_sort(struct users *users, struct err *err)
{
    users->tokens = mem_array(users->count + 1, sizeof(*users->tokens));
    for (size_t i = 0; i < users->count; i++) {
        if (users->items[i].is_token)
            users->tokens[users->token_count++] = &users->items[i];
    }
    qsort(users->tokens, users->token_count, sizeof(*users->tokens), by_token);
    for (size_t i = 1; i < users->token_count; i++) {
        if (by_token(&users->tokens[i], &users->tokens[i - 1]) == 0)
            return err_set(err, ERR_INVALID, "users %.*s and %.*s have one token", SLICE_ARG(users->tokens[i - 1]->name), SLICE_ARG(users->tokens[i]->name));
    }
    return true;
}

static bool parse_lines(struct users *users, struct slice text, struct err *err)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == '\n' ? 1 : 0;
    users->items = mem_array(most, sizeof(*users->items));
    for (size_t number = 1; text.len > 0; number++) {
        struct slice line = take_field(&text, '\n');
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (!user_parse(line, &users->arena, &users->items[users->count], err))
            return err_wrap(err, "line %zu", number);
        users->count++;
    }
    qsort(users->items, users->count, sizeof(*users->items), by_name);
    for (size_t i = 1; i < users->count; i++) {
        if (slice_eq(users->items[i].name, users->items[i - 1].name))
            return err_set(err, ERR_INVALID, "user %.*s stands there twice", SLICE_ARG(users->items[i].name));
    }
    return tokens_sort(users, err);
}

bool users_parse(const char *file, struct slice text, struct users **out, struct err *err)
{
    struct users *users = mem_zero(sizeof(*users));
    atomic_init(&users->refs, 1);
    users->arena = ARENA_INIT;
    if (!parse_lines(users, arena_copy(&users->arena, text), err)) {
        users_unref(users);
        return err_wrap(err, "%s", file);
    }
    *out = users;
    return true;
}

struct users *users_ref(struct users *users)
{
    atomic_fetch_add(&users->refs, 1);
    return users;
}

void users_unref(struct users *users)
{
    if (users == NULL || atomic_fetch_sub(&users->refs, 1) > 1)
        return;
    mem_free(users->items);
    mem_free(users->tokens);
    arena_fini(&users->arena);
    mem_free(users);
}

const struct user *users_find(const struct users *users, struct slice name)
{
    struct user key = {.name = name};
    return users->count == 0 ? NULL : bsearch(&key, users->items, users->count, sizeof(*users->items), by_name);
}

const struct user *users_find_token(const struct users *users, struct slice token)
{
    struct user key = {.is_token = true};
    const struct user *wanted = &key;
    if (users->token_count == 0 || !token_digest(token, &key.token))
        return NULL;
    const struct user *const *found = bsearch(&wanted, users->tokens, users->token_count, sizeof(*users->tokens), by_token);
    return found == NULL ? NULL : *found;
}

size_t users_count(const struct users *users)
{
    return users->count;
}

bool user_may_use(const struct user *user, struct slice tenant)
{
    for (size_t i = 0; i < user->tenant_count; i++) {
        if (slice_eq(user->tenants[i], tenant))
            return true;
    }
    return user->any_tenant;
}
