/* ruler_files.c: rules and alerts from the disk and back. */
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/model/tenant.h"
#include "core/rules/alert_state.h"
#include "net/codec/rules_yaml.h"
#include "net/ruler/rule_run.h"

struct loading {
    struct ruler *ruler;
    bool is_local;
};

static void complain(struct slice tenant, struct slice file, const char *text)
{
    char *tenant_text = mem_strdup(tenant);
    char *file_text = mem_strdup(file);
    log_error("ruler", "a file of rules is left out", "tenant", tenant_text, "file", file_text, "err", text);
    mem_free(tenant_text);
    mem_free(file_text);
}

static bool namespace_is_taken(const struct run_tenant *tenant, struct slice rule_namespace, bool is_read_only)
{
    for (size_t i = 0; i < tenant->count; i++) {
        if (tenant->groups[i]->is_read_only != is_read_only && slice_eq(tenant->groups[i]->rule_namespace, rule_namespace))
            return true;
    }
    return false;
}

static void group_load(const struct loading *loading, struct slice tenant_name, struct slice rule_namespace, const struct rule_group *group,
                       size_t index, struct slice file)
{
    struct ruler *ruler = loading->ruler;
    struct err err;
    if (!rule_group_check(group, index, &err) || !run_group_check_text(group, &err)) {
        complain(tenant_name, file, err.text);
        return;
    }
    (void)pthread_mutex_lock(&ruler->lock);
    struct run_tenant *tenant = run_tenant_get(ruler, tenant_name);
    bool is_taken = namespace_is_taken(tenant, rule_namespace, loading->is_local);
    (void)pthread_mutex_unlock(&ruler->lock);
    if (is_taken) {
        complain(tenant_name, file, "its namespace is that of rules that came over the API");
        return;
    }
    struct run_group *run = run_group_create(ruler, tenant, rule_namespace, group, loading->is_local);
    (void)pthread_mutex_lock(&ruler->lock);
    run_tenant_insert(tenant, run);
    (void)pthread_mutex_unlock(&ruler->lock);
}

static void rules_load(const struct loading *loading, struct slice tenant, struct slice file, struct slice text)
{
    struct arena arena = ARENA_INIT;
    struct rules_file rules;
    struct err err;
    bool ok = rules_yaml_read_file(text, &arena, &rules, &err);
    struct slice rule_namespace = ok && rules.rule_namespace.len > 0 && !loading->is_local ? rules.rule_namespace : file;
    ok = ok && rule_namespace_check(rule_namespace, &err);
    if (!ok)
        complain(tenant, file, err.text);
    for (size_t i = 0; ok && i < rules.count; i++)
        group_load(loading, tenant, rule_namespace, &rules.groups[i], i, file);
    arena_fini(&arena);
}

struct restoring {
    struct run_tenant *tenant;
};

/* The rule that the alerts were of, unless it has some already: of several equal ones each takes its turn. */
static struct run_rule *rule_find(const struct run_tenant *tenant, const struct alert_state_key *key)
{
    for (size_t i = 0; i < tenant->count; i++) {
        struct run_group *group = tenant->groups[i];
        if (!slice_eq(group->rule_namespace, key->rule_namespace) || !slice_eq(group->group.name, key->group))
            continue;
        for (size_t r = 0; r < group->group.rule_count; r++) {
            struct run_rule *rule = &group->rules[r];
            if (slice_eq(rule->rule->alert, key->alert) && slice_eq(rule->labels, key->labels) && rule->alerts.count == 0)
                return rule;
        }
    }
    return NULL;
}

static void rule_restore(void *self, const struct alert_state_key *key, struct alert_set *set)
{
    const struct restoring *restoring = self;
    struct run_rule *rule = rule_find(restoring->tenant, key);
    if (rule == NULL) {
        alert_set_fini(set);
        return;
    }
    rule->alerts = *set;
    run_rule_count_alerts(rule, restoring->tenant);
}

static void state_load(struct ruler *ruler, struct slice tenant, struct slice file, struct slice bytes)
{
    struct err err;
    (void)pthread_mutex_lock(&ruler->lock);
    struct restoring restoring = {run_tenant_get(ruler, tenant)};
    bool ok = alert_state_read(bytes, rule_restore, &restoring, &err);
    (void)pthread_mutex_unlock(&ruler->lock);
    if (!ok)
        complain(tenant, file, err.text);
}

static void file_load(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes, const struct err *why)
{
    const struct loading *loading = self;
    struct err err;
    if (why != NULL || !tenant_name_check(tenant, &err)) {
        complain(tenant, file, why != NULL ? why->text : err.text);
        return;
    }
    if (kind == RULE_FILE_RULES)
        rules_load(loading, tenant, file, bytes);
    else if (!loading->is_local)
        state_load(loading->ruler, tenant, file, bytes);
}

