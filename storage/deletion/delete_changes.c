/* delete_changes.c: changes of the book: the tenant's file is replaced, then what is in force. */
#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/model/go_text.h"
#include "storage/deletion/delete_book_parts.h"

#define PATH_MAX_BYTES 4096
#define MS_PER_S INT64_C(1000)

/* Under write_lock. */
static bool write_file(struct delete_book *book, struct book_tenant *tenant, const struct book_request *requests, size_t count, uint64_t generation,
                       struct err *err)
{
    struct delete_list list = {.tenant = slice_str(tenant->name), .generation = generation, .count = count};
    list.requests = mem_array(count + 1, sizeof(*list.requests));
    for (size_t i = 0; i < count; i++)
        list.requests[i] = requests[i].request;
    struct buf bytes = BUF_INIT;
    delete_list_encode(&list, &bytes);
    char name[DELETE_FILE_NAME_MAX], path[PATH_MAX_BYTES];
    delete_file_name(list.tenant, name);
    (void)snprintf(path, sizeof(path), "%s/%s", book->folder, name);
    bool ok = disk_replace_file(book->disk, path, buf_slice(&bytes), err);
    tenant->is_unsure = !ok;
    buf_fini(&bytes);
    mem_free(list.requests);
    return ok;
}

/* Puts the new requests in force, on disk first; false: the old ones stay, and the array is freed. Under write_lock. */
static bool change(struct delete_book *book, struct book_tenant *tenant, struct book_request *requests, size_t count, uint64_t generation,
                   struct err *err)
{
    if (!write_file(book, tenant, requests, count, generation, err)) {
        mem_free(requests);
        return false;
    }
    pthread_mutex_lock(&book->lock);
    struct book_request *old = tenant->requests;
    tenant->requests = requests;
    tenant->count = count;
    tenant->generation = generation;
    book_tenant_publish(book, tenant);
    pthread_mutex_unlock(&book->lock);
    mem_free(old);
    return true;
}

static uint64_t next_generation(const struct book_tenant *tenant, int64_t now_ms)
{
    uint64_t now = now_ms > 0 ? (uint64_t)(now_ms / MS_PER_S) : 0;
    return now > tenant->generation ? now : tenant->generation + 1;
}

static bool has_id(const struct book_tenant *tenant, uint32_t id)
{
    for (size_t i = 0; i < tenant->count; i++)
        if (tenant->requests[i].request.id == id)
            return true;
    return false;
}

static uint32_t make_id(const struct book_tenant *tenant, const struct delete_request *request)
{
    char times[24];
    le64_put(times, (uint64_t)request->start_ms);
    le64_put(times + 8, (uint64_t)request->end_ms);
    le64_put(times + 16, (uint64_t)request->created_ms);
    uint64_t hash = hash64_seeded(request->query, hash64_seeded(slice_of(times, sizeof(times)), hash64(slice_str(tenant->name))));
    while (has_id(tenant, (uint32_t)hash))
        hash++;
    return (uint32_t)hash;
}

/* Where a new one finds room: the oldest processed request goes when there are too many; tenant->count: none has to. */
static bool find_room(const struct book_tenant *tenant, size_t *out_gone, struct err *err)
{
    *out_gone = tenant->count;
    if (tenant->count < DELETE_REQUESTS_MAX)
        return true;
    for (size_t i = 0; i < tenant->count; i++) {
        if (tenant->requests[i].request.state == DELETE_PROCESSED) {
            *out_gone = i;
            return true;
        }
    }
    return err_set(err, ERR_RATE, "%zu delete requests of this tenant wait to be processed, and no more are taken: try again later, or cancel some",
                   DELETE_REQUESTS_MAX);
}

/* The tenant's requests less the one at `gone` (count: none), with room for one more. */
static struct book_request *without(const struct book_tenant *tenant, size_t gone, size_t *out_count)
{
    struct book_request *requests = mem_array(tenant->count + 1, sizeof(*requests));
    size_t n = 0;
    for (size_t i = 0; i < tenant->count; i++)
        if (i != gone)
            requests[n++] = tenant->requests[i];
    *out_count = n;
    return requests;
}

static bool add(struct delete_book *book, struct book_tenant *tenant, struct book_request *added, struct err *err)
{
    size_t gone, count;
    if (!find_room(tenant, &gone, err))
        return false;
    added->request.id = make_id(tenant, &added->request);
    if (!delete_filter_create(&added->request, &added->filter, err))
        return false;
    struct book_request removed = gone < tenant->count ? tenant->requests[gone] : (struct book_request){0};
    struct book_request *requests = without(tenant, gone, &count);
    requests[count++] = *added;
    if (!change(book, tenant, requests, count, next_generation(tenant, added->request.created_ms), err))
        return false;
    book_request_fini(&removed);
    return true;
}

