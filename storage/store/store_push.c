#include <snappy-c.h>

#include "core/base/mem.h"
#include "core/ingest/ingest.h"
#include "storage/figures/store_figures.h"
#include "storage/store/record.h"
#include "storage/store/store_parts.h"

/* ---- the budget ---- */

void store_push_charge(struct store *store, size_t bytes)
{
    atomic_fetch_add(&store->inflight_bytes, bytes);
    atomic_fetch_add(&store->inflight_jobs, 1);
}

static void refund(struct store *store, size_t bytes)
{
    atomic_fetch_sub(&store->inflight_bytes, bytes);
    atomic_fetch_sub(&store->inflight_jobs, 1); // seq_cst, as the next: a waiter sees it, or is seen
    if (atomic_load(&store->idle_waiters) > 0) {
        pthread_mutex_lock(&store->idle_lock);
        pthread_cond_broadcast(&store->idle);
        pthread_mutex_unlock(&store->idle_lock);
    }
}

void store_push_wait_below(struct store *store, size_t bytes)
{
    atomic_fetch_add(&store->idle_waiters, 1);
    pthread_mutex_lock(&store->idle_lock);
    while (atomic_load(&store->inflight_jobs) > 0 && atomic_load(&store->inflight_bytes) >= bytes)
        pthread_cond_wait(&store->idle, &store->idle_lock);
    pthread_mutex_unlock(&store->idle_lock);
    atomic_fetch_sub(&store->idle_waiters, 1);
}

/* ---- a job's way ---- */

static void job_end(struct push_job *job, bool ok, const struct err *err)
{
    struct store *store = job->store;
    size_t bytes = job->append.charge_bytes;
    mem_free(job->parts);
    job->parts = NULL;
    buf_fini(&job->record);
    job->done(job, ok, err); // the job may be gone now
    refund(store, bytes);
}

void store_push_end(struct push_job *job)
{
    job_end(job, true, NULL);
}

static bool replay_fails(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "the log cannot be read, and is tried again: no pushes are taken until then");
}

void store_push_refuse(struct push_job *job)
{
    struct err err;
    (void)replay_fails(&err);
    job_end(job, false, &err);
}

static void job_step(struct push_job *job)
{
    if (atomic_fetch_sub(&job->shards_left, 1) == 1)
        job_end(job, true, NULL);
}

static void part_done(struct push_job_part *part)
{
    job_step(part->owner);
}

void store_push_parts(struct store *store, struct push_job *job)
{
    job->parts = mem_array(store->shard_count, sizeof(job->parts[0]));
    struct store_tenant *tenant = tenant_table_get(store->tenants, job->batch.tenant);
    for (size_t i = 0; i < job->batch.run_count; i++) {
        struct push_run *run = &job->batch.runs[i];
        run->shard = (uint32_t)(run->stream.low % store->shard_count);
        if (run->count > 0)
            job->parts[run->shard] =
                (struct push_job_part){.batch = &job->batch, .tenant = tenant, .done = part_done, .owner = job};
    }
}

void store_push_hand_over(struct store *store, struct push_job *job)
{
    uint64_t sequence = job->sequence;
    size_t bytes = job->append.charge_bytes / store->shard_count;
    struct push_job_part *parts = job->parts;
    uint32_t count = 0;
    for (unsigned i = 0; i < store->shard_count; i++)
        count += parts[i].batch != NULL;
    atomic_store(&job->shards_left, count + 1); // one for this function, which keeps the job alive
    for (unsigned i = 0; i < store->shard_count; i++) {
        if (parts[i].batch == NULL)
            continue;
        parts[i].sequence = sequence;
        shard_push(store->shards[i], &parts[i], bytes);
        figure_appended(i);
    }
    atomic_store(&store->handed_sequence, sequence);
    job_step(job);
}

void store_push_durable(struct log_append *append, bool ok, const struct err *err)
{
    struct push_job *job = (struct push_job *)((char *)append - offsetof(struct push_job, append));
    struct store *store = job->store;
    if (!ok) {
        job_end(job, false, err);
        return;
    }
    job->sequence = append->sequence;
    pthread_mutex_lock(&store->hold_lock);
    bool replays = store->is_replaying;
    bool fails = atomic_load(&store->is_replay_failing);
    bool holds = replays && !store->is_replay_broken && !fails && store->holds;
    if (holds) {
        *(struct push_job **)append->node.opaque = NULL; // the log is done with the node: it links the held jobs
        if (store->held_last == NULL)
            store->held_first = job;
        else
            *(struct push_job **)store->held_last->append.node.opaque = job;
        store->held_last = job;
    } else if (replays) {
        store->passed_sequence = job->sequence;
        store->passed_bytes += job->append.charge_bytes;
    }
    bool ends = store->is_replay_broken || !fails;
    pthread_mutex_unlock(&store->hold_lock);
    if (!replays)
        store_push_hand_over(store, job);
    else if (!holds && ends)
        store_push_end(job);
    else if (!holds)
        store_push_refuse(job);
}