/* ---- the local folder ---- */

static void file_hash(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes, const struct err *why)
{
    uint64_t *hash = self;
    (void)kind;
    *hash = hash64_seeded(tenant, *hash);
    *hash = hash64_seeded(file, *hash);
    *hash = hash64_seeded(bytes, *hash + (why != NULL));
}

static void leaving_mark(struct ruler *ruler)
{
    (void)pthread_mutex_lock(&ruler->lock);
    for (struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        for (size_t i = 0; i < tenant->count; i++)
            tenant->groups[i]->is_leaving = tenant->groups[i]->is_read_only;
    }
    (void)pthread_mutex_unlock(&ruler->lock);
}

static void leaving_remove(struct ruler *ruler)
{
    (void)pthread_mutex_lock(&ruler->lock);
    for (struct run_tenant *tenant = ruler->tenants; tenant != NULL; tenant = tenant->next) {
        for (size_t i = tenant->count; i-- > 0;) {
            if (tenant->groups[i]->is_leaving)
                run_tenant_remove(tenant, i);
        }
    }
    (void)pthread_mutex_unlock(&ruler->lock);
}

void ruler_files_poll(struct ruler *ruler)
{
    struct loading loading = {ruler, true};
    const struct ruler_config *config = &ruler->config;
    struct err err;
    uint64_t hash = 1;
    if (config->local_folder[0] == '\0')
        return;
    (void)pthread_mutex_lock(&ruler->writing);
    bool ok = rule_folder_each(config->disk, config->local_folder, RULES_FILE_BYTES_MAX, file_hash, &hash, &err);
    if (ok && hash != ruler->local_hash) {
        leaving_mark(ruler);
        ok = rule_folder_each(config->disk, config->local_folder, RULES_FILE_BYTES_MAX, file_load, &loading, &err);
        if (ok) {
            leaving_remove(ruler);
            ruler->local_hash = hash;
            log_info("ruler", "rules read", "folder", config->local_folder);
        }
    }
    (void)pthread_mutex_unlock(&ruler->writing);
    if (!ok)
        log_error("ruler", "rules could not be read", "folder", config->local_folder, "err", err.text);
}

bool ruler_files_load(struct ruler *ruler, struct err *err)
{
    struct loading loading = {ruler, false};
    ruler_files_poll(ruler); // first: the state of their alerts is in the data folder
    (void)pthread_mutex_lock(&ruler->writing);
    bool ok = rule_folder_each(ruler->config.disk, rule_store_folder(ruler->store), ALERT_STATE_BYTES_MAX, file_load, &loading, err);
    (void)pthread_mutex_unlock(&ruler->writing);
    return ok;
}

/* ---- state ---- */

static void state_put(const struct run_tenant *tenant, struct buf *out)
{
    alert_state_begin(out);
    for (size_t i = 0; i < tenant->count; i++) {
        const struct run_group *group = tenant->groups[i];
        for (size_t r = 0; r < group->group.rule_count; r++) {
            const struct run_rule *rule = &group->rules[r];
            const struct alert_state_key key = {group->rule_namespace, group->group.name, rule->rule->alert, rule->labels};
            alert_state_put(out, &key, &rule->alerts);
        }
    }
    alert_state_end(out);
}

void ruler_files_write_state(struct ruler *ruler)
{
    (void)pthread_mutex_lock(&ruler->writing);
    (void)pthread_mutex_lock(&ruler->lock);
    struct run_tenant *tenant = ruler->tenants; // tenants are never unlinked, new ones come in front
    (void)pthread_mutex_unlock(&ruler->lock);
    for (; tenant != NULL; tenant = tenant->next) {
        struct buf bytes = BUF_INIT;
        struct err err;
        (void)pthread_mutex_lock(&ruler->lock);
        bool is_dirty = tenant->is_dirty;
        if (is_dirty)
            state_put(tenant, &bytes);
        tenant->is_dirty = false;
        (void)pthread_mutex_unlock(&ruler->lock);
        if (is_dirty && !rule_store_put_state(ruler->store, slice_str(tenant->name), buf_slice(&bytes), &err)) {
            log_error("ruler", "the state of alerts could not be written, it is tried again", "tenant", tenant->name, "err", err.text);
            (void)pthread_mutex_lock(&ruler->lock);
            tenant->is_dirty = true;
            (void)pthread_mutex_unlock(&ruler->lock);
        }
        buf_fini(&bytes);
    }
    (void)pthread_mutex_unlock(&ruler->writing);
}
