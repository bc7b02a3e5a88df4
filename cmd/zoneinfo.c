#include "cmd/zoneinfo.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/mem.h"

#define FOLDER "/usr/share/zoneinfo/"
#define NAME_BYTES_MAX ((size_t)64)
#define ZONES_MAX ((size_t)2048) /* the system has some 600, a few times over in subfolders */
#define MISSES_MAX ((size_t)64)  /* names come from log lines: unknown ones must not fill memory, nor cost a system call each */

struct entry {
    struct slice name, tzif;
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER; // of all below; held for no system call
static struct entry zones[ZONES_MAX]; // sorted by name
static size_t zone_count;
static struct {
    char text[NAME_BYTES_MAX];
    size_t len;
} misses[MISSES_MAX]; // the last ones, in a ring
static size_t miss_next;

static bool name_is_safe(struct slice name)
{
    if (name.len == 0 || name.len > NAME_BYTES_MAX || name.ptr[0] == '/' || name.ptr[name.len - 1] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (!is_word && (c != '/' || name.ptr[i - 1] == '/'))
            return false; // so there is no dot either
    }
    return true;
}

static size_t place_of(struct slice name)
{
    size_t low = 0;
    size_t high = zone_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_cmp(zones[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool known(struct slice name, bool *exists, struct slice *out_tzif)
{
    size_t at = place_of(name);
    *exists = at < zone_count && slice_eq(zones[at].name, name);
    if (*exists) {
        *out_tzif = zones[at].tzif;
        return true;
    }
    for (size_t i = 0; i < MISSES_MAX; i++) {
        if (slice_eq(slice_of(misses[i].text, misses[i].len), name))
            return true;
    }
    return false;
}

/* The file's bytes, malloc'd; NULL if it cannot be read or is none of TZif. */
static char *file_read(struct slice name, size_t *out_len)
{
    char path[sizeof(FOLDER) + NAME_BYTES_MAX];
    (void)snprintf(path, sizeof(path), FOLDER "%.*s", SLICE_ARG(name));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    char *bytes = mem_alloc(ZONEINFO_FILE_BYTES_MAX + 1);
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len <= ZONEINFO_FILE_BYTES_MAX) {
        got = read(fd, bytes + len, ZONEINFO_FILE_BYTES_MAX + 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    (void)close(fd);
    if (got < 0 || len > ZONEINFO_FILE_BYTES_MAX || !slice_starts(slice_of(bytes, len), SLICE("TZif"))) {
        mem_free(bytes);
        return NULL;
    }
    *out_len = len;
    return mem_grow(bytes, len, 1);
}

/* Under the write lock. False: another thread was first, or there is no room; then bytes are the caller's still. */
static bool zone_add(struct slice name, char *bytes, size_t len)
{
    size_t at = place_of(name);
    if (zone_count == ZONES_MAX || (at < zone_count && slice_eq(zones[at].name, name)))
        return false;
    memmove(&zones[at + 1], &zones[at], (zone_count - at) * sizeof(zones[0]));
    zones[at] = (struct entry){slice_of(mem_strdup(name), name.len), slice_of(bytes, len)};
    zone_count++;
    return true;
}

static void miss_add(struct slice name)
{
    memcpy(misses[miss_next].text, name.ptr, name.len);
    misses[miss_next].len = name.len;
    miss_next = (miss_next + 1) % MISSES_MAX;
}

bool zoneinfo_load(struct slice name, struct slice *out_tzif)
{
    bool exists = false;
    size_t len = 0;
    if (!name_is_safe(name))
        return false;
    (void)pthread_rwlock_rdlock(&lock);
    bool is_known = known(name, &exists, out_tzif);
    (void)pthread_rwlock_unlock(&lock);
    if (is_known)
        return exists;
    char *bytes = file_read(name, &len);
    (void)pthread_rwlock_wrlock(&lock);
    if (bytes == NULL)
        miss_add(name);
    else if (!zone_add(name, bytes, len))
        mem_free(bytes);
    (void)known(name, &exists, out_tzif);
    (void)pthread_rwlock_unlock(&lock);
    return exists;
}
