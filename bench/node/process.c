#include "bench/node/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
    char path[64];
    char text[1024] = "";
    if (pid <= 0)
        return usage;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return usage;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    const char *at = strrchr(text, ')'); // fields 14 and 15 of proc(5)
    unsigned long long user = 0;
    unsigned long long system = 0;
    if (at != NULL && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) == 2)
        usage.cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
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
