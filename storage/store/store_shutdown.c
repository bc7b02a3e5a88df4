/* store_shutdown.c: leaving in order: the marker of a node that is to be taken out of service, and the end of pushes. */
#include <errno.h>
#include <stdio.h>

#include "core/base/logger.h"
#include "storage/store/store_parts.h"

static void marker_path(const struct store *store, char path[4096])
{
    (void)snprintf(path, 4096, "%s/shutdown-requested.txt", store->folder);
}

void store_shutdown_load(struct store *store)
{
    char path[4096];
    struct stat stat;
    marker_path(store, path);
    atomic_store(&store->is_shutdown_prepared, store->config.disk->stat(store->config.disk, path, &stat) == 0);
}

static bool marker_remove(struct store *store, struct err *err)
{
    char path[4096];
    marker_path(store, path);
    if (store->config.disk->unlink(store->config.disk, path) != 0 && errno != ENOENT)
        return err_errno(err, "unlink %s", path);
    return disk_sync_folder(store->config.disk, store->folder, err);
}

bool store_prepare_shutdown(struct store *store, bool is_set, struct err *err)
{
    char path[4096];
    marker_path(store, path);
    if (!(is_set ? disk_replace_file(store->config.disk, path, SLICE("set\n"), err) : marker_remove(store, err)))
        return false;
    atomic_store(&store->is_shutdown_prepared, is_set);
    return true;
}

bool store_shutdown_is_prepared(struct store *store)
{
    return atomic_load(&store->is_shutdown_prepared);
}

void store_shutdown_done(struct store *store)
{
    struct err err;
    if (atomic_load(&store->is_shutdown_prepared) && !marker_remove(store, &err))
        log_warn("store", "the marker of a prepared shutdown could not be removed", "err", err.text);
}

void store_refuse_pushes(struct store *store)
{
    atomic_store(&store->takes_pushes, false);
}
