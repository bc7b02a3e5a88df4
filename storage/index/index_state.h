/* index_state.h: whether a day's index can be trusted: a small file beside it, replaced as a whole.
 *
 * FORMAT, text: "logi index <version> <state> <boot id>\\n". Whole: docs/formats/index.md. Thread: one at a time.
 */
#pragma once

#include "storage/disk/disk.h"

#define INDEX_VERSION 1

enum index_state {
    INDEX_NONE,    /* no file, another version, or unreadable: rebuild */
    INDEX_OPENING, /* a start was at it and did not come back: rebuild, it may have been the index that ended it */
    INDEX_OPEN,    /* in use: what a killed process leaves behind is whole as long as the machine has not restarted */
    INDEX_CLEAN,   /* synced and closed */
};

/* True: the index may be opened as it is. */
bool index_state_is_usable(const struct disk *disk, const char *folder);
bool index_state_write(const struct disk *disk, const char *folder, enum index_state state, struct err *err) MUST_CHECK;
