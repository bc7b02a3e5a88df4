/* segment_file.h: an open segment, as the files of this folder see it. segment.h is for all others. Thread: any; nothing but the count changes. */
#pragma once

#include <stdatomic.h>

#include "storage/segment/signature.h"
#include "storage/segment/stream_directory.h"

struct segment {
    const struct disk *disk;
    char *name, *seg_path, *sig_path;
    int fd;
    uint64_t serial; /* of this process: tells it from a segment that had its address before */
    _Atomic uint32_t references;
    _Atomic bool unlinks;
    struct segment_stats stats;
    struct segment_footer footer;
    struct stream_directory directory;
    struct signature signature;
};
