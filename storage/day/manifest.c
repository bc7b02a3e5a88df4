#include "storage/day/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"
#include "core/base/mem.h"

#define MAGIC "LOGIMAN1"
#define MAGIC_BYTES ((size_t)8)
#define RECORD_HEAD ((size_t)12) /* length, crc of the length, crc of the payload */
#define MANIFEST_BYTES_MAX ((size_t)256 << 20)
#define NAME_BYTES_MAX ((size_t)128)
#define RECORDS_BEFORE_REWRITE ((size_t)64)

static size_t name_find(const struct manifest *manifest, const char *name)
{
    size_t i = 0;
    while (i < manifest->name_count && strcmp(manifest->names[i], name) != 0)
        i++;
    return i;
}

static void mark_take(struct manifest *manifest, struct segment_mark mark)
{
    for (size_t i = 0; i < manifest->mark_count; i++) {
        struct segment_mark *have = &manifest->marks[i];
        if (have->shard_count == mark.shard_count && have->shard == mark.shard) {
            if (mark.sequence > have->sequence)
                have->sequence = mark.sequence;
            return;
        }
    }
    manifest->marks = mem_grow(manifest->marks, manifest->mark_count + 1, sizeof(mark));
    manifest->marks[manifest->mark_count++] = mark;
}

static void change_take(struct manifest *manifest, const struct manifest_change *change)
{
    for (size_t i = 0; i < change->remove_count; i++) {
        size_t at = name_find(manifest, change->remove[i]);
        if (at == manifest->name_count)
            continue;
        mem_free(manifest->names[at]);
        memmove(&manifest->names[at], &manifest->names[at + 1], (manifest->name_count - at - 1) * sizeof(char *));
        manifest->name_count--;
    }
    for (size_t i = 0; i < change->add_count; i++) {
        if (name_find(manifest, change->add[i]) != manifest->name_count)
            continue;
        manifest->names = mem_grow(manifest->names, manifest->name_count + 1, sizeof(char *));
        manifest->names[manifest->name_count++] = mem_strdup(slice_str(change->add[i]));
    }
    for (size_t i = 0; i < change->mark_count; i++)
        mark_take(manifest, change->marks[i]);
}

static void record_encode(const struct manifest_change *change, struct buf *out)
{
    size_t at = out->len;
    (void)buf_room(out, RECORD_HEAD);
    buf_took(out, RECORD_HEAD);
    const struct {
        const char *const *names;
        size_t count;
    } lists[] = {{change->add, change->add_count}, {change->remove, change->remove_count}};
    for (size_t l = 0; l < LENGTH(lists); l++) {
        buf_varint(out, lists[l].count);
        for (size_t i = 0; i < lists[l].count; i++) {
            buf_varint(out, strlen(lists[l].names[i]));
            buf_str(out, lists[l].names[i]);
        }
    }
    buf_varint(out, change->mark_count);
    for (size_t i = 0; i < change->mark_count; i++) {
        buf_varint(out, change->marks[i].shard_count);
        buf_varint(out, change->marks[i].shard);
        buf_varint(out, change->marks[i].sequence);
    }
    char *head = out->ptr + at;
    struct slice payload = slice_of(head + RECORD_HEAD, out->len - at - RECORD_HEAD);
    le32_put(head, (uint32_t)payload.len);
    le32_put(head + 4, crc32c(0, slice_of(head, 4)));
    le32_put(head + 8, crc32c(0, payload));
}

static bool names_take(struct slice *in, struct arena *arena, const char ***out, size_t *out_count)
{
    uint64_t count;
    if (!varint_take(in, &count) || count > in->len)
        return false;
    const char **names = ARENA_ARRAY(arena, const char *, (size_t)count);
    for (size_t i = 0; i < count; i++) {
        struct slice name;
        if (!varint_slice_take(in, &name) || name.len == 0 || name.len > NAME_BYTES_MAX ||
            memchr(name.ptr, '/', name.len) != NULL || memchr(name.ptr, '\0', name.len) != NULL || name.ptr[0] == '.')
            return false;
        char *copy = arena_alloc(arena, name.len + 1, 1);
        memcpy(copy, name.ptr, name.len);
        copy[name.len] = '\0';
        names[i] = copy;
    }
    *out = names;
    *out_count = (size_t)count;
    return true;
}

