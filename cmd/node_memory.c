#include "cmd/node_memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/big_block.h"
#include "core/base/logger.h"

#define SHARE_PERCENT 80 /* of what there is: the rest is for the page cache, without which reading is slow */
#define TRIM_INTERVAL_NS NS_PER_S
#define TICK_NS (250 * NS_PER_MS)
#define TICK_PRESSED_NS (25 * NS_PER_MS) /* a look takes about 10 us */

/* ---- the limit ---- */

static size_t machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

/* The number in a file; SIZE_MAX: there is no file, or it says "max". */
static size_t file_number(const char *path)
{
    char text[32];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return SIZE_MAX;
    bool ok = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    char *end = text;
    unsigned long long number = ok ? strtoull(text, &end, 10) : 0;
    return end == text || number == 0 ? SIZE_MAX : (size_t)number;
}

/* The least limit of the group and those above it. In a container the groups above may not be there to see, and its own is the mount's root. */
static size_t group_bytes(const char *root, const char *file, struct slice group)
{
    char path[4096];
    size_t least = SIZE_MAX;
    for (;;) {
        (void)snprintf(path, sizeof(path), "%s%.*s/%s", root, SLICE_ARG(group), file);
        size_t bytes = file_number(path);
        least = bytes < least ? bytes : least;
        if (group.len == 0)
            return least;
        do
            group.len--;
        while (group.len > 0 && group.ptr[group.len] != '/');
    }
}

static size_t cgroup_bytes(void)
{
    char line[4096];
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) { // "4:memory:/a/b", or "0::/a/b" of version 2
        struct slice rest = slice_trim(slice_str(line));
        rest = slice_from(rest, slice_find_byte(rest, ':'));
        if (rest.len < 2)
            continue;
        rest = slice_from(rest, 1);
        struct slice controllers = slice_of(rest.ptr, slice_find_byte(rest, ':'));
        struct slice group = slice_from(rest, controllers.len < rest.len ? controllers.len + 1 : controllers.len);
        size_t bytes = controllers.len == 0                                                       ? group_bytes("/sys/fs/cgroup", "memory.max", group)
                       : memmem(controllers.ptr, controllers.len, "memory", strlen("memory")) != NULL ? group_bytes("/sys/fs/cgroup/memory", "memory.limit_in_bytes", group)
                                                                                                    : SIZE_MAX;
        least = bytes < least ? bytes : least;
    }
    if (file != NULL)
        (void)fclose(file);
    return least;
}

size_t node_memory_limit(const struct config *config)
{
    if (config->memory_limit > 0)
        return (size_t)config->memory_limit;
    size_t machine = machine_bytes();
    size_t group = cgroup_bytes();
    size_t bytes = (group < machine ? group : machine) / 100 * SHARE_PERCENT;
    return bytes < MEMORY_LIMIT_BYTES_MIN ? MEMORY_LIMIT_BYTES_MIN : bytes;
}

/* ---- the settings ---- */

void node_memory_fit(const struct config *config, size_t limit_bytes, struct config *out)
{
    *out = *config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t shards = config->shards > 0 ? config->shards : cores > 0 ? cores : 1;
    int64_t limit = (int64_t)limit_bytes;
    const struct {
        const char *name;
        int64_t *value;
        int64_t most;
    } cuts[] = {
        {"storage.head_max", &out->head_max, limit / 4},
        {"storage.seal_size", &out->seal_size, limit / 4 / shards},
        {"storage.log_queue", &out->log_queue, limit / 16},
        {"storage.shard_queue", &out->shard_queue, limit / 8 / shards},
        {"server.body_budget", &out->body_budget, limit / 8},
        {"server.max_recv_msg_size", &out->max_recv_msg_size, limit / 8},
        {"server.max_decompressed_size", &out->max_decompressed_size, limit / 8},
        {"tail.memory", &out->tail_memory, limit / 16},
        {"query.block_cache", &out->query_block_cache, limit / 16},
    };
    for (size_t i = 0; i < LENGTH(cuts); i++) {
        char was[24], is[24];
        if (*cuts[i].value <= cuts[i].most)
            continue;
        (void)snprintf(was, sizeof(was), "%lld", (long long)*cuts[i].value);
        (void)snprintf(is, sizeof(is), "%lld", (long long)cuts[i].most);
        *cuts[i].value = cuts[i].most;
        log_warn("memory", "a setting is cut to its part of memory.limit", "setting", cuts[i].name, "was", was, "is", is);
    }
}

/* ---- looking ---- */

/* Pages that are no file's: what only this process can give back. */
static size_t resident_bytes(void)
{
    unsigned long long size = 0, resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    bool ok = file != NULL && fscanf(file, "%llu %llu %llu", &size, &resident, &shared) == 3;
    if (file != NULL)
        (void)fclose(file);
    return ok && resident > shared ? (size_t)(resident - shared) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static void tell(struct memory_budget *budget, enum memory_pressure before, enum memory_pressure level)
{
    static const char *const words[] = {"memory is no longer short", "memory is short: heads are sealed early", "memory is short: queries that hold much are refused",
                                        "memory is nearly used up: pushes are refused"};
    char used[24], limit[24];
    (void)snprintf(used, sizeof(used), "%zu", memory_budget_used(budget));
    (void)snprintf(limit, sizeof(limit), "%zu", memory_budget_limit(budget));
    log_write(level > before ? LOG_WARN : LOG_INFO, "memory", words[level], "used", used, "limit", limit, NULL);
}

static void give_back(struct memory_budget *budget, int64_t now)
{
    static int64_t trimmed_mono_ns;
    if (now - trimmed_mono_ns < TRIM_INTERVAL_NS)
        return;
    trimmed_mono_ns = now;
    bool is_kept = big_block_kept_bytes() > 0;
    big_block_trim();
#if defined(__GLIBC__)
    is_kept = malloc_trim(0) != 0 || is_kept;
#endif
    if (is_kept)
        memory_budget_note_shed(budget, SHED_EVICT);
}

int64_t node_memory_tick(struct memory_budget *budget)
{
    static enum memory_pressure told;
    int64_t now = clock_mono_ns(&system_clock);
    memory_budget_note_resident(budget, resident_bytes());
    enum memory_pressure level = memory_budget_look(budget, now);
    if (level != told)
        tell(budget, told, level);
    told = level;
    if (level > PRESSURE_NONE)
        give_back(budget, now);
    return level > PRESSURE_NONE ? TICK_PRESSED_NS : TICK_NS;
}
