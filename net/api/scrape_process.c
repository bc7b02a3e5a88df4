#include "net/api/scrape_process.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"

static void set0(size_t family, double value)
{
    metric_set(metric_get0(family), value);
}

static uint64_t open_fds(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count > 3 ? count - 3 : 0; // ".", "..", and the folder itself
}

static void scrape_memory(void)
{
    unsigned long long pages = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%llu %llu", &pages, &resident) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        struct mallinfo2 heap = mallinfo2();
        double used = (double)heap.uordblks + (double)heap.hblkhd;
        set0(METRIC_process_virtual_memory_bytes, (double)pages * page);
        set0(METRIC_process_resident_memory_bytes, (double)resident * page);
        if (used > 0) // 0 where another allocator stands in for glibc's
            set0(METRIC_logi_allocator_fragmentation_ratio, (double)resident * page / used);
    }
    if (file != NULL)
        (void)fclose(file);
}

/* InOctets and OutOctets of the network namespace, as Prometheus' own client libraries have it: a line of names, then one of values. */
static void scrape_network(void)
{
    char names[4096];
    char values[4096];
    FILE *file = fopen("/proc/self/net/netstat", "r");
    while (file != NULL && fgets(names, sizeof(names), file) != NULL && fgets(values, sizeof(values), file) != NULL) {
        if (strncmp(names, "IpExt:", 6) != 0)
            continue;
        char *name_rest;
        char *value_rest;
        char *name = strtok_r(names, " \n", &name_rest);
        char *value = strtok_r(values, " \n", &value_rest);
        for (; name != NULL && value != NULL; name = strtok_r(NULL, " \n", &name_rest), value = strtok_r(NULL, " \n", &value_rest)) {
            if (strcmp(name, "InOctets") == 0)
                set0(METRIC_process_network_receive_bytes_total, strtod(value, NULL));
            else if (strcmp(name, "OutOctets") == 0)
                set0(METRIC_process_network_transmit_bytes_total, strtod(value, NULL));
        }
    }
    if (file != NULL)
        (void)fclose(file);
}

enum thread_role { ROLE_IO, ROLE_SHARD, ROLE_QUERY, ROLE_BACKGROUND, ROLE_MAIN, ROLE_COUNT };

/* By the names that the threads give themselves. */
static enum thread_role role_of(const char *thread_id, const char *name)
{
    if (strtol(thread_id, NULL, 10) == (long)getpid())
        return ROLE_MAIN;
    return strncmp(name, "http-", 5) == 0    ? ROLE_IO
           : strncmp(name, "shard ", 6) == 0 ? ROLE_SHARD
           : strncmp(name, "query ", 6) == 0 ? ROLE_QUERY
                                             : ROLE_BACKGROUND;
}

/* Name and CPU time of a thread of this process; false: it has ended. */
static bool thread_read(const char *thread_id, char name[32], double *out_seconds)
{
    char path[300];
    char text[512];
    unsigned long long user;
    unsigned long long system;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/stat", thread_id);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool ok = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    const char *open = ok ? strchr(text, '(') : NULL;
    const char *close = ok ? strrchr(text, ')') : NULL; // a name may hold parentheses
    if (open == NULL || close == NULL || sscanf(close, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return false;
    (void)snprintf(name, 32, "%.*s", (int)(close - open - 1), open + 1);
    *out_seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static void scrape_threads(void)
{
    static const char *const roles[ROLE_COUNT] = {"io", "shard", "query", "background", "main"};
    static double shown[ROLE_COUNT]; // a thread that ended takes its time with it, and a counter does not fall
    double sums[ROLE_COUNT] = {0};
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[32];
        double seconds;
        if (entry->d_name[0] != '.' && thread_read(entry->d_name, name, &seconds))
            sums[role_of(entry->d_name, name)] += seconds;
    }
    if (folder != NULL)
        (void)closedir(folder);
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        shown[i] = sums[i] > shown[i] ? sums[i] : shown[i];
        metric_set(metric_get1(METRIC_logi_threads_cpu_seconds_total, slice_str(roles[i])), shown[i]);
    }
}

void scrape_process(int64_t start_wall_ns)
{
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set0(METRIC_process_cpu_seconds_total, (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    scrape_memory();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        set0(METRIC_process_max_fds, (double)limit.rlim_cur);
    if (getrlimit(RLIMIT_AS, &limit) == 0)
        set0(METRIC_process_virtual_memory_max_bytes, limit.rlim_cur == RLIM_INFINITY ? -1 : (double)limit.rlim_cur);
    set0(METRIC_process_open_fds, (double)open_fds());
    set0(METRIC_process_start_time_seconds, (double)start_wall_ns / (double)NS_PER_S);
    scrape_network();
    scrape_threads();
}
