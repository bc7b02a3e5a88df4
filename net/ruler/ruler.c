#include "net/ruler/ruler.h"

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/metric.h"
#include "core/base/rcu.h"
#include "net/codec/rules_yaml.h"
#include "net/codec/yaml_text.h"
#include "net/ruler/rule_run.h"

#define SLEEP_MIN_NS (10 * NS_PER_MS)
#define SLEEP_UNREADY_NS (100 * NS_PER_MS)
#define SLEEP_MAX_NS NS_PER_S /* the calendar's clock may jump */

/* ---- tenants and their groups ---- */

struct run_tenant *run_tenant_find(struct ruler *ruler, struct slice name)
{
    for (struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        if (slice_eq(slice_str(tenant->name), name))
            return tenant;
    }
    return NULL;
}

struct run_tenant *run_tenant_get(struct ruler *ruler, struct slice name)
{
    struct run_tenant *tenant = run_tenant_find(ruler, name);
    if (tenant == NULL) {
        tenant = mem_zero(sizeof(*tenant));
        tenant->name = mem_strdup(name);
        tenant->next = ruler->tenants;
        ruler->tenants = tenant;
    }
    return tenant;
}

static size_t group_find(const struct run_tenant *tenant, struct slice rule_namespace, struct slice name)
{
    for (size_t i = 0; i < tenant->count; i++) {
        if (slice_eq(tenant->groups[i]->rule_namespace, rule_namespace) && slice_eq(tenant->groups[i]->group.name, name))
            return i;
    }
    return SIZE_MAX;
}

static int group_order(const struct run_group *a, const struct run_group *b)
{
    int by_namespace = yaml_key_order(a->rule_namespace, b->rule_namespace);
    return by_namespace != 0 ? by_namespace : yaml_key_order(a->group.name, b->group.name);
}

/* It takes part in nothing any more; an evaluation under way ends by itself. */
static void group_retire(struct run_group *group)
{
    group->is_removed = true;
    atomic_store(&group->now.control.is_cancelled, true);
    run_group_end(group);
    run_group_unref(group);
}

void run_tenant_insert(struct run_tenant *tenant, struct run_group *group)
{
    size_t same = group_find(tenant, group->rule_namespace, group->group.name);
    if (same != SIZE_MAX) {
        struct run_group *older = tenant->groups[same];
        run_group_inherit(group, older);
        group_retire(older);
        metric_set(group->rule_count, (double)group->group.rule_count); // the older one's end has set it to 0
        tenant->groups[same] = group;
    } else {
        tenant->groups = mem_grow(tenant->groups, tenant->count + 1, sizeof(*tenant->groups));
        size_t at = tenant->count++;
        for (; at > 0 && group_order(tenant->groups[at - 1], group) > 0; at--)
            tenant->groups[at] = tenant->groups[at - 1];
        tenant->groups[at] = group;
    }
    tenant->is_dirty = true;
    (void)pthread_cond_signal(&group->ruler->wake);
}

void run_tenant_remove(struct run_tenant *tenant, size_t i)
{
    group_retire(tenant->groups[i]);
    tenant->count--;
    for (; i < tenant->count; i++)
        tenant->groups[i] = tenant->groups[i + 1];
    tenant->is_dirty = true;
}

/* ---- the thread that keeps time ---- */

/* Groups that are due now, marked as running; *wait_ns: until the next is. The lock is held. */
static size_t due_take(struct ruler *ruler, struct run_group ***out, int64_t *wait_ns)
{
    int64_t now_ns = clock_wall_ns(ruler->config.clock);
    struct run_group **due = NULL;
    size_t count = 0;
    for (struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        for (size_t i = 0; i < tenant->count; i++) {
            struct run_group *group = tenant->groups[i];
            bool clock_fell = group->due_ns - now_ns > 2 * group->interval_ns;
            if (group->due_ns <= now_ns || clock_fell) {
                int64_t next_ns = run_group_due(group, now_ns);
                if (!group->is_running && !clock_fell) {
                    group->is_running = true;
                    group->refs++;
                    group->now.ts_ns = next_ns - group->interval_ns;
                    ruler->running++;
                    due = mem_grow(due, count + 1, sizeof(struct run_group *));
                    due[count++] = group;
                }
                group->due_ns = next_ns;
            }
            if (group->due_ns - now_ns < *wait_ns)
                *wait_ns = group->due_ns - now_ns;
        }
    }
    *out = due;
    return count;
}

