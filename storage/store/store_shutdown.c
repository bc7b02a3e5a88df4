/* store_shutdown.c: leaving in order: the marker of a node that is to be taken out of service, the end of pushes, and how earlier runs ended.
 *
 * FORMAT of the file RUN, text: "logi run 1 <running or ended> <unclean starts>\n". */
#include <errno.h>
#include <stdio.h>

#include "core/base/logger.h"
#include "storage/figures/store_figures.h"
#include "storage/store/store_parts.h"

static void marker_path(const struct store *store, char path[4096])
{
    (void)snprintf(path, 4096, "%s/shutdown-requested.txt", store->folder);
}

/* ---- how runs end ---- */

#define RUN_TEXT_MAX 64

static void run_path(const struct store *store, char path[4096])
{
    (void)snprintf(path, 4096, "%s/RUN", store->folder);
}

static void run_write(struct store *store, const char *state)
{
    char path[4096], text[RUN_TEXT_MAX];
    struct err err;
    run_path(store, path);
    int n = snprintf(text, sizeof(text), "logi run 1 %s %llu\n", state, (unsigned long long)store->unclean_starts);
    if (!disk_replace_file(store->config.disk, path, slice_of(text, (size_t)n), &err))
        log_warn("store", "how this run ends could not be noted", "err", err.text);
}

void store_run_begin(struct store *store)
{
    char path[4096], state[16] = "";
    unsigned long long unclean = 0;
    struct buf text = BUF_INIT;
    struct err err = {.code = ERR_NONE};
    run_path(store, path);
    bool is_read = disk_read_file(store->config.disk, path, RUN_TEXT_MAX, &text, &err);
    buf_byte(&text, 0);
    bool is_known = is_read && sscanf(text.ptr, "logi run 1 %15s %llu", state, &unclean) == 2;
    bool is_first = !is_read && err.code == ERR_NOT_FOUND;
    bool is_clean = is_first || (is_known && strcmp(state, "ended") == 0);
    buf_fini(&text);
    store->unclean_starts = unclean + (is_clean ? 0 : 1);
    if (!is_clean)
        log_warn("store", "the last run did not end in order: the log has what it acknowledged");
    figure_unclean_starts(store->unclean_starts);
    run_write(store, "running");
}

void store_run_end(struct store *store)
{
    run_write(store, "ended");
}

/* ---- the marker ---- */

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
    pthread_mutex_lock(&store->marker_lock);
    bool ok = is_set ? disk_replace_file(store->config.disk, path, SLICE("set\n"), err) : marker_remove(store, err);
    if (ok)
        atomic_store(&store->is_shutdown_prepared, is_set);
    pthread_mutex_unlock(&store->marker_lock);
    return ok;
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
