/* process.h: what a process and a folder have taken, from /proc and the file system. */
#pragma once

#include <stdint.h>

struct process_usage {
    double cpu_s;
    uint64_t rss_bytes, peak_rss_bytes;
};
/* Zeros when there is no such process. */
struct process_usage process_usage(int pid);
/* Bytes that the folder's files take on disk (blocks, not lengths). skip: a subfolder that does not count, or NULL. */
uint64_t folder_bytes(const char *path, const char *skip);
