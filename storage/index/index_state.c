#include "storage/index/index_state.h"

#include <fcntl.h>
#include <stdio.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_BYTES 36
#define STATE_PATH_MAX 4096

static const char *const state_words[] = {
    [INDEX_NONE] = "none", [INDEX_OPENING] = "opening", [INDEX_OPEN] = "open", [INDEX_CLEAN] = "clean"};

/* Of this start of the machine; all zero where the system does not tell, which equals no other. */
static bool boot_id(const struct disk *disk, char out[BOOT_ID_BYTES + 1])
{
    memset(out, '0', BOOT_ID_BYTES);
    out[BOOT_ID_BYTES] = '\0';
    int fd = disk->open(disk, BOOT_ID_FILE, O_RDONLY, 0);
    if (fd < 0)
        return false;
    struct err ignored;
    bool ok = disk_read_all(disk, fd, out, BOOT_ID_BYTES, 0, &ignored);
    (void)disk->close(disk, fd); // read only: nothing can be lost
    return ok;
}

static void state_path(const char *folder, char out[STATE_PATH_MAX])
{
    (void)snprintf(out, STATE_PATH_MAX, "%s/index.state", folder);
}

static void state_line(struct buf *out, enum index_state state, const char *boot)
{
    buf_printf(out, "logi index %d %s %s\n", INDEX_VERSION, state_words[state], boot);
}

bool index_state_is_usable(const struct disk *disk, const char *folder)
{
    char path[STATE_PATH_MAX];
    char boot[BOOT_ID_BYTES + 1];
    state_path(folder, path);
    struct buf text = BUF_INIT;
    struct buf open = BUF_INIT;
    struct err ignored;
    bool has_boot = boot_id(disk, boot);
    bool ok = disk_read_file(disk, path, 256, &text, &ignored);
    if (ok) {
        state_line(&open, INDEX_OPEN, boot);
        struct buf clean = BUF_INIT;
        state_line(&clean, INDEX_CLEAN, "");
        clean.len--; // the boot id differs
        ok = slice_starts(buf_slice(&text), buf_slice(&clean)) || (has_boot && slice_eq(buf_slice(&text), buf_slice(&open)));
        buf_fini(&clean);
    }
    buf_fini(&text);
    buf_fini(&open);
    return ok;
}

bool index_state_write(const struct disk *disk, const char *folder, enum index_state state, struct err *err)
{
    char path[STATE_PATH_MAX];
    char boot[BOOT_ID_BYTES + 1];
    state_path(folder, path);
    (void)boot_id(disk, boot);
    struct buf text = BUF_INIT;
    state_line(&text, state, boot);
    bool ok = disk_replace_file(disk, path, buf_slice(&text), err);
    buf_fini(&text);
    return ok;
}
