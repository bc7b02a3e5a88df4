#include "net/api/scrape_limits.h"

#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"

struct number {
    const char *limit;
    double value;
};

#define NUMBERS_MAX 64

/* The limits that are numbers: bytes, seconds, MiB a second, 0 and 1. Always the same ones, in the table's order. */
static size_t numbers_of(const struct limits *limits, struct number out[NUMBERS_MAX])
{
    size_t count = 0;
#define NUMBER_TEXT(field)
#define NUMBER_LIST(field)
#define NUMBER_BLOCKS(field)
#define NUMBER_OTLP(field)
#define NUMBER_COUNT(field) out[count++] = (struct number){#field, (double)limits->field};
#define NUMBER_BYTES(field) NUMBER_COUNT(field)
#define NUMBER_BOOL(field) NUMBER_COUNT(field)
#define NUMBER_RATE_MB(field) NUMBER_COUNT(field)
#define NUMBER_DURATION(field) out[count++] = (struct number){#field, (double)limits->field / (double)NS_PER_S};
#define NUMBER(kind, field, value, help) NUMBER_##kind(field)
    LIMITS_TABLE(NUMBER)
#undef NUMBER
    return count;
}

/* Tenants that had limits of their own in some scrape, and which: a metric stays, so when an override is gone it tells what holds instead. */
struct shown {
    char *tenant;
    uint64_t limits; /* bits, by the numbers' order */
};
static struct shown *shown;
static size_t shown_count;

static struct shown *shown_of(struct slice tenant)
{
    for (size_t i = 0; i < shown_count; i++) {
        if (slice_eq_str(tenant, shown[i].tenant))
            return &shown[i];
    }
    shown = mem_grow(shown, shown_count + 1, sizeof(*shown));
    shown[shown_count] = (struct shown){mem_strdup(tenant), 0};
    return &shown[shown_count++];
}

static void note_overrides(const struct limits_book *book, const struct number *defaults, size_t count)
{
    struct slice tenant;
    const struct limits *limits;
    struct number own[NUMBERS_MAX];
    for (size_t i = 0; limits_book_at(book, i, &tenant, &limits); i++) {
        struct shown *of = shown_of(tenant);
        (void)numbers_of(limits, own);
        for (size_t n = 0; n < count; n++) {
            if (own[n].value != defaults[n].value)
                of->limits |= UINT64_C(1) << n;
        }
    }
}

void scrape_limits(struct limits_shelf *shelf)
{
    struct number numbers[NUMBERS_MAX];
    struct limits_book *book = limits_shelf_take(shelf);
    size_t count = numbers_of(limits_book_defaults(book), numbers);
    for (size_t n = 0; n < count; n++)
        metric_set(metric_get1(METRIC_loki_overrides_defaults, slice_str(numbers[n].limit)), numbers[n].value);
    note_overrides(book, numbers, count);
    for (size_t i = 0; i < shown_count; i++) {
        (void)numbers_of(limits_book_find(book, slice_str(shown[i].tenant)), numbers);
        for (size_t n = 0; n < count; n++) {
            const struct slice labels[] = {slice_str(numbers[n].limit), slice_str(shown[i].tenant)};
            if ((shown[i].limits >> n & 1) != 0)
                metric_set(metric_get(METRIC_loki_overrides, labels), numbers[n].value);
        }
    }
    limits_book_unref(book);
}
