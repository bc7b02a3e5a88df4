#include "storage/rules/rule_store.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/hash.h"
#include "core/base/mem.h"

#define STATE_FILE SLICE("alerts.state")
#define SAFE_NAME_BYTES_MAX ((size_t)200)

struct rule_store {
    const struct disk *disk;
    char *folder;
};

bool rule_store_open(const struct disk *disk, const char *folder, struct rule_store **out, struct err *err)
{
    if (!disk_make_folders(disk, folder, err))
        return false;
    struct rule_store *store = mem_zero(sizeof(*store));
    store->disk = disk;
    store->folder = mem_strdup(slice_str(folder));
    *out = store;
    return true;
}

void rule_store_close(struct rule_store *store)
{
    if (store == NULL)
        return;
    mem_free(store->folder);
    mem_free(store);
}

const char *rule_store_folder(const struct rule_store *store)
{
    return store->folder;
}

static bool is_safe(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && i > 0);
        if (!is_plain)
            return false;
    }
    return name.len > 0 && name.len <= SAFE_NAME_BYTES_MAX;
}

static const char *tenant_folder(const struct rule_store *store, struct slice tenant, struct arena *arena)
{
    return arena_printf(arena, "%s/%.*s", store->folder, SLICE_ARG(tenant)).ptr;
}

static const char *rules_path(const struct rule_store *store, struct slice tenant, struct slice name, struct arena *arena)
{
    const char *folder = tenant_folder(store, tenant, arena);
    if (is_safe(name))
        return arena_printf(arena, "%s/%.*s.yaml", folder, SLICE_ARG(name)).ptr;
    struct hash128 hash = hash128(name);
    return arena_printf(arena, "%s/%%%016llx%016llx.yaml", folder, (unsigned long long)hash.high, (unsigned long long)hash.low).ptr;
}

bool rule_store_put(struct rule_store *store, struct slice tenant, struct slice rule_namespace, struct slice text, struct err *err)
{
    struct arena arena = ARENA_INIT;
    bool ok = disk_make_folders(store->disk, tenant_folder(store, tenant, &arena), err) &&
              disk_replace_file(store->disk, rules_path(store, tenant, rule_namespace, &arena), text, err);
    arena_fini(&arena);
    return ok || err_wrap(err, "rules");
}

bool rule_store_remove(struct rule_store *store, struct slice tenant, struct slice rule_namespace, struct err *err)
{
    struct arena arena = ARENA_INIT;
    const char *path = rules_path(store, tenant, rule_namespace, &arena);
    bool ok = true;
    if (store->disk->unlink(store->disk, path) == 0)
        ok = disk_sync_folder(store->disk, tenant_folder(store, tenant, &arena), err);
    else if (errno != ENOENT)
        ok = err_errno(err, "%s: unlink", path);
    arena_fini(&arena);
    return ok || err_wrap(err, "rules");
}

bool rule_store_put_state(struct rule_store *store, struct slice tenant, struct slice bytes, struct err *err)
{
    struct arena arena = ARENA_INIT;
    const char *folder = tenant_folder(store, tenant, &arena);
    bool ok = disk_make_folders(store->disk, folder, err) &&
              disk_replace_file(store->disk, arena_printf(&arena, "%s/alerts.state", folder).ptr, bytes, err);
    arena_fini(&arena);
    return ok || err_wrap(err, "alerts");
}

/* ---- reading ---- */

struct names {
    struct arena arena;
    struct slice *names;
    size_t count, cap;
};

static bool take_name(void *self, const char *name)
{
    struct names *names = self;
    if (name[0] == '.')
        return true;
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 64 : names->cap * 2;
        names->names = mem_grow(names->names, names->cap, sizeof(*names->names));
    }
    names->names[names->count++] = arena_copy(&names->arena, slice_str(name));
    return true;
}

static int name_order(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static void names_fini(struct names *names)
{
    mem_free(names->names);
    arena_fini(&names->arena);
}

/* Sorted. A path that is no folder has no names. */
static bool names_read(const struct disk *disk, const char *folder, struct names *names, struct err *err)
{
    *names = (struct names){0};
    if (disk->list(disk, folder, take_name, names) != 0 && errno != ENOTDIR) {
        names_fini(names);
        return err_errno(err, "folder %s: list", folder);
    }
    if (names->count > 0)
        qsort(names->names, names->count, sizeof(*names->names), name_order);
    return true;
}

struct walk {
    const struct disk *disk;
    size_t bytes_max;
    void (*each)(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes, const struct err *err);
    void *self;
};

static void file_read(const struct walk *walk, const char *folder, struct slice tenant, struct slice name, enum rule_file_kind kind)
{
    struct arena arena = ARENA_INIT;
    struct buf bytes = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    const char *path = arena_printf(&arena, "%s/%.*s", folder, SLICE_ARG(name)).ptr;
    if (!disk_read_file(walk->disk, path, walk->bytes_max, &bytes, &err))
        walk->each(walk->self, tenant, name, kind, SLICE_NONE, &err);
    else
        walk->each(walk->self, tenant, name, kind, buf_slice(&bytes), NULL);
    buf_fini(&bytes);
    arena_fini(&arena);
}

static bool is_rules_name(struct slice name)
{
    return !slice_eq(name, STATE_FILE) && !slice_ends(name, SLICE(".tmp"));
}

static bool tenant_read(const struct walk *walk, const char *folder, struct slice tenant, struct err *err)
{
    struct names names;
    if (!names_read(walk->disk, folder, &names, err))
        return false;
    for (size_t i = 0; i < names.count; i++) {
        if (is_rules_name(names.names[i]))
            file_read(walk, folder, tenant, names.names[i], RULE_FILE_RULES);
    }
    for (size_t i = 0; i < names.count; i++) {
        if (slice_eq(names.names[i], STATE_FILE))
            file_read(walk, folder, tenant, names.names[i], RULE_FILE_STATE);
    }
    names_fini(&names);
    return true;
}

bool rule_folder_each(const struct disk *disk, const char *folder, size_t bytes_max,
                      void (*each)(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes,
                                   const struct err *err),
                      void *self, struct err *err)
{
    const struct walk walk = {disk, bytes_max, each, self};
    struct names tenants;
    struct arena arena = ARENA_INIT;
    if (!names_read(disk, folder, &tenants, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < tenants.count && ok; i++)
        ok = tenant_read(&walk, arena_printf(&arena, "%s/%.*s", folder, SLICE_ARG(tenants.names[i])).ptr, tenants.names[i], err);
    arena_fini(&arena);
    names_fini(&tenants);
    return ok;
}
