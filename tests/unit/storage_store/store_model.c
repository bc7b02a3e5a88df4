#include "store_model.h"

#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/plan/query_control.h"

/* ---- a clock that can be moved on ---- */

_Atomic int64_t clock_moved_ns;

int64_t moved_wall(const struct clock *clock)
{
    (void)clock;
    return (DAY0 + 10) * NS_PER_DAY + atomic_load(&clock_moved_ns);
}

static int64_t moved_mono(const struct clock *clock)
{
    (void)clock;
    return clock_mono_ns(&system_clock) + atomic_load(&clock_moved_ns);
}

const struct clock moved_clock = {moved_wall, moved_mono};

/* ---- the model ---- */

int entry_cmp(const void *a, const void *b)
{
    const struct model_entry *x = a, *y = b;
    if (x->tenant != y->tenant)
        return x->tenant < y->tenant ? -1 : 1;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->ts_ns != y->ts_ns)
        return x->ts_ns < y->ts_ns ? -1 : 1;
    int order = strcmp(x->line, y->line);
    return order != 0 ? order : strcmp(x->metadata, y->metadata);
}

void model_add(struct model *model, const struct model_entry *entry)
{
    for (size_t i = 0; i < model->count; i++)
        if (entry_cmp(&model->entries[i], entry) == 0)
            return;
    if (model->count == model->cap) {
        model->cap = model->cap == 0 ? 1024 : model->cap * 2;
        model->entries = mem_grow(model->entries, model->cap, sizeof(*entry));
    }
    model->entries[model->count++] = *entry;
}

/* ---- pushing ---- */

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool is_done, ok;
    struct err err;
};

static void push_done(struct push_job *job, bool ok, const struct err *err)
{
    struct wait *wait = job->owner;
    pthread_mutex_lock(&wait->lock);
    wait->is_done = true;
    if (!ok)
        wait->err = *err;
    wait->ok = ok;
    pthread_cond_signal(&wait->cond);
    pthread_mutex_unlock(&wait->lock);
}

struct slice tenant_name(unsigned tenant)
{
    return tenant == 0 ? SLICE("acme") : SLICE("other");
}

static struct slice encode_labels(unsigned stream, struct arena *arena)
{
    struct slice value = arena_printf(arena, "app%u", stream);
    struct slice pod = arena_printf(arena, "pod-%u", stream * 7);
    struct label labels[] = {{SLICE("app"), value}, {SLICE("pod"), pod}};
    return label_set_encode_in(arena, &(struct label_set){labels, 2});
}

unsigned model_shard(unsigned tenant, unsigned stream, unsigned shards)
{
    struct arena arena = ARENA_INIT;
    unsigned shard = (unsigned)(stream_id(tenant_name(tenant), encode_labels(stream, &arena)).low % shards);
    arena_fini(&arena);
    return shard;
}

bool model_try_push(struct store *store, const struct model_entry *entries, size_t count, struct err *err)
{
    struct arena arena = ARENA_INIT;
    struct push_run *runs = ARENA_ARRAY(&arena, struct push_run, count);
    struct push_entry *list = ARENA_ARRAY(&arena, struct push_entry, count);
    struct push_job job = {.batch = {.tenant = tenant_name(entries[0].tenant), .runs = runs, .entry_count = count}};
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || entries[i].stream != entries[i - 1].stream) {
            struct push_run *run = &runs[job.batch.run_count++];
            run->labels = encode_labels(entries[i].stream, &arena);
            run->stream = stream_id(job.batch.tenant, run->labels);
            run->entries = &list[i];
            run->first_ns = INT64_MAX;
            run->last_ns = INT64_MIN;
        }
        struct push_run *run = &runs[job.batch.run_count - 1];
        list[i] = (struct push_entry){.ts_ns = entries[i].ts_ns, .line = slice_str(entries[i].line)};
        if (entries[i].metadata[0] != '\0') {
            struct label label = {SLICE("m"), slice_str(entries[i].metadata)};
            list[i].metadata = label_set_encode_in(&arena, &(struct label_set){&label, 1});
        }
        run->count++;
        run->line_bytes += list[i].line.len;
        run->first_ns = entries[i].ts_ns < run->first_ns ? entries[i].ts_ns : run->first_ns;
        run->last_ns = entries[i].ts_ns > run->last_ns ? entries[i].ts_ns : run->last_ns;
        job.batch.line_bytes += list[i].line.len;
    }
    struct wait wait = {.is_done = false};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.cond, NULL);
    job.done = push_done;
    job.owner = &wait;
    job.memory_bytes = 1024 + job.batch.line_bytes;
    bool ok = store_push(store, &job, err);
    pthread_mutex_lock(&wait.lock);
    while (ok && !wait.is_done)
        pthread_cond_wait(&wait.cond, &wait.lock);
    pthread_mutex_unlock(&wait.lock);
    if (ok && !wait.ok) {
        *err = wait.err;
        ok = false;
    }
    arena_fini(&arena);
    return ok;
}