static bool has_dirty(const struct ruler *ruler)
{
    for (const struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        if (tenant->is_dirty)
            return true;
    }
    return false;
}

static void sleep_ns(struct ruler *ruler, int64_t ns)
{
    struct timespec until = clock_mono_after(ns < SLEEP_MIN_NS ? SLEEP_MIN_NS : ns);
    (void)pthread_cond_clockwait(&ruler->wake, &ruler->lock, CLOCK_MONOTONIC, &until);
}

static void *keep_time(void *self)
{
    struct ruler *ruler = self;
    const struct clock *clock = ruler->config.clock;
    int64_t polled_ns = clock_mono_ns(clock);
    int64_t written_ns = polled_ns;
    const struct rule_engine *engine = &ruler->config.engine;
    bool is_ready = false;
    rcu_thread_join(); // a task may run here when the pool is full
    (void)pthread_mutex_lock(&ruler->lock);
    while (!ruler->is_stopping) {
        struct run_group **due = NULL;
        int64_t wait_ns = SLEEP_MAX_NS;
        int64_t now_ns = clock_mono_ns(clock);
        bool ready = is_ready || engine->is_ready(engine->self);
        size_t count = ready ? due_take(ruler, &due, &wait_ns) : 0;
        is_ready = ready;
        bool writes = has_dirty(ruler) && now_ns - written_ns >= RULER_STATE_DELAY_NS;
        bool polls = now_ns - polled_ns >= ruler->config.poll_ns;
        (void)pthread_mutex_unlock(&ruler->lock);
        for (size_t i = 0; i < count; i++)
            run_group_evaluate(due[i]);
        mem_free(due);
        if (writes) {
            ruler_files_write_state(ruler);
            written_ns = now_ns;
        }
        if (polls) {
            ruler_files_poll(ruler);
            polled_ns = now_ns;
        }
        (void)pthread_mutex_lock(&ruler->lock);
        if (!ruler->is_stopping)
            sleep_ns(ruler, is_ready ? wait_ns : SLEEP_UNREADY_NS);
    }
    (void)pthread_mutex_unlock(&ruler->lock);
    rcu_thread_part();
    return NULL;
}

/* ---- life ---- */

bool ruler_create(const struct ruler_config *config, struct ruler **out, struct err *err)
{
    struct ruler *ruler = mem_zero(sizeof(*ruler));
    ruler->config = *config;
    if (ruler->config.resend_ns > RULER_INTERVAL_MAX_NS)
        ruler->config.resend_ns = RULER_INTERVAL_MAX_NS; // sums of times stay in int64
    (void)pthread_mutex_init(&ruler->writing, NULL);
    (void)pthread_mutex_init(&ruler->lock, NULL);
    (void)pthread_cond_init(&ruler->wake, NULL);
    (void)pthread_cond_init(&ruler->idle, NULL);
    ruler->notifier = notifier_create(&config->notifier);
    ruler->remote = remote_write_create(&config->remote_write);
    if (!rule_store_open(config->disk, config->folder, &ruler->store, err) || !ruler_files_load(ruler, err)) {
        ruler_stop(ruler);
        ruler_destroy(ruler);
        return err_wrap(err, "rules");
    }
    *out = ruler;
    return true;
}

bool ruler_start(struct ruler *ruler, struct err *err)
{
    ruler->has_thread = pthread_create(&ruler->thread, NULL, keep_time, ruler) == 0;
    return ruler->has_thread || err_set(err, ERR_UNAVAILABLE, "rules: no thread");
}

static void running_cancel(struct ruler *ruler)
{
    for (struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        for (size_t i = 0; i < tenant->count; i++)
            atomic_store(&tenant->groups[i]->now.control.is_cancelled, true);
    }
}