static bool payload_take(struct manifest *manifest, struct slice in)
{
    struct arena arena = ARENA_INIT;
    struct manifest_change change = {0};
    const char **add = NULL, **drop = NULL;
    uint64_t marks = 0;
    bool ok = names_take(&in, &arena, &add, &change.add_count) && names_take(&in, &arena, &drop, &change.remove_count) &&
              varint_take(&in, &marks) && marks <= in.len;
    struct segment_mark *list = ok ? ARENA_ARRAY(&arena, struct segment_mark, (size_t)marks) : NULL;
    for (size_t i = 0; ok && i < marks; i++) {
        uint64_t count = 0, shard = 0;
        ok = varint_take(&in, &count) && varint_take(&in, &shard) && varint_take(&in, &list[i].sequence) && count > 0 &&
             count <= UINT32_MAX && shard < count;
        list[i].shard_count = (uint32_t)count;
        list[i].shard = (uint32_t)shard;
    }
    ok = ok && in.len == 0;
    if (ok) {
        change.add = add;
        change.remove = drop;
        change.marks = list;
        change.mark_count = (size_t)marks;
        change_take(manifest, &change);
    }
    arena_fini(&arena);
    return ok;
}

/* Whether a record that holds stands anywhere in the bytes: then what is before it is damage and not a torn tail. */
static bool any_record_in(struct slice rest)
{
    for (; rest.len >= RECORD_HEAD; rest = slice_from(rest, 1)) {
        uint32_t len = le32_get(rest.ptr);
        if (len > 0 && len <= rest.len - RECORD_HEAD && le32_get(rest.ptr + 4) == crc32c(0, slice_of(rest.ptr, 4)) &&
            le32_get(rest.ptr + 8) == crc32c(0, slice_of(rest.ptr + RECORD_HEAD, len)))
            return true;
    }
    return false;
}

static void records_take(struct manifest *manifest, struct slice bytes, bool *out_damaged)
{
    struct slice in = bytes;
    if (!slice_starts(in, slice_of(MAGIC, MAGIC_BYTES))) {
        manifest->must_rewrite = true;
        *out_damaged = true;
        return;
    }
    in = slice_from(in, MAGIC_BYTES);
    while (in.len > 0) {
        bool has_head = in.len >= RECORD_HEAD && le32_get(in.ptr + 4) == crc32c(0, slice_of(in.ptr, 4));
        uint32_t len = has_head ? le32_get(in.ptr) : 0;
        if (!has_head || len > in.len - RECORD_HEAD) {
            manifest->must_rewrite = true;
            *out_damaged |= in.len > 1 && any_record_in(slice_from(in, 1));
            break;
        }
        struct slice payload = slice_of(in.ptr + RECORD_HEAD, len);
        bool is_last = in.len == RECORD_HEAD + len;
        bool holds = le32_get(in.ptr + 8) == crc32c(0, payload);
        if (!holds || !payload_take(manifest, payload)) {
            manifest->must_rewrite = true;
            *out_damaged |= holds || !is_last; // one flipped record: what follows is still good
        }
        in = slice_from(in, RECORD_HEAD + len);
        manifest->records++;
    }
    manifest->size = bytes.len - in.len;
}

