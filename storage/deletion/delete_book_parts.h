/* delete_book_parts.h: the book's inside, for the files of this folder only. */
#pragma once

#include <pthread.h>

#include "storage/deletion/delete_book.h"

struct book_request { /* a value; what it points to belongs to whoever has it last */
    struct delete_request request;
    char *query;                  /* of the request */
    struct delete_filter *filter; /* a reference; NULL once it is processed */
    bool resumes;
};

struct book_tenant {
    char *name;
    struct book_request *requests; /* under lock; replaced as a whole under write_lock */
    size_t count;
    uint64_t generation;
    struct delete_set *set; /* under lock; NULL: nothing is hidden */
    bool is_unsure;         /* under write_lock: the file may differ */
};

struct delete_book {
    const struct disk *disk;
    char *folder;
    pthread_mutex_t write_lock, lock;
    struct book_tenant **tenants; /* by name; under lock */
    size_t tenant_count;
    _Atomic size_t hiding; /* tenants with a set */
};

/* Under lock. */
struct book_tenant *book_tenant_find(struct delete_book *book, struct slice name);
/* Under write_lock, and not lock. */
struct book_tenant *book_tenant_get(struct delete_book *book, struct slice name);

/* Makes what the requests hide the tenant's set. Under lock. */
void book_tenant_publish(struct delete_book *book, struct book_tenant *tenant);

void book_request_fini(struct book_request *request);
