#include "core/base/metric.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

#define STRIPES 16
#define CELLS_A_LINE (64 / sizeof(_Atomic uint64_t))
#define OTHER_TENANT SLICE("__other__")

/* An observation and the trace that it belongs to. */
struct exemplar {
    atomic_flag is_busy; // who finds it busy does without
    char trace_id[33];
    size_t bucket;
    double value;
    int64_t wall_ns;
};

struct metric {
    size_t family;
    struct slice labels;    // as printed between the braces; what children are ordered by
    _Atomic uint64_t level; // bits of a double: the gauge; of a counter, what metric_set gave
    size_t stripe_cells;    // cells of one stripe, whole cache lines
    // Counters: cell 0 is the count. Histograms: a cell a bucket, one for +Inf, then the bits of the sum.
    _Atomic uint64_t *cells;
    _Atomic(struct exemplar *) exemplar; // of histograms, from the first on
    const char *components;              // of a family whose children are split
};

struct family_children {
    struct metric **items; // ordered by labels
    size_t count, cap;
};

struct scrape_hook {
    void (*fn)(void *self);
    void *self;
};

// One lock: children are made rarely and looked up once by each caller; adding takes no lock.
static struct {
    pthread_mutex_t lock;
    const struct metric_family *families;
    size_t family_count;
    size_t *order; // family indexes by name
    struct family_children *children;
    struct scrape_hook *hooks;
    size_t hook_count;
    char **tenants; // seen so far, sorted
    size_t tenant_count, tenants_max;
    const char *split_mark, *split_label;
    const char *(*split_components)(struct slice value);
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER, .tenants_max = 500};

static _Atomic unsigned threads_seen;
static _Thread_local unsigned own_stripe; // stripe + 1; 0: none yet

static unsigned stripe_index(void)
{
    if (own_stripe == 0)
        own_stripe = atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % STRIPES + 1;
    return own_stripe - 1;
}

static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static size_t label_count(const struct metric_family *family)
{
    size_t count = 0;
    while (count < METRIC_LABELS_MAX && family->labels[count] != NULL)
        count++;
    return count;
}

static size_t bucket_count(const struct metric_family *family)
{
    size_t count = 1; // the first may be 0
    while (count < METRIC_BUCKETS_MAX && family->buckets[count] > 0)
        count++;
    return count;
}

static const struct metric_family *family_of(const struct metric *metric)
{
    return &registry.families[metric->family];
}

// Counters of seconds hold nanoseconds.
static bool counts_seconds(const struct metric_family *family)
{
    return family->type == METRIC_COUNTER && slice_ends(slice_str(family->name), SLICE("_seconds_total"));
}

// ---- children ----

// The value of a label in what is printed between the braces; empty: it is not there. The values that children are split by hold nothing to escape.
static struct slice label_value(struct slice labels, const char *name)
{
    struct slice wanted = slice_str(name);
    while (labels.len > wanted.len + 2) {
        if (slice_starts(labels, wanted) && labels.ptr[wanted.len] == '=' && labels.ptr[wanted.len + 1] == '"') {
            struct slice value = slice_from(labels, wanted.len + 2);
            return slice_of(value.ptr, slice_find_byte(value, '"'));
        }
        labels = slice_from(labels, slice_find_byte(labels, ','));
        labels = slice_from(labels, labels.len > 0 ? 1 : 0);
    }
    return SLICE("");
}

static bool is_split(const struct metric_family *family)
{
    return registry.split_mark != NULL && strcmp(family->components, registry.split_mark) == 0;
}

void metrics_split(const char *mark, const char *label, const char *(*components_of)(struct slice value))
{
    if (registry.split_mark == mark)
        return; // as metrics_init
    registry.split_mark = mark;
    registry.split_label = label;
    registry.split_components = components_of;
}

static struct metric *child_create(size_t index, struct slice labels)
{
    const struct metric_family *family = &registry.families[index];
    size_t cells = family->type == METRIC_HISTOGRAM ? bucket_count(family) + 2 : 1;
    struct metric *child = mem_zero(sizeof(*child));
    child->family = index;
    child->labels = slice_of(mem_strdup(labels), labels.len);
    if (is_split(family))
        child->components = registry.split_components(label_value(child->labels, registry.split_label));
    if (family->type != METRIC_GAUGE) {
        child->stripe_cells = (cells + CELLS_A_LINE - 1) / CELLS_A_LINE * CELLS_A_LINE;
        size_t bytes = STRIPES * child->stripe_cells * sizeof(*child->cells);
        child->cells = mem_aligned(bytes, 64);
        memset((void *)child->cells, 0, bytes);
    }
    return child;
}

