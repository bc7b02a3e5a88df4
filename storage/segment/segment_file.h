/* segment_file.h: an open segment, as the files of this folder see it. segment.h is for all others. Thread: any; nothing but the count changes. */
#pragma once

#include <stdatomic.h>

#include "storage/segment/signature.h"
#include "storage/segment/stream_directory.h"

struct template_file;
struct kept_templates { /* a file of templates that was opened */
    struct template_file *file; /* NULL: there was none */
    struct kept_templates *older;
};

struct segment {
    const struct disk *disk;
    char *name, *seg_path, *sig_path, *pat_path;
    int fd;
    uint64_t serial; /* of this process: tells it from a segment that had its address before */
    _Atomic uint32_t references;
    _Atomic bool unlinks;
    struct segment_stats stats;
    struct segment_footer footer;
    uint32_t footer_crc;
    _Atomic(struct kept_templates *) templates; /* NULL: not looked for yet; the newest first, all live as long as this */
    _Atomic bool templates_wanted, templates_failed;
    struct stream_directory directory;
    struct signature signature;
};
