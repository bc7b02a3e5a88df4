#include "storage/store/replay_ahead.h"

#include <pthread.h>
#include <snappy-c.h>

#include "core/base/mem.h"
#include "core/ingest/push_wire.h"
#include "storage/pool/worker_pool.h"
#include "storage/store/record.h"

#define MESSAGE_MAX ((size_t)1 << 30) /* decompressed; far above what any push may hold */
#define BATCH_RECORDS ((size_t)256)

struct ahead_record {
    uint64_t sequence;
    size_t at, len;          // of its payload in the batch's
    struct replayed *record; // NULL: it cannot be decoded
    struct err *bad;
};

struct ahead_batch {
    struct replay_ahead *ahead;
    struct ahead_batch *next; // in flight, or spare
    bool is_decoded;          // under the lock
    struct buf payloads;
    size_t count;
    struct ahead_record records[BATCH_RECORDS];
};

struct replay_ahead {
    struct replay_ahead_config config;
    struct worker_pool *pool;
    pthread_mutex_t lock; // of is_decoded
    pthread_cond_t decoded;
    // The replay's own.
    struct ahead_batch *filling;       // NULL: none
    struct ahead_batch *first, *last;  // in flight, oldest first
    struct ahead_batch *spare;
    size_t in_flight, in_flight_max;
};

/* ---- decoding: the pool's threads ---- */

static void replayed_done(struct push_job *job, bool ok, const struct err *err)
{
    (void)ok;
    (void)err;
    struct replayed *record = job->owner;
    arena_fini(&record->arena);
    mem_free(record);
}

static bool decode(struct replayed *replayed, struct slice payload, struct err *err)
{
    struct arena *arena = &replayed->arena;
    struct record record;
    if (!record_decode(payload, arena, &record, err))
        return false;
    size_t len = 0;
    if (snappy_uncompressed_length(record.body.ptr, record.body.len, &len) != SNAPPY_OK || len > MESSAGE_MAX)
        return err_set(err, ERR_CORRUPT, "record: body has no snappy length");
    char *message = arena_alloc(arena, len + 1, 1);
    if (snappy_uncompress(record.body.ptr, record.body.len, message, &len) != SNAPPY_OK)
        return err_set(err, ERR_CORRUPT, "record: body is not snappy");
    struct push_request request;
    if (!push_wire_decode(slice_of(message, len), &(struct push_wire_limits){UINT32_MAX, UINT32_MAX}, arena, &request, err))
        return false;
    // The payload is the batch's: what outlives it is copied.
    return ingest_replay(arena_copy(arena, record.tenant), record.adds_labels, &request, record.refused, record.refused_count, arena,
                         &replayed->job.batch, err);
}

static void decode_record(struct ahead_record *item, struct slice payload)
{
    struct replayed *record = mem_zero(sizeof(*record));
    struct err err;
    record->arena = ARENA_INIT;
    record->job = (struct push_job){.done = replayed_done, .owner = record, .record = BUF_INIT, .sequence = item->sequence};
    if (decode(record, payload, &err)) {
        record->job.append.charge_bytes = record->arena.bytes;
        item->record = record;
        return;
    }
    replayed_done(&record->job, false, NULL);
    item->bad = mem_alloc(sizeof(err));
    *item->bad = err;
}

static void decode_batch(void *self)
{
    struct ahead_batch *batch = self;
    struct replay_ahead *ahead = batch->ahead;
    struct slice payloads = buf_slice(&batch->payloads);
    for (size_t i = 0; i < batch->count; i++)
        decode_record(&batch->records[i], slice_of(payloads.ptr + batch->records[i].at, batch->records[i].len));
    pthread_mutex_lock(&ahead->lock);
    batch->is_decoded = true;
    pthread_cond_signal(&ahead->decoded);
    pthread_mutex_unlock(&ahead->lock);
}

/* ---- the replay's thread ---- */

