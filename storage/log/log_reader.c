#include "storage/log/log_reader.h"

#include <fcntl.h>
#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/crc32c.h"

struct walk {
    struct slice bytes;
    const char *name;
    const struct log_visitor *visitor;
    struct log_file_head head;
    uint64_t durable; // the next file's word
    size_t at;
    uint64_t want; // sequence
};

static void report(const struct walk *walk, size_t offset, const char *what)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s: offset %zu: %.400s", walk->name, offset, what);
    walk->visitor->damaged(walk->visitor->self, text);
}

/* The head of a record of this file at the offset. */
static bool head_at(const struct walk *walk, size_t at, struct log_record_head *out, struct err *err)
{
    if (at > walk->bytes.len || !log_record_head_decode(slice_from(walk->bytes, at), out, err))
        return at > walk->bytes.len ? err_set(err, ERR_TRUNCATED, "the file ends") : false;
    if (out->epoch != walk->head.epoch)
        return err_set(err, ERR_CORRUPT, "record of an earlier life of the file");
    if (out->sequence < walk->want)
        return err_set(err, ERR_CORRUPT, "sequence %llu, want %llu", (unsigned long long)out->sequence, (unsigned long long)walk->want);
    return true;
}

/* The record at the offset, whole. */
static bool record_at(const struct walk *walk, size_t at, struct log_record_head *out, struct slice *payload, struct err *err)
{
    if (!head_at(walk, at, out, err))
        return false;
    struct slice rest = slice_from(walk->bytes, at + LOG_RECORD_HEAD_BYTES);
    if (!slice_take(&rest, out->payload_bytes, payload))
        return err_set(err, ERR_TRUNCATED, "record %llu: the file ends in its payload", (unsigned long long)out->sequence);
    if (crc32c(0, *payload) != out->payload_crc)
        return err_set(err, ERR_CORRUPT, "record %llu: payload checksum", (unsigned long long)out->sequence);
    return true;
}

/* Looks behind what does not check at walk->at: the next good record's offset, whether some witness calls the wanted record durable, and the highest sequence. */
static size_t look_ahead(const struct walk *walk, bool *is_damage, uint64_t *last_seen)
{
    size_t next = walk->bytes.len;
    *is_damage = walk->durable >= walk->want;
    struct log_record_head head;
    struct err ignored;
    size_t at = walk->at;
    // A payload is a client's bytes: where the head checks, it says how far they reach, and what they look like does not matter.
    at += head_at(walk, at, &head, &ignored) ? log_record_bytes(head.payload_bytes) : LOG_RECORD_ALIGN;
    while (at + LOG_RECORD_HEAD_BYTES <= walk->bytes.len) {
        struct slice payload;
        // The epoch first: it costs one comparison and is not there in anything but a record.
        if (le64_get(walk->bytes.ptr + at + 8) != walk->head.epoch || !head_at(walk, at, &head, &ignored)) {
            at += LOG_RECORD_ALIGN;
            continue;
        }
        if (head.sequence > *last_seen)
            *last_seen = head.sequence;
        if (head.sequence - head.behind >= walk->want)
            *is_damage = true;
        if (next == walk->bytes.len && head.sequence > walk->want && record_at(walk, at, &head, &payload, &ignored))
            next = at;
        at += log_record_bytes(head.payload_bytes);
    }
    return next;
}

static bool walk_records(struct walk *walk, struct log_file_found *out, struct err *err)
{
    while (walk->visitor->last == 0 || walk->want <= walk->visitor->last) {
        struct log_record_head head;
        struct slice payload;
        struct err why = {.code = ERR_NONE};
        bool ok = record_at(walk, walk->at, &head, &payload, &why);
        if (ok && head.sequence == walk->want) {
            if (!walk->visitor->each(walk->visitor->self, head.sequence, payload, err))
                return false;
            walk->want++;
            walk->at += log_record_bytes(head.payload_bytes);
            *out = (struct log_file_found){out->records + 1, head.sequence, out->last_seen > head.sequence ? out->last_seen : head.sequence, walk->at};
            continue;
        }
        if (ok) { // sequences rise by one within a file: only bytes that were put there by hand do otherwise
            report(walk, walk->at, "a sequence is missing");
            walk->want = head.sequence;
            continue;
        }
        bool is_damage = false;
        if (head_at(walk, walk->at, &head, &(struct err){.code = ERR_NONE}) && head.sequence > out->last_seen)
            out->last_seen = head.sequence;
        size_t next = look_ahead(walk, &is_damage, &out->last_seen);
        if (!is_damage)
            return true;
        report(walk, walk->at, why.text);
        if (next == walk->bytes.len)
            return true;
        walk->at = next;
        (void)head_at(walk, next, &head, &why); // look_ahead found it good
        walk->want = head.sequence;
    }
    return true;
}

static bool take_head(struct slice bytes, uint64_t number, struct log_file_head *out, bool *both, struct err *err)
{
    struct log_file_head heads[2];
    struct err errs[2] = {{.code = ERR_NONE}, {.code = ERR_NONE}};
    bool good[2];
    for (size_t i = 0; i < 2; i++) {
        struct slice copy = bytes.len < i * LOG_FILE_HEAD_BYTES ? SLICE_NONE : slice_from(bytes, i * LOG_FILE_HEAD_BYTES);
        good[i] = log_file_head_decode(copy, &heads[i], &errs[i]);
        if (good[i] && heads[i].number != number)
            good[i] = err_set(&errs[i], ERR_CORRUPT, "file head: number %llu", (unsigned long long)heads[i].number);
    }
    *both = good[0] && good[1];
    if (!good[0] && !good[1])
        return err_set(err, errs[0].code, "%s", errs[0].text);
    *out = heads[good[0] ? 0 : 1];
    return true;
}

bool log_reader_walk(struct slice bytes, const char *name, uint64_t number, uint64_t durable, const struct log_visitor *visitor,
                     struct log_file_head *out_head, struct log_file_found *out, struct err *err)
{
    struct walk walk = {.bytes = bytes, .name = name, .visitor = visitor, .durable = durable, .at = LOG_FILE_START};
    struct err why;
    bool both = false;
    *out = (struct log_file_found){.end = LOG_FILE_START};
    *out_head = (struct log_file_head){.number = number};
    if (!take_head(bytes, number, &walk.head, &both, &why)) {
        report(&walk, 0, why.text); // without the epoch no record of the file can be told from an older one
        return true;
    }
    if (!both)
        report(&walk, 0, "one of the two file heads is damaged");
    *out_head = walk.head;
    walk.want = walk.head.first_sequence;
    out->last_good = walk.want - 1;
    out->last_seen = walk.want - 1;
    return walk_records(&walk, out, err);
}

bool log_reader_head(const struct disk *disk, const char *path, uint64_t number, struct log_file_head *out, struct err *err)
{
    int fd = disk->open(disk, path, O_RDONLY, 0);
    if (fd < 0)
        return err_errno(err, "%s: open", path);
    char bytes[2 * LOG_FILE_HEAD_BYTES];
    bool both = false;
    bool ok = disk_read_all(disk, fd, bytes, sizeof(bytes), 0, err) && take_head(slice_of(bytes, sizeof(bytes)), number, out, &both, err);
    (void)disk->close(disk, fd); // read only: nothing can be lost
    return ok || err_wrap(err, "%s", path);
}