bool manifest_open(const struct disk *disk, const char *folder, struct manifest *out, bool *out_damaged, struct err *err)
{
    *out = (struct manifest){.disk = disk};
    *out_damaged = false;
    char *path = NULL;
    if (asprintf(&path, "%s/MANIFEST", folder) < 0)
        abort();
    out->path = path;
    struct buf bytes = BUF_INIT;
    struct err read_err = {.code = ERR_NONE};
    bool ok = disk_read_file(disk, path, MANIFEST_BYTES_MAX, &bytes, &read_err);
    if (ok)
        records_take(out, buf_slice(&bytes), out_damaged);
    else if (read_err.code == ERR_NOT_FOUND)
        out->must_rewrite = true;
    else {
        *err = read_err;
        buf_fini(&bytes);
        manifest_close(out);
        return err_wrap(err, "%s/MANIFEST", folder);
    }
    buf_fini(&bytes);
    return true;
}

void manifest_close(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->name_count; i++)
        mem_free(manifest->names[i]);
    mem_free(manifest->names);
    mem_free(manifest->marks);
    free(manifest->path);
    *manifest = (struct manifest){0};
}

static bool rewrite(struct manifest *manifest, const struct manifest_change *change, struct err *err)
{
    // What will be in force, as one record.
    struct manifest next = {.disk = manifest->disk};
    change_take(&next, &(struct manifest_change){.add = (const char *const *)manifest->names,
                                                 .add_count = manifest->name_count,
                                                 .marks = manifest->marks,
                                                 .mark_count = manifest->mark_count});
    change_take(&next, change);
    struct buf bytes = BUF_INIT;
    buf_put(&bytes, slice_of(MAGIC, MAGIC_BYTES));
    record_encode(&(struct manifest_change){.add = (const char *const *)next.names,
                                            .add_count = next.name_count,
                                            .marks = next.marks,
                                            .mark_count = next.mark_count},
                  &bytes);
    bool ok = disk_replace_file(manifest->disk, manifest->path, buf_slice(&bytes), err);
    if (ok) {
        manifest->size = bytes.len;
        manifest->records = 1;
    }
    manifest->must_rewrite = !ok;
    manifest->is_unsure = !ok;
    buf_fini(&bytes);
    manifest_close(&next);
    return ok;
}

static bool append(struct manifest *manifest, const struct manifest_change *change, struct err *err)
{
    struct buf bytes = BUF_INIT;
    record_encode(change, &bytes);
    const struct disk *disk = manifest->disk;
    int fd = disk->open(disk, manifest->path, O_WRONLY | O_CLOEXEC, 0);
    bool ok = fd >= 0 || err_errno(err, "open");
    ok = ok && disk_write_all(disk, fd, buf_slice(&bytes), manifest->size, err);
    ok = ok && (disk->fdatasync(disk, fd) == 0 || err_errno(err, "sync"));
    if (fd >= 0)
        (void)disk->close(disk, fd);
    if (ok) {
        manifest->size += bytes.len;
        manifest->records++;
    }
    manifest->must_rewrite = manifest->is_unsure = !ok; // what a failed write or sync left behind is not known
    buf_fini(&bytes);
    return ok;
}

bool manifest_change(struct manifest *manifest, const struct manifest_change *change, struct err *err)
{
    bool is_long = manifest->records > RECORDS_BEFORE_REWRITE + 2 * manifest->name_count;
    bool ok = manifest->must_rewrite || is_long ? rewrite(manifest, change, err) : append(manifest, change, err);
    if (ok) {
        change_take(manifest, change);
        return true;
    }
    // Back to what is in force, if the disk lets us: then the change is known not to be there.
    struct err ignored;
    (void)!rewrite(manifest, &(struct manifest_change){0}, &ignored);
    return err_wrap(err, "%s", manifest->path);
}

bool manifest_covers(const struct manifest *manifest, uint64_t stream_low, uint64_t sequence)
{
    for (size_t i = 0; i < manifest->mark_count; i++) {
        const struct segment_mark *mark = &manifest->marks[i];
        if (sequence <= mark->sequence && stream_low % mark->shard_count == mark->shard)
            return true;
    }
    return false;
}
