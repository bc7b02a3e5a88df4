#include "storage/deletion/delete_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "storage/deletion/delete_book_parts.h"

#define PATH_MAX_BYTES 4096

void book_request_fini(struct book_request *request)
{
    delete_filter_unref(request->filter);
    mem_free(request->query);
}

/* ---- tenants ---- */

static size_t lower_bound(const struct delete_book *book, struct slice name)
{
    size_t low = 0, high = book->tenant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_cmp(slice_str(book->tenants[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct book_tenant *book_tenant_find(struct delete_book *book, struct slice name)
{
    size_t at = lower_bound(book, name);
    return at < book->tenant_count && slice_eq_str(name, book->tenants[at]->name) ? book->tenants[at] : NULL;
}

struct book_tenant *book_tenant_get(struct delete_book *book, struct slice name)
{
    pthread_mutex_lock(&book->lock);
    struct book_tenant *tenant = book_tenant_find(book, name);
    if (tenant == NULL) {
        size_t at = lower_bound(book, name);
        tenant = mem_zero(sizeof(*tenant));
        tenant->name = mem_strdup(name);
        book->tenants = mem_grow(book->tenants, book->tenant_count + 1, sizeof(struct book_tenant *));
        memmove(&book->tenants[at + 1], &book->tenants[at], (book->tenant_count - at) * sizeof(struct book_tenant *));
        book->tenants[at] = tenant;
        book->tenant_count++;
    }
    pthread_mutex_unlock(&book->lock);
    return tenant;
}

void book_tenant_publish(struct delete_book *book, struct book_tenant *tenant)
{
    struct delete_filter **filters = mem_array(tenant->count + 1, sizeof(*filters));
    size_t count = 0;
    for (size_t i = 0; i < tenant->count; i++)
        if (tenant->requests[i].request.state != DELETE_PROCESSED)
            filters[count++] = tenant->requests[i].filter;
    struct delete_set *set = delete_set_create(filters, count);
    mem_free(filters);
    if (tenant->set == NULL && set != NULL)
        atomic_fetch_add(&book->hiding, 1);
    if (tenant->set != NULL && set == NULL)
        atomic_fetch_sub(&book->hiding, 1);
    delete_set_unref(tenant->set);
    tenant->set = set;
}

/* ---- opening ---- */

struct loading {
    const struct disk *disk;
    struct delete_book *book; // NULL: only verified
    const char *folder;
    void (*damaged)(void *self, const char *what);
    void *self;
    struct arena arena;
    struct slice *names;
    size_t count;
};

static bool see_name(void *self, const char *name)
{
    struct loading *loading = self;
    if (!slice_ends(slice_str(name), SLICE(".del")))
        return true;
    loading->names = mem_grow(loading->names, loading->count + 1, sizeof(struct slice));
    loading->names[loading->count++] = arena_printf(&loading->arena, "%s", name);
    return true;
}

/* Compiles the requests that are still to be done. */
static bool take_over(struct delete_book *book, const struct delete_list *list, struct err *err)
{
    struct book_tenant *tenant = book_tenant_get(book, list->tenant);
    struct book_request *requests = mem_array(list->count + 1, sizeof(*requests));
    bool ok = tenant->requests == NULL || err_set(err, ERR_CORRUPT, "another file has the same tenant");
    for (size_t i = 0; ok && i < list->count; i++) {
        struct book_request *to = &requests[i];
        to->request = list->requests[i];
        to->query = mem_strdup(to->request.query);
        to->request.query = slice_of(to->query, to->request.query.len);
        to->resumes = to->request.state == DELETE_STARTED;
        ok = to->request.state == DELETE_PROCESSED || delete_filter_create(&to->request, &to->filter, err);
    }
    if (!ok) {
        for (size_t i = 0; i < list->count; i++)
            book_request_fini(&requests[i]);
        mem_free(requests);
        return false;
    }
    pthread_mutex_lock(&book->lock);
    tenant->requests = requests;
    tenant->count = list->count;
    tenant->generation = list->generation;
    book_tenant_publish(book, tenant);
    pthread_mutex_unlock(&book->lock);
    return true;
}

static bool load_file(struct loading *loading, const char *path, const char *name, struct err *err)
{
    struct buf bytes = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct delete_list list;
    char wanted[DELETE_FILE_NAME_MAX];
    bool ok = disk_read_file(loading->disk, path, DELETE_FILE_BYTES_MAX, &bytes, err) &&
              delete_list_decode(buf_slice(&bytes), &arena, &list, err);
    if (ok) {
        delete_file_name(list.tenant, wanted);
        ok = strcmp(wanted, name) == 0 || err_set(err, ERR_CORRUPT, "the name is not that of its tenant");
    }
    ok = ok && (loading->book == NULL || take_over(loading->book, &list, err));
    arena_fini(&arena);
    buf_fini(&bytes);
    return ok;
}

/* False: the disk failed. */
static bool load_name(struct loading *loading, const char *name, struct err *err)
{
    char path[PATH_MAX_BYTES], aside[PATH_MAX_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", loading->folder, name);
    struct err why = {.code = ERR_NONE};
    if (load_file(loading, path, name, &why))
        return true;
    if (why.code == ERR_IO) {
        *err = why;
        return false;
    }
    err_fill_context(&why, "%s", path);
    loading->damaged(loading->self, why.text);
    if (loading->book == NULL)
        return true;
    (void)snprintf(aside, sizeof(aside), "%s/%s.damaged", loading->folder, name);
    return loading->disk->rename(loading->disk, path, aside) == 0 || err_errno(err, "rename %s", path);
}

static bool load_folder(struct loading *loading, struct err *err)
{
    bool ok = loading->disk->list(loading->disk, loading->folder, see_name, loading) == 0 || (loading->book == NULL && errno == ENOENT) ||
              err_errno(err, "list %s", loading->folder);
    for (size_t i = 0; ok && i < loading->count; i++)
        ok = load_name(loading, loading->names[i].ptr, err);
    mem_free(loading->names);
    arena_fini(&loading->arena);
    return ok;
}

bool delete_book_open(const struct disk *disk, const char *folder, void (*damaged)(void *self, const char *what), void *self,
                      struct delete_book **out, struct err *err)
{
    struct delete_book *book = mem_zero(sizeof(*book));
    book->disk = disk;
    book->folder = mem_strdup(slice_str(folder));
    pthread_mutex_init(&book->write_lock, NULL);
    pthread_mutex_init(&book->lock, NULL);
    struct loading loading = {.disk = disk, .book = book, .folder = folder, .damaged = damaged, .self = self, .arena = ARENA_INIT};
    if (!disk_make_folders(disk, folder, err) || !load_folder(&loading, err)) {
        delete_book_close(book);
        return false;
    }
    *out = book;
    return true;
}

bool delete_book_verify(const struct disk *disk, const char *folder, void (*damaged)(void *self, const char *what), void *self, struct err *err)
{
    struct loading loading = {.disk = disk, .folder = folder, .damaged = damaged, .self = self, .arena = ARENA_INIT};
    return load_folder(&loading, err);
}

void delete_book_close(struct delete_book *book)
{
    if (book == NULL)
        return;
    for (size_t i = 0; i < book->tenant_count; i++) {
        struct book_tenant *tenant = book->tenants[i];
        for (size_t k = 0; k < tenant->count; k++)
            book_request_fini(&tenant->requests[k]);
        delete_set_unref(tenant->set);
        mem_free(tenant->requests);
        mem_free(tenant->name);
        mem_free(tenant);
    }
    mem_free(book->tenants);
    mem_free(book->folder);
    pthread_mutex_destroy(&book->write_lock);
    pthread_mutex_destroy(&book->lock);
    mem_free(book);
}

/* ---- reading ---- */

struct delete_set *delete_book_take(struct delete_book *book, struct slice tenant, int64_t start_ns, int64_t end_ns)
{
    if (atomic_load(&book->hiding) == 0)
        return NULL;
    pthread_mutex_lock(&book->lock);
    struct book_tenant *found = book_tenant_find(book, tenant);
    struct delete_set *set = found == NULL ? NULL : found->set;
    set = set != NULL && set->start_ns <= end_ns && set->end_ns >= start_ns ? delete_set_ref(set) : NULL;
    pthread_mutex_unlock(&book->lock);
    return set;
}

size_t delete_book_list(struct delete_book *book, struct slice tenant, struct arena *arena, struct delete_request **out)
{
    size_t count = 0;
    pthread_mutex_lock(&book->lock);
    const struct book_tenant *found = book_tenant_find(book, tenant);
    if (found != NULL) {
        count = found->count;
        *out = ARENA_ARRAY(arena, struct delete_request, count);
        for (size_t i = 0; i < count; i++) {
            (*out)[i] = found->requests[i].request;
            (*out)[i].query = arena_copy(arena, (*out)[i].query);
        }
    }
    pthread_mutex_unlock(&book->lock);
    return count;
}

uint64_t delete_book_generation(struct delete_book *book, struct slice tenant)
{
    pthread_mutex_lock(&book->lock);
    const struct book_tenant *found = book_tenant_find(book, tenant);
    uint64_t generation = found == NULL ? 0 : found->generation;
    pthread_mutex_unlock(&book->lock);
    return generation;
}

void delete_book_stats(struct delete_book *book, struct delete_book_stats *out)
{
    *out = (struct delete_book_stats){.oldest_ms = INT64_MAX};
    if (atomic_load(&book->hiding) == 0)
        return;
    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < book->tenant_count; i++) {
        for (size_t k = 0; k < book->tenants[i]->count; k++) {
            const struct delete_request *request = &book->tenants[i]->requests[k].request;
            if (request->state == DELETE_PROCESSED)
                continue;
            out->pending++;
            out->oldest_ms = request->created_ms < out->oldest_ms ? request->created_ms : out->oldest_ms;
        }
    }
    pthread_mutex_unlock(&book->lock);
}

size_t delete_book_due(struct delete_book *book, int64_t created_until_ms, enum deletion_mode (*mode)(void *self, struct slice tenant), void *self,
                       struct arena *arena, struct delete_due **out)
{
    if (atomic_load(&book->hiding) == 0)
        return 0;
    size_t count = 0, cap = 0;
    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < book->tenant_count; i++)
        cap += book->tenants[i]->set == NULL ? 0 : book->tenants[i]->set->count;
    struct delete_due *due = ARENA_ARRAY(arena, struct delete_due, cap);
    for (size_t i = 0; i < book->tenant_count; i++) {
        const struct book_tenant *tenant = book->tenants[i];
        if (tenant->set == NULL || (mode != NULL && mode(self, slice_str(tenant->name)) != DELETION_ERASE))
            continue;
        struct slice name = arena_copy(arena, slice_str(tenant->name));
        for (size_t k = 0; k < tenant->count; k++) {
            const struct book_request *from = &tenant->requests[k];
            if (from->request.state == DELETE_PROCESSED || from->request.created_ms > created_until_ms)
                continue;
            due[count++] = (struct delete_due){.tenant = name,
                                               .id = from->request.id,
                                               .query = arena_copy(arena, from->request.query),
                                               .filter = delete_filter_ref(from->filter),
                                               .is_new = from->request.state == DELETE_RECEIVED,
                                               .resumes = from->resumes};
        }
    }
    pthread_mutex_unlock(&book->lock);
    *out = due;
    return count;
}

void delete_due_fini(struct delete_due *due, size_t count)
{
    for (size_t i = 0; i < count; i++)
        delete_filter_unref(due[i].filter);
}

bool delete_book_has(struct delete_book *book, struct slice tenant, uint32_t id)
{
    bool has = false;
    pthread_mutex_lock(&book->lock);
    const struct book_tenant *found = book_tenant_find(book, tenant);
    for (size_t i = 0; found != NULL && !has && i < found->count; i++)
        has = found->requests[i].request.id == id && found->requests[i].request.state != DELETE_PROCESSED;
    pthread_mutex_unlock(&book->lock);
    return has;
}