static struct metric *child_find_or_create(size_t index, struct slice labels)
{
    struct family_children *children = &registry.children[index];
    size_t first = 0;
    size_t end = children->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = slice_cmp(children->items[middle]->labels, labels);
        if (order == 0)
            return children->items[middle];
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    if (children->count == children->cap) {
        children->cap = children->cap == 0 ? 4 : children->cap * 2;
        children->items = mem_grow(children->items, children->cap, sizeof(*children->items));
    }
    memmove(children->items + first + 1, children->items + first, (children->count - first) * sizeof(*children->items));
    children->items[first] = child_create(index, labels);
    children->count++;
    return children->items[first];
}

// The tenant itself while there are few, else __other__.
static struct slice tenant_value(struct slice tenant)
{
    size_t first = 0;
    size_t end = registry.tenant_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = slice_cmp(slice_str(registry.tenants[middle]), tenant);
        if (order == 0)
            return tenant;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    if (registry.tenant_count >= registry.tenants_max)
        return OTHER_TENANT;
    registry.tenants = mem_grow(registry.tenants, registry.tenant_count + 1, sizeof(*registry.tenants));
    memmove(registry.tenants + first + 1, registry.tenants + first, (registry.tenant_count - first) * sizeof(*registry.tenants));
    registry.tenants[first] = mem_strdup(tenant);
    registry.tenant_count++;
    return tenant;
}

static void put_escaped(struct buf *out, struct slice text, bool is_help)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\')
            buf_str(out, "\\\\");
        else if (c == '\n')
            buf_str(out, "\\n");
        else if (c == '"' && !is_help)
            buf_str(out, "\\\"");
        else
            buf_byte(out, c);
    }
}

struct metric *metric_get(size_t family, const struct slice *values)
{
    assert(family < registry.family_count);
    const struct metric_family *kind = &registry.families[family];
    size_t count = label_count(kind);
    struct buf labels = BUF_INIT;
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < count; i++) {
        bool is_tenant = strcmp(kind->labels[i], "tenant") == 0 || strcmp(kind->labels[i], "user") == 0;
        struct slice value = is_tenant ? tenant_value(values[i]) : values[i];
        buf_printf(&labels, "%s%s=\"", i == 0 ? "" : ",", kind->labels[i]);
        put_escaped(&labels, value, false);
        buf_byte(&labels, '"');
    }
    struct metric *child = child_find_or_create(family, buf_slice(&labels));
    pthread_mutex_unlock(&registry.lock);
    buf_fini(&labels);
    return child;
}

struct metric *metric_get0(size_t family)
{
    assert(family < registry.family_count && label_count(&registry.families[family]) == 0);
    return metric_get(family, NULL);
}

struct metric *metric_get1(size_t family, struct slice value)
{
    assert(family < registry.family_count && label_count(&registry.families[family]) == 1);
    return metric_get(family, &value);
}

static int order_by_name(const void *a, const void *b)
{
    return strcmp(registry.families[*(const size_t *)a].name, registry.families[*(const size_t *)b].name);
}

void metrics_init(const struct metric_family *families, size_t count)
{
    if (registry.families == families && registry.family_count == count)
        return; // pointers to children stay good
    assert(registry.families == NULL);
    registry.families = families;
    registry.family_count = count;
    registry.order = mem_array(count, sizeof(*registry.order));
    registry.children = mem_array(count, sizeof(*registry.children));
    for (size_t i = 0; i < count; i++)
        registry.order[i] = i;
    qsort(registry.order, count, sizeof(*registry.order), order_by_name);
    for (size_t i = 0; i < count; i++) {
        if (label_count(&families[i]) == 0)
            (void)metric_get(i, NULL); // rate() shall see the first increment
    }
}

void metrics_max_tenants(size_t max)
{
    pthread_mutex_lock(&registry.lock);
    registry.tenants_max = max;
    pthread_mutex_unlock(&registry.lock);
}

// ---- counting ----

void metric_add(struct metric *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->cells[stripe_index() * counter->stripe_cells], n, memory_order_relaxed);
}

void metric_add_seconds(struct metric *counter, double seconds)
{
    assert(counts_seconds(family_of(counter)));
    if (seconds > 0)
        metric_add(counter, (uint64_t)(seconds * 1e9));
}

void metric_set(struct metric *gauge, double value)
{
    atomic_store_explicit(&gauge->level, double_bits(value), memory_order_relaxed);
}

