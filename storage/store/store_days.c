/* What is on the disk at start: days, their manifests, the segments that those list. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "storage/figures/store_figures.h"
#include "storage/store/store_parts.h"

struct folder_files {
    struct store *store;
    struct day *day;
    bool is_damaged; /* the manifest: segments that it does not list are taken too */
    char **unlisted; /* to be removed */
    size_t unlisted_count;
    char **found; /* segments that a damaged manifest does not list */
    size_t found_count;
};

static void append_name(char ***names, size_t *count, struct slice name)
{
    *names = mem_grow(*names, *count + 1, sizeof(char *));
    (*names)[(*count)++] = mem_strdup(name);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}

static bool is_listed(const struct manifest *manifest, struct slice name)
{
    for (size_t i = 0; i < manifest->name_count; i++)
        if (slice_eq_str(name, manifest->names[i]))
            return true;
    return false;
}

/* Segment numbers go on above all that a file name ever had here. */
static void note_id(struct store *store, struct slice name)
{
    size_t dash = slice_find_byte(name, '-');
    char text[32] = "";
    if (dash + 1 >= name.len || name.len - dash - 1 >= sizeof(text))
        return;
    memcpy(text, name.ptr + dash + 1, name.len - dash - 1);
    uint64_t id = strtoull(text, NULL, 16);
    if (id != UINT64_MAX && id + 1 > atomic_load(&store->segment_ids))
        atomic_store(&store->segment_ids, id + 1);
}

static bool see_file(void *self, const char *file)
{
    struct folder_files *files = self;
    struct slice name = slice_str(file);
    if (slice_ends(name, SLICE(".tmp"))) {
        append_name(&files->unlisted, &files->unlisted_count, name);
        return true;
    }
    bool is_segment = slice_ends(name, SLICE(".seg")), is_beside = slice_ends(name, SLICE(".sig")) || slice_ends(name, SLICE(".pat"));
    if (!is_segment && !is_beside)
        return true;
    struct slice stem = slice_of(name.ptr, name.len - 4);
    note_id(files->store, stem);
    if (is_listed(&files->day->manifest, stem))
        return true;
    if (!files->is_damaged)
        append_name(&files->unlisted, &files->unlisted_count, name);
    else if (is_segment)
        append_name(&files->found, &files->found_count, stem);
    return true;
}

static void report(struct store *store, const struct day *day, const char *what, const struct err *err)
{
    atomic_fetch_add(&store->damages, 1);
    if (err == NULL || err->code == ERR_CORRUPT || err->code == ERR_TRUNCATED)
        figure_damage(DAMAGE_DATA);
    log_error("store", what, "folder", day->folder, "err", err == NULL ? "" : err->text);
}

/* Opens the segments in force; a damaged one is left on disk and in the manifest, and is not read. */
static void open_segments(struct store *store, struct day *day)
{
    struct manifest *manifest = &day->manifest;
    struct segment **segments = mem_array(manifest->name_count + 1, sizeof(struct segment *));
    size_t count = 0;
    for (size_t i = 0; i < manifest->name_count; i++) {
        struct err err;
        if (segment_open(store->config.disk, day->folder, manifest->names[i], &segments[count], &err))
            count++;
        else
            report(store, day, "a segment cannot be read and is left out", &err);
    }
    if (count > 0) {
        struct view_day_change change = {.day = day, .add = segments, .add_count = count};
        view_publish(store->board, &(struct view_change){.days = &change, .day_count = 1});
    }
    mem_free(segments);
}

/* A manifest that did not hold: every whole segment of the folder is taken; what is in two of them is shown once. */
static bool adopt_found(struct folder_files *files, struct err *err)
{
    struct segment_mark *marks = mem_array(files->found_count + 1, sizeof(*marks));
    const char **names = mem_array(files->found_count + 1, sizeof(char *));
    size_t count = 0;
    for (size_t i = 0; i < files->found_count; i++) {
        struct segment *segment = NULL;
        struct err bad;
        if (!segment_open(files->store->config.disk, files->day->folder, files->found[i], &segment, &bad)) {
            report(files->store, files->day, "a segment cannot be read and is left out", &bad);
            continue;
        }
        marks[count] = segment_stats(segment)->mark;
        names[count++] = files->found[i];
        segment_unref(segment);
    }
    bool ok = day_change(files->day, &(struct manifest_change){.add = names, .add_count = count, .marks = marks, .mark_count = count}, err);
    mem_free(names);
    mem_free(marks);
    return ok;
}

static bool load_day(void *self, struct day *day, bool is_damaged, struct err *err)
{
    struct store *store = self;
    const struct disk *disk = store->config.disk;
    struct folder_files files = {.store = store, .day = day, .is_damaged = is_damaged};
    if (is_damaged)
        report(store, day, "the manifest is damaged: all segments of the folder are taken", NULL);
    bool ok = disk->list(disk, day->folder, see_file, &files) == 0 || err_errno(err, "list %s", day->folder);
    for (size_t i = 0; ok && i < files.unlisted_count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", day->folder, files.unlisted[i]);
        (void)disk->unlink(disk, path); // tried again at the next start
    }
    if (ok && is_damaged)
        ok = adopt_found(&files, err);
    if (ok)
        open_segments(store, day);
    free_names(files.unlisted, files.unlisted_count);
    free_names(files.found, files.found_count);
    return ok;
}

bool store_days_load(struct store *store, struct err *err)
{
    return day_set_load(store->days, load_day, store, err);
}

struct add_lists {
    struct day *day;
    bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err);
    void *add_self;
    struct err *err;
    bool ok;
};

static void add_list(void *self, struct chunk_list *list)
{
    struct add_lists *lists = self;
    struct chunk_list_view view;
    int64_t first, last;
    day_bounds(lists->day->number, &first, &last);
    chunk_list_see(list, &view);
    if (lists->ok && view.entries > 0 && view.first_ns <= last && view.last_ns >= first)
        lists->ok = lists->add(lists->add_self, tenant_streams_name(list->stream->tenant), list->stream->id,
                               stream_labels(list->stream), lists->err);
}

bool store_days_streams(void *self, struct day *day, struct err *err,
                        bool (*add)(void *add_self, struct slice tenant, struct hash128 id, struct slice labels, struct err *err),
                        void *add_self)
{
    struct store *store = self;
    struct view *view = view_take(store->board);
    struct add_lists lists = {.day = day, .add = add, .add_self = add_self, .err = err, .ok = true};
    const struct view_day *with = view_find_day(view, day->number);
    for (size_t i = 0; with != NULL && lists.ok && i < with->segment_count; i++) {
        for (size_t k = 0; lists.ok && k < segment_stream_count(with->segments[i]); k++) {
            const struct segment_stream *stream = segment_stream_at(with->segments[i], k);
            lists.ok = add(add_self, stream->tenant, stream->id, stream->encoded_labels, err);
        }
    }
    for (size_t i = 0; lists.ok && i < view->generation_count; i++)
        generation_each(view->generations[i], add_list, &lists);
    view_drop(view);
    return lists.ok;
}