void ruler_stop(struct ruler *ruler)
{
    if (ruler == NULL)
        return;
    (void)pthread_mutex_lock(&ruler->lock);
    ruler->is_stopping = true;
    running_cancel(ruler);
    (void)pthread_cond_broadcast(&ruler->wake);
    (void)pthread_mutex_unlock(&ruler->lock);
    if (ruler->has_thread)
        (void)pthread_join(ruler->thread, NULL);
    ruler->has_thread = false;
    (void)pthread_mutex_lock(&ruler->lock);
    while (ruler->running > 0)
        (void)pthread_cond_wait(&ruler->idle, &ruler->lock);
    (void)pthread_mutex_unlock(&ruler->lock);
    if (ruler->store != NULL)
        ruler_files_write_state(ruler);
    notifier_destroy(ruler->notifier);
    remote_write_destroy(ruler->remote);
    ruler->notifier = NULL;
    ruler->remote = NULL;
}

void ruler_destroy(struct ruler *ruler)
{
    if (ruler == NULL)
        return;
    while (ruler->tenants != NULL) {
        struct run_tenant *next = ruler->tenants->next;
        for (size_t i = 0; i < ruler->tenants->count; i++)
            run_group_unref(ruler->tenants->groups[i]);
        mem_free(ruler->tenants->groups);
        mem_free(ruler->tenants->name);
        mem_free(ruler->tenants);
        ruler->tenants = next;
    }
    rule_store_close(ruler->store);
    (void)pthread_cond_destroy(&ruler->wake);
    (void)pthread_cond_destroy(&ruler->idle);
    (void)pthread_mutex_destroy(&ruler->lock);
    (void)pthread_mutex_destroy(&ruler->writing);
    mem_free(ruler);
}

/* ---- for the API ---- */

static void group_show(struct run_group *group, void (*each)(void *self, const struct ruler_group *group), void *self)
{
    struct arena arena = ARENA_INIT;
    struct rule_view *views = ARENA_ARRAY(&arena, struct rule_view, group->group.rule_count);
    for (size_t i = 0; i < group->group.rule_count; i++) {
        const struct run_rule *rule = &group->rules[i];
        views[i] = (struct rule_view){.rule = rule->rule, .query = rule->query, .alerts = &rule->alerts, .health = rule->health,
                                      .last_error = slice_str(rule->last_error != NULL ? rule->last_error : ""), .last_ns = rule->last_ns,
                                      .took_ns = rule->took_ns};
    }
    const struct ruler_group view = {.rule_namespace = group->rule_namespace, .group = &group->group, .rules = views, .interval_ns = group->interval_ns,
                                     .last_ns = group->last_ns, .took_ns = group->took_ns, .is_read_only = group->is_read_only};
    each(self, &view);
    arena_fini(&arena);
}

void ruler_each(struct ruler *ruler, struct slice tenant_name, void (*each)(void *self, const struct ruler_group *group), void *self)
{
    (void)pthread_mutex_lock(&ruler->lock);
    struct run_tenant *tenant = run_tenant_find(ruler, tenant_name);
    for (size_t i = 0; tenant != NULL && i < tenant->count; i++)
        group_show(tenant->groups[i], each, self);
    (void)pthread_mutex_unlock(&ruler->lock);
}

/* What a change makes of a namespace: its file's text; and how much the tenant has. The lock is held. */
struct change {
    struct slice rule_namespace, name;
    const struct rule_group *group; /* NULL: goes */
    struct buf text;
    size_t groups_left; /* of the namespace, the new one among them */
    size_t groups, bytes; /* of the tenant */
    bool is_read_only, was_there;
};

static void change_plan(const struct run_tenant *tenant, struct change *change)
{
    struct rule_group *groups = mem_array(tenant->count + 1, sizeof(*groups));
    bool wants_place = change->group != NULL;
    for (size_t i = 0; i < tenant->count; i++) {
        const struct run_group *group = tenant->groups[i];
        bool is_here = slice_eq(group->rule_namespace, change->rule_namespace);
        bool is_same = is_here && (change->name.ptr == NULL || slice_eq(group->group.name, change->name));
        change->is_read_only = change->is_read_only || (is_here && group->is_read_only);
        change->was_there = change->was_there || is_same;
        if (is_same && change->group == NULL)
            continue;
        change->groups += !is_same;
        change->bytes += is_same ? 0 : group->text_bytes;
        if (is_here)
            groups[change->groups_left++] = is_same ? *change->group : group->group;
        wants_place = wants_place && !is_same;
    }
    change->groups += change->group != NULL;
    if (wants_place)
        groups[change->groups_left++] = *change->group;
    const struct rules_file file = {change->rule_namespace, groups, change->groups_left};
    rules_yaml_put_file(&change->text, &file);
    mem_free(groups);
}