void model_push(struct store *store, const struct model_entry *entries, size_t count)
{
    struct err err;
    if (!model_try_push(store, entries, count, &err))
        fail_msg("push: %s", err.text);
}

/* ---- scanning ---- */

struct got {
    struct model *model;
    const struct scan *scan;
    unsigned tenant;
    uint64_t rows;
};

static bool take_batch(void *self, const struct entry_batch *batch)
{
    struct got *got = self;
    const struct scan_stream *stream = &got->scan->streams[batch->stream];
    struct slice app;
    assert_true(label_set_get(&stream->labels, SLICE("app"), &app));
    for (uint32_t i = 0; i < batch->count; i++) {
        struct model_entry entry = {.tenant = got->tenant, .stream = (unsigned)atoi(app.ptr + 3), .ts_ns = batch->ts_ns[i]};
        if (i > 0)
            assert_true(batch->ts_ns[i - 1] <= batch->ts_ns[i]);
        struct slice line = entry_batch_line(batch, i), set = entry_batch_metadata(batch, i), value;
        assert_true(line.len < sizeof(entry.line));
        memcpy(entry.line, line.ptr, line.len);
        assert_int_equal(batch->text[batch->offsets[i + 1] - 1], '\n');
        if (set.len > 0) {
            assert_true(label_encoded_get(set, SLICE("m"), &value));
            memcpy(entry.metadata, value.ptr, value.len);
        }
        if (got->model->count == got->model->cap) {
            got->model->cap = got->model->cap == 0 ? 1024 : got->model->cap * 2;
            got->model->entries = mem_grow(got->model->entries, got->model->cap, sizeof(entry));
        }
        got->model->entries[got->model->count++] = entry; // not model_add: a doubled entry must show
    }
    got->rows += batch->count;
    return true;
}

static void scan_units(struct store *store, unsigned tenant, const struct scan_request *request, bool takes_damage, struct model *out)
{
    const struct source *source = store_source(store);
    bool is_whole = request->start_ns == INT64_MIN && request->end_ns == INT64_MAX;
    struct query_control control = {.clock = &system_clock, .memory_left = INT64_C(1) << 32, .memory_max = INT64_C(1) << 32, .bytes_read_left = INT64_MAX};
    struct scan *scan = NULL;
    struct err err;
    if (!source->scan_open(source->self, request, &control, &scan, &err))
        fail_msg("scan: %s", err.text);
    struct scan_reader *reader = source->reader_create(source->self);
    for (size_t i = 0; i < scan->unit_count; i++) {
        const struct scan_unit *unit = &scan->units[i];
        struct got got = {out, scan, tenant, 0};
        if (!source->scan_read(scan, unit, reader, take_batch, &got, &err)) {
            if (takes_damage && err.code == ERR_CORRUPT)
                continue;
            fail_msg("scan_read: %s", err.text);
        }
        uint64_t rows = 0;
        for (size_t r = 0; r < unit->run_count; r++)
            rows += unit->runs[r].entries;
        if (is_whole) {
            if (unit->is_exact)
                assert_int_equal(rows, got.rows);
            else
                assert_true(rows >= got.rows);
        }
    }
    source->reader_destroy(reader);
    source->scan_close(scan);
    assert_int_equal(control.memory_left, control.memory_max);
}

