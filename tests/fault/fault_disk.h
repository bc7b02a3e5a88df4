/* fault_disk.h: the system's disk for tests, which fails the nth call, and forgets at a power cut what was not synced.
 *
 *   struct fault_disk fault;
 *   fault_disk_init(&fault);
 *   fault.fails_at = 7; fault.fault = FAULT_EIO;      // the seventh call that counts, once; is_sticky: and all after it
 *   ... use &fault.disk ...
 *   fault_disk_power_cut(&fault, seed);               // all opened files are to be closed first, or never used again
 *   fault_disk_fini(&fault);
 *
 * Calls that count: open, pwrite, pwritev, fdatasync, fsync, ftruncate, allocate, rename, unlink, mkdir, rmdir; with fails_reads also pread, stat, fstat, list.
 * A file's data is safe after fsync or fdatasync of any descriptor of it, a name after fsync of its folder; as strict as POSIX
 * lets a file system be. Thread: any; one lock.
 */
#pragma once

#include <pthread.h>

#include "storage/disk/disk.h"

enum fault_kind { FAULT_EIO, FAULT_ENOSPC, FAULT_EDQUOT, FAULT_SHORT }; /* short: half of a write is done, and said so; other calls succeed */

struct fault_undo;

struct fault_disk {
    struct disk disk; /* first: what is tested gets &fault.disk */
    unsigned fails_at; /* 1: the first; 0: none */
    bool is_sticky, fails_reads;
    enum fault_kind fault;
    bool keeps_undo; /* set before use: power cuts are wanted */
    uint64_t free_bytes; /* what free_bytes says; 0: the system's word */

    unsigned calls; /* that counted so far */
    unsigned faults; /* that were given */
    bool is_dead;    /* after stop_at: every call fails */
    unsigned stops_at; /* 1: from the first counted call on nothing is done any more: for a power cut at each place; 0: never */
    pthread_mutex_t lock;
    struct fault_undo *undo; /* newest first */
    unsigned trash;
    char trash_folder[64];
};

void fault_disk_init(struct fault_disk *fault);
/* Undoes what was not synced: seed 0 all of it, UINT64_MAX nothing, else a random half. Then the disk works again, without faults. */
void fault_disk_power_cut(struct fault_disk *fault, uint64_t seed);
/* The disk is well from now on; returns how many calls have counted. For a disk that other threads use. */
unsigned fault_disk_heal(struct fault_disk *fault);
void fault_disk_fini(struct fault_disk *fault);