static bool change_write(struct ruler *ruler, struct slice tenant, const struct change *change, struct err *err)
{
    if (change->groups_left == 0)
        return rule_store_remove(ruler->store, tenant, change->rule_namespace, err);
    return rule_store_put(ruler->store, tenant, change->rule_namespace, buf_slice(&change->text), err);
}

static bool refuse_read_only(struct slice rule_namespace, struct err *err)
{
    return err_set(err, ERR_INVALID, "namespace %.*s is read from ruler.storage.local.directory: change it there", SLICE_ARG(rule_namespace));
}

bool ruler_put(struct ruler *ruler, struct slice tenant_name, struct slice rule_namespace, const struct rule_group *group, const struct limits *limits,
               struct err *err)
{
    struct change change = {.rule_namespace = rule_namespace, .name = group->name, .group = group};
    if (!run_group_check_text(group, err))
        return false;
    (void)pthread_mutex_lock(&ruler->writing);
    (void)pthread_mutex_lock(&ruler->lock);
    struct run_tenant *tenant = run_tenant_get(ruler, tenant_name);
    change_plan(tenant, &change);
    (void)pthread_mutex_unlock(&ruler->lock);
    bool ok = true;
    if (change.is_read_only)
        ok = refuse_read_only(rule_namespace, err);
    else if (change.groups > RULES_FILE_GROUPS_MAX || change.bytes + change.text.len > RULER_TENANT_BYTES_MAX)
        ok = err_set(err, ERR_LIMIT, "%zu rule groups of %zu bytes, a tenant may have %d of %zu", change.groups, change.bytes + change.text.len,
                     RULES_FILE_GROUPS_MAX, RULER_TENANT_BYTES_MAX);
    ok = ok && rule_group_check_limits(group, change.groups, limits, err) && change_write(ruler, tenant_name, &change, err);
    if (ok) {
        struct run_group *run = run_group_create(ruler, tenant, rule_namespace, group, false);
        (void)pthread_mutex_lock(&ruler->lock);
        run_tenant_insert(tenant, run);
        (void)pthread_mutex_unlock(&ruler->lock);
    }
    (void)pthread_mutex_unlock(&ruler->writing);
    buf_fini(&change.text);
    return ok;
}

bool ruler_remove(struct ruler *ruler, struct slice tenant_name, struct slice rule_namespace, struct slice group, bool *out_found, struct err *err)
{
    struct change change = {.rule_namespace = rule_namespace, .name = group};
    (void)pthread_mutex_lock(&ruler->writing);
    (void)pthread_mutex_lock(&ruler->lock);
    struct run_tenant *tenant = run_tenant_find(ruler, tenant_name);
    if (tenant != NULL)
        change_plan(tenant, &change);
    (void)pthread_mutex_unlock(&ruler->lock);
    bool ok = !change.was_there || (!change.is_read_only && change_write(ruler, tenant_name, &change, err)) ||
              (change.is_read_only && refuse_read_only(rule_namespace, err));
    (void)pthread_mutex_lock(&ruler->lock);
    for (size_t i = ok && change.was_there ? tenant->count : 0; i-- > 0;) {
        const struct run_group *one = tenant->groups[i];
        if (slice_eq(one->rule_namespace, rule_namespace) && (group.ptr == NULL || slice_eq(one->group.name, group)))
            run_tenant_remove(tenant, i);
    }
    (void)pthread_mutex_unlock(&ruler->lock);
    (void)pthread_mutex_unlock(&ruler->writing);
    buf_fini(&change.text);
    *out_found = change.was_there;
    return ok;
}