static struct scan_request request_all(unsigned tenant, int64_t start_ns, int64_t end_ns)
{
    return (struct scan_request){.tenant = tenant_name(tenant), .start_ns = start_ns, .end_ns = end_ns, .columns = SCAN_LINES | SCAN_METADATA};
}

void scan_all(struct store *store, unsigned tenant, int64_t start_ns, int64_t end_ns, struct model *out)
{
    struct scan_request request = request_all(tenant, start_ns, end_ns);
    scan_units(store, tenant, &request, false, out);
}

void scan_what_reads(struct store *store, unsigned tenant, struct model *out)
{
    struct scan_request request = request_all(tenant, INT64_MIN, INT64_MAX);
    scan_units(store, tenant, &request, true, out);
}

void scan_request(struct store *store, unsigned tenant, const struct scan_request *request, struct model *out)
{
    scan_units(store, tenant, request, false, out);
}

void expect_model(struct store *store, const struct model *model, unsigned seed, const char *when)
{
    unsigned random = seed;
    for (unsigned tenant = 0; tenant < TENANTS; tenant++) {
        for (unsigned round = 0; round < 2; round++) {
            int64_t start = round == 0 ? INT64_MIN : DAY0 * NS_PER_DAY + rand_r(&random) % 300 * (NS_PER_DAY / 100);
            int64_t end = round == 0 ? INT64_MAX : start + rand_r(&random) % 100 * (NS_PER_DAY / 100);
            struct model want = {0}, got = {0};
            for (size_t i = 0; i < model->count; i++)
                if (model->entries[i].tenant == tenant && model->entries[i].ts_ns >= start && model->entries[i].ts_ns <= end)
                    model_add(&want, &model->entries[i]);
            scan_all(store, tenant, start, end, &got);
            if (want.count > 0)
                qsort(want.entries, want.count, sizeof(*want.entries), entry_cmp);
            if (got.count > 0)
                qsort(got.entries, got.count, sizeof(*got.entries), entry_cmp);
            if (want.count != got.count)
                fail_msg("seed %u, %s, tenant %u, round %u: %zu entries, want %zu", seed, when, tenant, round, got.count, want.count);
            for (size_t i = 0; i < want.count; i++)
                if (entry_cmp(&want.entries[i], &got.entries[i]) != 0)
                    fail_msg("seed %u, %s: entry %zu differs: %s want %s", seed, when, i, got.entries[i].line, want.entries[i].line);
            mem_free(want.entries);
            mem_free(got.entries);
        }
    }
}

/* ---- the folder ---- */

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void model_config(struct store_config *out, const char *folder, unsigned shards)
{
    store_config_defaults(out);
    out->folder = folder;
    out->clock = &moved_clock;
    out->shards = shards;
    out->query_threads = 1;
    out->log_file_bytes = (size_t)1 << 20;
    out->seal_bytes = (size_t)1 << 20;
    out->disk_free_reserve = 0;
    out->compaction_interval_ns = INT64_MAX; // the test asks for rounds itself
    out->durability = LOG_ASYNC;
}

void model_wait_ready(struct store *store)
{
    struct err err;
    while (!store_ready(store, &err))
        (void)sched_yield();
}

struct store *open_store(const char *folder, unsigned shards, bool wait_ready)
{
    struct store_config config;
    model_config(&config, folder, shards);
    struct store *store = NULL;
    struct err err;
    if (!store_open(&config, &store, &err))
        fail_msg("open: %s", err.text);
    if (wait_ready)
        model_wait_ready(store);
    return store;
}