/* The batch itself as a record's body, after the head that is there. */
static void encode_own_body(struct push_job *job)
{
    struct buf message = BUF_INIT;
    ingest_batch_encode(&job->batch, &message);
    size_t room = snappy_max_compressed_length(message.len);
    char *at = buf_room(&job->record, room);
    size_t len = room;
    snappy_status status = snappy_compress(message.ptr != NULL ? message.ptr : "", message.len, at, &len);
    buf_took(&job->record, status == SNAPPY_OK ? len : 0); // it cannot fail: the room is the most it needs
    buf_fini(&message);
}

static void encode_record(struct push_job *job)
{
    bool is_own = job->record_body.ptr == NULL;
    job->record = BUF_INIT;
    record_encode_head(&(struct record){.tenant = job->batch.tenant,
                                        .adds_labels = !is_own && job->adds_labels,
                                        .refused = is_own ? NULL : (uint32_t *)job->refused,
                                        .refused_count = is_own ? 0 : job->refused_count},
                       &job->record);
    if (is_own)
        encode_own_body(job);
    job->append.pieces[0] = buf_slice(&job->record);
    job->append.pieces[1] = job->record_body;
    job->append.piece_count = is_own ? 1 : 2;
}

static bool admit(struct store *store, size_t bytes, struct err *err)
{
    if (!atomic_load(&store->takes_pushes))
        return err_set(err, ERR_UNAVAILABLE, "the store is shutting down");
    if (atomic_load(&store->is_replay_failing))
        return replay_fails(err);
    if (atomic_load(&store->is_read_only))
        return err_set(err, ERR_DISK_FULL, "the disk has less than %llu bytes free (disk_free_reserve): the node takes no pushes until there is room",
                       (unsigned long long)store->config.disk_free_reserve);
    size_t before = atomic_load(&store->inflight_bytes);
    if (before > 0 && before + bytes > store->inflight_bytes_max)
        return err_set(err, ERR_UNAVAILABLE, "%zu bytes of pushes wait already, the limit is %zu (shard_queue_bytes): try again",
                       before, store->inflight_bytes_max);
    return true;
}

bool store_push(struct store *store, struct push_job *job, struct err *err)
{
    size_t bytes = job->memory_bytes + job->record_body.len;
    if (job->memory_bytes == 0)
        bytes += job->batch.line_bytes;
    if (!admit(store, bytes, err))
        return false;
    job->store = store;
    job->parts = NULL;
    job->record = BUF_INIT;
    job->append = (struct log_append){.charge_bytes = bytes, .done = store_push_durable};
    if (job->batch.entry_count == 0 || job->batch.run_count == 0) {
        job->done(job, true, NULL);
        return true;
    }
    store_push_charge(store, bytes);
    encode_record(job);
    store_push_parts(store, job);
    if (store->log.append(store->log.self, &job->append, err))
        return true;
    mem_free(job->parts);
    job->parts = NULL;
    buf_fini(&job->record);
    refund(store, bytes);
    return false;
}

/* ---- streams ---- */

struct store_tenant *store_tenant(struct store *store, struct slice name)
{
    return tenant_table_get(store->tenants, name);
}

bool store_stream_admit(struct store *store, struct store_tenant *tenant, struct hash128 stream, int64_t max_streams)
{
    if (max_streams <= 0)
        return true;
    rcu_thread_join(); // a count, when the thread has joined already
    rcu_enter();
    bool known = shard_find(store->shards[stream.low % store->shard_count], stream) != NULL;
    rcu_leave();
    rcu_thread_part();
    return known || tenant_streams_promise(tenant, stream, max_streams, clock_mono_ns(store->config.clock));
}

int64_t store_stream_newest_ns(struct store *store, struct hash128 stream)
{
    rcu_thread_join();
    rcu_enter();
    const struct stream_record *record = shard_find(store->shards[stream.low % store->shard_count], stream);
    int64_t newest = record == NULL ? INT64_MIN : RELAXED(&record->newest_ns);
    rcu_leave();
    rcu_thread_part();
    return newest;
}

unsigned store_shard_count(const struct store *store)
{
    return store->shard_count;
}