bool delete_book_add(struct delete_book *book, struct slice tenant, const struct delete_request *request, uint32_t *out_id, struct err *err)
{
    if (request->query.len > DELETE_QUERY_BYTES_MAX)
        return err_set(err, ERR_INVALID, "the query has %zu bytes, the limit is %zu: use several requests", request->query.len, DELETE_QUERY_BYTES_MAX);
    struct book_request added = {.request = *request};
    added.request.state = DELETE_RECEIVED;
    added.request.percent = 0;
    added.query = mem_strdup(request->query);
    added.request.query = slice_of(added.query, request->query.len);
    pthread_mutex_lock(&book->write_lock);
    bool ok = add(book, book_tenant_get(book, tenant), &added, err);
    pthread_mutex_unlock(&book->write_lock);
    if (ok)
        *out_id = added.request.id;
    else
        book_request_fini(&added);
    return ok;
}

/* Index of the request; tenant->count: it is not there. */
static size_t find(const struct book_tenant *tenant, uint32_t id)
{
    size_t i = 0;
    while (i < tenant->count && tenant->requests[i].request.id != id)
        i++;
    return i;
}

static bool cancel(struct delete_book *book, struct book_tenant *tenant, size_t at, int64_t now_ms, struct err *err)
{
    size_t count;
    struct book_request removed = tenant->requests[at];
    struct book_request *requests = without(tenant, at, &count);
    if (!change(book, tenant, requests, count, next_generation(tenant, now_ms), err))
        return false;
    book_request_fini(&removed);
    return true;
}

/* Loki's rules, from its delete request handler. */
static bool may_cancel(const struct delete_request *request, bool force, int64_t now_ms, int64_t cancel_period_ms, struct err *err)
{
    if (request->state == DELETE_PROCESSED)
        return err_set(err, ERR_INVALID, "deletion of request which is in process or already processed is not allowed");
    if (force || (request->state == DELETE_RECEIVED && now_ms - request->created_ms <= cancel_period_ms))
        return true;
    struct buf period = BUF_INIT;
    go_print_duration(&period, cancel_period_ms * NS_PER_MS);
    err_fill(err, ERR_INVALID,
             "Cancellation of partially completed delete request or delete request past the deadline of %.*s since its creation is not allowed. "
             "To force, use the ?force query parameter",
             SLICE_ARG(buf_slice(&period)));
    buf_fini(&period);
    return false;
}

bool delete_book_cancel(struct delete_book *book, struct slice tenant, uint32_t id, bool force, int64_t now_ms, int64_t cancel_period_ms,
                        struct err *err)
{
    pthread_mutex_lock(&book->write_lock);
    pthread_mutex_lock(&book->lock);
    struct book_tenant *found = book_tenant_find(book, tenant);
    pthread_mutex_unlock(&book->lock);
    size_t at = found == NULL ? 0 : find(found, id);
    bool ok = found != NULL && at < found->count;
    if (!ok)
        err_fill(err, ERR_NOT_FOUND, "could not find delete request with given id");
    ok = ok && may_cancel(&found->requests[at].request, force, now_ms, cancel_period_ms, err) && cancel(book, found, at, now_ms, err);
    pthread_mutex_unlock(&book->write_lock);
    return ok;
}

/* Under write_lock. */
static bool progress(struct delete_book *book, struct book_tenant *tenant, const uint32_t *ids, size_t id_count, enum delete_state state,
                     unsigned percent, struct err *err)
{
    size_t count, over = 0, changed = 0;
    struct book_request *requests = without(tenant, tenant->count, &count);
    struct delete_filter **filters = mem_array(id_count + 1, sizeof(*filters));
    for (size_t i = 0; i < id_count; i++) {
        size_t at = find(tenant, ids[i]);
        if (at == count || requests[at].request.state == DELETE_PROCESSED)
            continue;
        struct delete_request *to = &requests[at].request;
        changed++;
        to->state = state;
        to->percent = percent > to->percent ? percent : to->percent;
        if (state != DELETE_PROCESSED)
            continue;
        filters[over++] = requests[at].filter;
        requests[at].filter = NULL;
    }
    bool ok = true;
    // What caches hold of before is true as long as the lines are hidden: only the end is a new generation, as for Loki.
    if (changed == 0)
        mem_free(requests);
    else
        ok = change(book, tenant, requests, count, tenant->generation + (over > 0), err);
    for (size_t i = 0; ok && i < over; i++)
        delete_filter_unref(filters[i]);
    mem_free(filters);
    return ok;
}

bool delete_book_progress(struct delete_book *book, struct slice tenant, const uint32_t *ids, size_t count, enum delete_state state,
                          unsigned percent, struct err *err)
{
    pthread_mutex_lock(&book->write_lock);
    pthread_mutex_lock(&book->lock);
    struct book_tenant *found = book_tenant_find(book, tenant);
    pthread_mutex_unlock(&book->lock);
    bool ok = found == NULL || progress(book, found, ids, count, state, percent, err);
    pthread_mutex_unlock(&book->write_lock);
    return ok;
}

bool delete_book_settle(struct delete_book *book, struct err *err)
{
    bool ok = true;
    pthread_mutex_lock(&book->write_lock); // nobody adds a tenant meanwhile
    for (size_t i = 0; i < book->tenant_count; i++) {
        struct book_tenant *tenant = book->tenants[i];
        if (tenant->is_unsure)
            ok = write_file(book, tenant, tenant->requests, tenant->count, tenant->generation, err) && ok;
    }
    pthread_mutex_unlock(&book->write_lock);
    return ok;
}
