#include "net/tenancy/limits_book.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/mem.h"

struct tenant_limits {
    struct slice tenant;
    struct limits limits;
};

struct limits_book {
    atomic_int refs;
    struct arena arena;
    uint64_t version;
    struct limits defaults;
    struct tenant_limits *tenants;
    size_t count;
};

static struct tenant_limits *tenant_of(struct limits_book *book, struct slice name)
{
    for (size_t i = 0; i < book->count; i++) {
        if (slice_eq(book->tenants[i].tenant, name))
            return &book->tenants[i];
    }
    struct tenant_limits *tenant = &book->tenants[book->count++];
    tenant->tenant = arena_copy(&book->arena, name);
    tenant->limits = book->defaults;
    return tenant;
}

/* A tenant without blocked_queries of its own shares the defaults' list. */
static bool has_own_blocks(const struct limits_book *book, size_t i)
{
    return book->tenants[i].limits.blocked_queries.items != book->defaults.blocked_queries.items;
}

/* All three lists of a configuration come from one text. */
static bool has_own_otlp(const struct limits_book *book, size_t i)
{
    const struct otlp_config *own = &book->tenants[i].limits.otlp_config;
    const struct otlp_config *shared = &book->defaults.otlp_config;
    return own->resource.items != shared->resource.items || own->scope.items != shared->scope.items || own->record.items != shared->record.items;
}

static bool compile(struct limits_book *book, struct err *err)
{
    bool ok = query_blocks_compile(&book->defaults.blocked_queries, err) && otlp_config_compile(&book->defaults.otlp_config, err);
    for (size_t i = 0; ok && i < book->count; i++) {
        struct limits *limits = &book->tenants[i].limits;
        ok = (!has_own_blocks(book, i) || query_blocks_compile(&limits->blocked_queries, err)) &&
             (!has_own_otlp(book, i) || otlp_config_compile(&limits->otlp_config, err));
    }
    return ok;
}

bool limits_book_create(const struct limits *defaults, const struct limits_override *overrides, size_t count, uint64_t version,
                        struct limits_book **out, struct err *err)
{
    struct limits_book *book = mem_zero(sizeof(*book));
    atomic_init(&book->refs, 1);
    book->version = version;
    limits_copy(defaults, &book->arena, &book->defaults); // the settings that they come from may be read anew and freed
    book->tenants = ARENA_ARRAY(&book->arena, struct tenant_limits, count);
    for (size_t i = 0; i < count; i++) {
        struct tenant_limits *tenant = tenant_of(book, overrides[i].tenant);
        if (!limits_set(&tenant->limits, overrides[i].name, overrides[i].value, &book->arena, err)) {
            limits_book_unref(book);
            return err_wrap(err, "overrides of tenant %.*s", SLICE_ARG(overrides[i].tenant));
        }
    }
    if (!compile(book, err)) {
        limits_book_unref(book);
        return false;
    }
    *out = book;
    return true;
}

struct limits_book *limits_book_ref(struct limits_book *book)
{
    atomic_fetch_add(&book->refs, 1);
    return book;
}

void limits_book_unref(struct limits_book *book)
{
    if (book == NULL || atomic_fetch_sub(&book->refs, 1) > 1)
        return;
    for (size_t i = 0; i < book->count; i++) {
        if (has_own_blocks(book, i))
            query_blocks_free(&book->tenants[i].limits.blocked_queries);
        if (has_own_otlp(book, i))
            otlp_config_free(&book->tenants[i].limits.otlp_config);
    }
    otlp_config_free(&book->defaults.otlp_config);
    query_blocks_free(&book->defaults.blocked_queries);
    arena_fini(&book->arena);
    mem_free(book);
}

const struct limits *limits_book_find(const struct limits_book *book, struct slice tenant)
{
    for (size_t i = 0; i < book->count; i++) {
        if (slice_eq(book->tenants[i].tenant, tenant))
            return &book->tenants[i].limits;
    }
    return &book->defaults;
}

const struct limits *limits_book_defaults(const struct limits_book *book)
{
    return &book->defaults;
}

uint64_t limits_book_version(const struct limits_book *book)
{
    return book->version;
}

bool limits_book_at(const struct limits_book *book, size_t i, struct slice *tenant, const struct limits **limits)
{
    if (i >= book->count)
        return false;
    *tenant = book->tenants[i].tenant;
    *limits = &book->tenants[i].limits;
    return true;
}

static int64_t smaller_positive(int64_t a, int64_t b)
{
    return a <= 0 ? b : b <= 0 ? a : a < b ? a : b;
}

static struct slice_list list_join(const struct slice_list *a, const struct slice_list *b, struct arena *arena)
{
    struct slice *items = ARENA_ARRAY(arena, struct slice, a->count + b->count);
    size_t count = a->count;
    for (size_t i = 0; i < a->count; i++)
        items[i] = a->items[i];
    for (size_t i = 0; i < b->count; i++) {
        bool is_new = true;
        for (size_t k = 0; k < count; k++)
            is_new = is_new && !slice_eq(items[k], b->items[i]);
        if (is_new)
            items[count++] = b->items[i];
    }
    return (struct slice_list){items, count};
}

void limits_strictest(const struct limits *const *all, size_t count, struct arena *arena, struct limits *out)
{
    *out = *all[0];
    for (size_t i = 1; i < count; i++) {
#define STRICTER_BOOL(field)
#define STRICTER_TEXT(field)
#define STRICTER_LIST(field)
#define STRICTER_BLOCKS(field)
#define STRICTER_OTLP(field)
#define STRICTER_RATE_MB(field)
#define STRICTER_COUNT(field) out->field = smaller_positive(out->field, all[i]->field);
#define STRICTER_BYTES(field) STRICTER_COUNT(field)
#define STRICTER_DURATION(field) STRICTER_COUNT(field)
#define STRICTER(kind, field, value, help) STRICTER_##kind(field)
        LIMITS_TABLE(STRICTER)
#undef STRICTER
        out->required_labels = list_join(&out->required_labels, &all[i]->required_labels, arena);
        out->volume_enabled = out->volume_enabled && all[i]->volume_enabled;
        out->enable_multi_variant_queries = out->enable_multi_variant_queries && all[i]->enable_multi_variant_queries;
    }
}

struct limits_shelf {
    pthread_mutex_t lock; /* for the pointer and its reference: a few instructions */
    struct limits_book *book;
};

struct limits_shelf *limits_shelf_create(struct limits_book *first)
{
    struct limits_shelf *shelf = mem_zero(sizeof(*shelf));
    (void)pthread_mutex_init(&shelf->lock, NULL);
    shelf->book = first;
    return shelf;
}

void limits_shelf_destroy(struct limits_shelf *shelf)
{
    if (shelf == NULL)
        return;
    limits_book_unref(shelf->book);
    (void)pthread_mutex_destroy(&shelf->lock);
    mem_free(shelf);
}

struct limits_book *limits_shelf_take(struct limits_shelf *shelf)
{
    (void)pthread_mutex_lock(&shelf->lock);
    struct limits_book *book = limits_book_ref(shelf->book);
    (void)pthread_mutex_unlock(&shelf->lock);
    return book;
}

void limits_shelf_put(struct limits_shelf *shelf, struct limits_book *book)
{
    (void)pthread_mutex_lock(&shelf->lock);
    struct limits_book *old = shelf->book;
    shelf->book = book;
    (void)pthread_mutex_unlock(&shelf->lock);
    limits_book_unref(old);
}
