#include "bench/node/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t status_kib(int pid, const char *key)
{
    char path[64];
    char line[256];
    uint64_t kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoull(line + strlen(key), NULL, 10);
    }
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

struct process_usage process_usage(int pid)
{
    struct process_usage usage = {0};
    clockid_t clock;
    struct timespec used;
    if (pid <= 0)
        return usage;
    // In nanoseconds; /proc/PID/stat counts ticks of 10 ms.
    if (clock_getcpuclockid((pid_t)pid, &clock) == 0 && clock_gettime(clock, &used) == 0)
        usage.cpu_s = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    usage.rss_bytes = status_kib(pid, "VmRSS:") * 1024;
    usage.peak_rss_bytes = status_kib(pid, "VmHWM:") * 1024;
    return usage;
}

uint64_t folder_bytes(const char *path, const char *skip)
{
    uint64_t bytes = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char inner[4096];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || (skip != NULL && strcmp(entry->d_name, skip) == 0))
            continue;
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (lstat(inner, &info) != 0)
            continue;
        bytes += S_ISDIR(info.st_mode) ? folder_bytes(inner, NULL) : (uint64_t)info.st_blocks * 512;
    }
    (void)closedir(folder);
    return bytes;
}