static void wait_decoded(struct replay_ahead *ahead, const struct ahead_batch *batch)
{
    pthread_mutex_lock(&ahead->lock);
    while (!batch->is_decoded)
        pthread_cond_wait(&ahead->decoded, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
}

static bool is_decoded(struct replay_ahead *ahead, const struct ahead_batch *batch)
{
    pthread_mutex_lock(&ahead->lock);
    bool decoded = batch->is_decoded;
    pthread_mutex_unlock(&ahead->lock);
    return decoded;
}

static struct ahead_batch *take_first(struct replay_ahead *ahead)
{
    struct ahead_batch *batch = ahead->first;
    wait_decoded(ahead, batch);
    ahead->first = batch->next;
    if (ahead->first == NULL)
        ahead->last = NULL;
    ahead->in_flight--;
    return batch;
}

static void batch_reset(struct replay_ahead *ahead, struct ahead_batch *batch)
{
    buf_reset(&batch->payloads);
    batch->count = 0;
    batch->is_decoded = false;
    batch->next = ahead->spare;
    ahead->spare = batch;
}

/* The oldest batch, which is waited for, to the caller of put. */
static void hand_on(struct replay_ahead *ahead)
{
    struct ahead_batch *batch = take_first(ahead);
    for (size_t i = 0; i < batch->count; i++) {
        struct ahead_record *item = &batch->records[i];
        if (item->record != NULL)
            ahead->config.decoded(ahead->config.self, item->sequence, item->record);
        else
            ahead->config.damaged(ahead->config.self, item->sequence, item->bad);
        mem_free(item->bad);
    }
    batch_reset(ahead, batch);
}

static void submit(struct replay_ahead *ahead)
{
    struct ahead_batch *batch = ahead->filling;
    struct err ignored;
    ahead->filling = NULL;
    batch->next = NULL;
    if (ahead->last == NULL)
        ahead->first = batch;
    else
        ahead->last->next = batch;
    ahead->last = batch;
    ahead->in_flight++;
    if (!worker_pool_submit(ahead->pool, decode_batch, batch, &ignored))
        decode_batch(batch); // there is room for all that may be in flight
}

void replay_ahead_put(struct replay_ahead *ahead, uint64_t sequence, struct slice payload)
{
    struct ahead_batch *batch = ahead->filling;
    if (batch == NULL) {
        batch = ahead->spare != NULL ? ahead->spare : mem_zero(sizeof(*batch));
        if (batch == ahead->spare)
            ahead->spare = batch->next;
        batch->ahead = ahead;
        ahead->filling = batch;
    }
    batch->records[batch->count++] = (struct ahead_record){.sequence = sequence, .at = batch->payloads.len, .len = payload.len};
    buf_put(&batch->payloads, payload);
    if (batch->payloads.len < REPLAY_BATCH_BYTES && batch->count < BATCH_RECORDS)
        return;
    submit(ahead);
    while (ahead->first != NULL && (ahead->in_flight >= ahead->in_flight_max || is_decoded(ahead, ahead->first)))
        hand_on(ahead);
}

void replay_ahead_finish(struct replay_ahead *ahead)
{
    if (ahead->filling != NULL)
        submit(ahead);
    while (ahead->first != NULL)
        hand_on(ahead);
}

bool replay_ahead_create(const struct replay_ahead_config *config, struct replay_ahead **out, struct err *err)
{
    struct replay_ahead *ahead = mem_zero(sizeof(*ahead));
    ahead->config = *config;
    ahead->in_flight_max = REPLAY_AHEAD_BATCHES * config->threads;
    if (!worker_pool_create(&(struct worker_pool_config){.name = "replay", .threads = config->threads, .tasks_max = ahead->in_flight_max},
                            &ahead->pool, err)) {
        mem_free(ahead);
        return false;
    }
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->decoded, NULL);
    *out = ahead;
    return true;
}

static void batch_destroy(struct ahead_batch *batch)
{
    if (batch == NULL)
        return;
    buf_fini(&batch->payloads);
    mem_free(batch);
}

void replay_ahead_destroy(struct replay_ahead *ahead)
{
    if (ahead == NULL)
        return;
    while (ahead->first != NULL) {
        struct ahead_batch *batch = take_first(ahead);
        for (size_t i = 0; i < batch->count; i++) {
            if (batch->records[i].record != NULL)
                replayed_done(&batch->records[i].record->job, false, NULL);
            mem_free(batch->records[i].bad);
        }
        batch_destroy(batch);
    }
    worker_pool_destroy(ahead->pool);
    batch_destroy(ahead->filling);
    while (ahead->spare != NULL) {
        struct ahead_batch *batch = ahead->spare;
        ahead->spare = batch->next;
        batch_destroy(batch);
    }
    pthread_mutex_destroy(&ahead->lock);
    pthread_cond_destroy(&ahead->decoded);
    mem_free(ahead);
}