// Adds to a double that is kept as bits.
static void bits_move(_Atomic uint64_t *bits, double by)
{
    uint64_t old = atomic_load_explicit(bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(bits, &old, double_bits(bits_double(old) + by), memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void metric_move(struct metric *gauge, double by)
{
    bits_move(&gauge->level, by);
}

void metric_observe(struct metric *histogram, double value)
{
    const struct metric_family *family = family_of(histogram);
    size_t count = bucket_count(family);
    size_t at = 0;
    while (at < count && value > family->buckets[at])
        at++;
    _Atomic uint64_t *cells = histogram->cells + stripe_index() * histogram->stripe_cells;
    atomic_fetch_add_explicit(&cells[at], 1, memory_order_relaxed);
    bits_move(&cells[count + 1], value);
}

void metric_observe_traced(struct metric *histogram, double value, struct slice trace_id, int64_t now_wall_ns)
{
    const struct metric_family *family = family_of(histogram);
    metric_observe(histogram, value);
    struct exemplar *exemplar = atomic_load(&histogram->exemplar);
    if (trace_id.len >= sizeof(exemplar->trace_id))
        return;
    if (exemplar == NULL) {
        struct exemplar *fresh = mem_zero(sizeof(*fresh));
        atomic_flag_clear(&fresh->is_busy);
        if (atomic_compare_exchange_strong(&histogram->exemplar, &exemplar, fresh))
            exemplar = fresh;
        else
            mem_free(fresh);
    }
    if (atomic_flag_test_and_set(&exemplar->is_busy))
        return;
    memcpy(exemplar->trace_id, trace_id.ptr, trace_id.len);
    exemplar->trace_id[trace_id.len] = 0;
    exemplar->value = value;
    exemplar->wall_ns = now_wall_ns;
    exemplar->bucket = 0;
    while (exemplar->bucket < bucket_count(family) && value > family->buckets[exemplar->bucket])
        exemplar->bucket++;
    atomic_flag_clear(&exemplar->is_busy);
}

static uint64_t cell_sum(const struct metric *metric, size_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < STRIPES; i++)
        sum += atomic_load_explicit(&metric->cells[i * metric->stripe_cells + cell], memory_order_relaxed);
    return sum;
}

uint64_t metric_value(const struct metric *counter)
{
    const struct metric_family *family = family_of(counter);
    if (family->type == METRIC_GAUGE)
        return (uint64_t)bits_double(atomic_load_explicit(&counter->level, memory_order_relaxed));
    if (family->type == METRIC_COUNTER)
        return cell_sum(counter, 0);
    uint64_t count = 0;
    for (size_t i = 0; i <= bucket_count(family); i++)
        count += cell_sum(counter, i);
    return count;
}

// ---- printing ----

static void put_double(struct buf *out, double value, bool is_float)
{
    if (isnan(value))
        buf_str(out, "NaN");
    else if (isinf(value))
        buf_str(out, value > 0 ? "+Inf" : "-Inf");
    else if (value == floor(value) && fabs(value) < 1e15)
        buf_printf(out, is_float ? "%.1f" : "%.0f", value);
    else
        buf_printf(out, "%.15g", value);
}

static void put_name(struct buf *out, const char *name, const char *suffix, struct slice labels)
{
    buf_str(out, name);
    buf_str(out, suffix);
    if (labels.len > 0) {
        buf_byte(out, '{');
        buf_put(out, labels);
        buf_byte(out, '}');
    }
    buf_byte(out, ' ');
}

static void print_exemplar(const struct metric *metric, size_t bucket, struct buf *out)
{
    struct exemplar *exemplar = atomic_load(&metric->exemplar);
    if (exemplar == NULL || atomic_flag_test_and_set(&exemplar->is_busy))
        return;
    if (exemplar->bucket == bucket && exemplar->trace_id[0] != 0)
        buf_printf(out, " # {trace_id=\"%s\"} %.9g %lld.%03d", exemplar->trace_id, exemplar->value, (long long)(exemplar->wall_ns / 1000000000),
                   (int)(exemplar->wall_ns % 1000000000 / 1000000));
    atomic_flag_clear(&exemplar->is_busy);
}

static void print_histogram(const struct metric *metric, bool open_metrics, struct buf *out)
{
    const struct metric_family *family = family_of(metric);
    size_t count = bucket_count(family);
    uint64_t below = 0;
    for (size_t i = 0; i <= count; i++) {
        below += cell_sum(metric, i);
        buf_printf(out, "%s_bucket{", family->name);
        buf_put(out, metric->labels);
        buf_str(out, metric->labels.len > 0 ? ",le=\"" : "le=\"");
        put_double(out, i < count ? family->buckets[i] : (double)INFINITY, open_metrics);
        buf_printf(out, "\"} %llu", (unsigned long long)below);
        if (open_metrics)
            print_exemplar(metric, i, out);
        buf_byte(out, '\n');
    }
    double sum = 0;
    for (size_t i = 0; i < STRIPES; i++)
        sum += bits_double(atomic_load_explicit(&metric->cells[i * metric->stripe_cells + count + 1], memory_order_relaxed));
    put_name(out, family->name, "_sum", metric->labels);
    put_double(out, sum, open_metrics);
    buf_byte(out, '\n');
    put_name(out, family->name, "_count", metric->labels);
    buf_u64(out, below); // the same sum as +Inf, also while others count
    buf_byte(out, '\n');
}

static void print_child(const struct metric *metric, bool open_metrics, struct buf *out)
{
    const struct metric_family *family = family_of(metric);
    if (family->type == METRIC_HISTOGRAM) {
        print_histogram(metric, open_metrics, out);
        return;
    }
    put_name(out, family->name, "", metric->labels);
    double level = bits_double(atomic_load_explicit(&metric->level, memory_order_relaxed));
    if (family->type == METRIC_GAUGE)
        put_double(out, level, false);
    else if (counts_seconds(family))
        put_double(out, level + (double)cell_sum(metric, 0) / 1e9, false);
    else if (level != 0)
        put_double(out, level + (double)cell_sum(metric, 0), false);
    else
        buf_u64(out, cell_sum(metric, 0));
    buf_byte(out, '\n');
}

static bool has_component(const char *components, struct slice asked);

// Families that are split: those children that have the component.
static void print_family(size_t index, bool open_metrics, struct slice components, struct buf *out)
{
    static const char *const types[] = {[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    const struct metric_family *family = &registry.families[index];
    struct slice name = slice_str(family->name);
    const char *type = types[family->type];
    if (open_metrics && family->type == METRIC_COUNTER) {
        // OpenMetrics names the family without _total, and wants _total on the sample; a counter without it has no type there.
        if (slice_ends(name, SLICE("_total")))
            name.len -= sizeof("_total") - 1;
        else
            type = "unknown";
    }
    buf_printf(out, "# HELP %.*s ", SLICE_ARG(name));
    put_escaped(out, slice_str(family->help), !open_metrics);
    buf_printf(out, "\n# TYPE %.*s %s\n", SLICE_ARG(name), type);
    for (size_t i = 0; i < registry.children[index].count; i++) {
        const struct metric *child = registry.children[index].items[i];
        if (child->components == NULL || has_component(child->components, components))
            print_child(child, open_metrics, out);
    }
}

// Whether one of the asked components is one of those, or those are all.
static bool has_component(const char *components, struct slice asked)
{
    if (asked.len == 0 || strcmp(components, "all") == 0)
        return true;
    while (asked.len > 0) {
        size_t end = slice_find_byte(asked, ',');
        struct slice one = slice_trim(slice_of(asked.ptr, end));
        struct slice own = slice_str(components);
        while (own.len > 0) {
            size_t own_end = slice_find_byte(own, ',');
            if (slice_eq(one, slice_of(own.ptr, own_end)))
                return true;
            own = slice_from(own, own_end < own.len ? own_end + 1 : own_end);
        }
        asked = slice_from(asked, end < asked.len ? end + 1 : end);
    }
    return false;
}

void metrics_on_scrape(void (*fn)(void *self), void *self)
{
    pthread_mutex_lock(&registry.lock);
    registry.hooks = mem_grow(registry.hooks, registry.hook_count + 1, sizeof(*registry.hooks));
    registry.hooks[registry.hook_count++] = (struct scrape_hook){fn, self};
    pthread_mutex_unlock(&registry.lock);
}

void metrics_print(struct buf *out, bool open_metrics, struct slice components, struct slice prefix)
{
    for (size_t i = 0;; i++) { // outside the lock: a hook may look up children
        pthread_mutex_lock(&registry.lock);
        struct scrape_hook hook = i < registry.hook_count ? registry.hooks[i] : (struct scrape_hook){NULL, NULL};
        pthread_mutex_unlock(&registry.lock);
        if (hook.fn == NULL)
            break;
        hook.fn(hook.self);
    }
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.family_count; i++) {
        const struct metric_family *family = &registry.families[registry.order[i]];
        if ((is_split(family) || has_component(family->components, components)) && slice_starts(slice_str(family->name), prefix))
            print_family(registry.order[i], open_metrics, components, out);
    }
    pthread_mutex_unlock(&registry.lock);
    if (open_metrics)
        buf_str(out, "# EOF\n");
}
