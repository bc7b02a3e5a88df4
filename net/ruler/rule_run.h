/* rule_run.h: a group of rules that is evaluated: what it is, how it fared, its alerts and series. Inside of net/ruler only.
 *
 *                    evaluate  apply  view  remove
 *     evaluate          -        X      X      X     between apply and apply it touches only what is its own (struct evaluation)
 *     apply             X        -      -      -     all under the ruler's lock
 */
#pragma once

#include <pthread.h>

#include "core/rules/alert_templates.h"
#include "net/ruler/ruler.h"
#include "storage/rules/rule_store.h"

struct run_tenant;

struct run_rule {
    const struct rule *rule;
    struct slice query;         /* as it prints */
    struct slice labels;        /* of the rule, encoded: with its name what tells it from others */
    struct slice generator_url;
    bool is_log_query;
    struct alert_templates *templates;
    /* ---- under the lock ---- */
    struct alert_set alerts;
    size_t alert_bytes;   /* of these, as counted in the tenant's; after a change: run_rule_count_alerts */
    struct slice *series; /* of the last evaluation: encoded labels, sorted; each malloc'd */
    size_t series_count;
    enum rule_health health;
    char *last_error;
    int64_t last_ns, took_ns;
};

struct evaluation { /* under way */
    size_t cursor; /* of the rule that comes next */
    int64_t ts_ns; /* what it is of */
    int64_t begin_ns, begin_mono_ns;
    struct query_control control;
};

struct run_group {
    struct arena arena;
    struct ruler *ruler;
    struct run_tenant *tenant;
    struct slice rule_namespace;
    struct rule_group group;
    struct run_rule *rules;
    bool is_read_only;
    int64_t interval_ns, phase_ns; /* evaluated at t with t % interval == phase */
    size_t text_bytes;
    struct metric *evaluations, *failures, *last_seconds, *duration_seconds, *rule_count;
    struct evaluation now;
    /* ---- under the lock ---- */
    unsigned refs;
    bool is_removed, is_running;
    bool is_leaving; /* of the local folder, while it is read anew: no file has named it yet */
    int64_t due_ns;
    int64_t last_ns, took_ns;
};

struct run_tenant { /* lives as long as the ruler */
    struct run_tenant *next;
    char *name;
    struct run_group **groups; /* by namespace, then name */
    size_t count;
    size_t alert_bytes; /* of all its rules' alerts */
    bool is_dirty; /* alerts changed and are not on the disk */
};

struct ruler {
    struct ruler_config config;
    struct rule_store *store;
    struct notifier *notifier;
    struct remote_write *remote;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t writing; /* files of rules and state; taken before lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t idle;
    /* ---- under writing ---- */
    size_t metric_groups; /* with metrics of their own */
    uint64_t local_hash;  /* of the local folder as it was read last */
    /* ---- under the lock ---- */
    struct run_tenant *tenants;
    size_t running;
    bool is_stopping;
};

/* The group, as it prints, is one that can be read again: flow style and aliases may be shorter. ERR_TOO_LARGE. */
bool run_group_check_text(const struct rule_group *group, struct err *err) MUST_CHECK;
/* A copy of the group, ready to run; refs is 1. Fails never: the group has passed rule_group_check and run_group_check_text. `writing` is held. */
struct run_group *run_group_create(struct ruler *ruler, struct run_tenant *tenant, struct slice rule_namespace, const struct rule_group *group,
                                   bool is_read_only) MUST_CHECK;
/* The lock is held. */
void run_group_unref(struct run_group *group);
/* Takes alerts and series over from an older group of that name; what it does not take is ended by run_group_end. The lock is held. */
void run_group_inherit(struct run_group *group, struct run_group *older);
/* Its alerts have changed: counts them anew, in the tenant's sum too. The lock is held. */
void run_rule_count_alerts(struct run_rule *rule, struct run_tenant *tenant);
/* The group is no more: tells remote write that its series are gone. The lock is held. */
void run_group_end(struct run_group *group);

/* The first instant of its evaluation after now_ns. */
int64_t run_group_due(const struct run_group *group, int64_t now_ns);

/* Evaluates the group as of group->now.ts_ns; is_running is set and a reference taken for it, which it gives back. The lock is not held. */
void run_group_evaluate(struct run_group *group);

/* ---- ruler_files.c ---- */

/* Reads the data folder's rules and alerts, and the local folder. Before the threads start. */
bool ruler_files_load(struct ruler *ruler, struct err *err) MUST_CHECK;
/* Reads the local folder again, and takes over what has changed. */
void ruler_files_poll(struct ruler *ruler);
/* Writes the alerts of the tenants where they have changed. */
void ruler_files_write_state(struct ruler *ruler);

/* ---- ruler.c; the lock is held ---- */

struct run_tenant *run_tenant_find(struct ruler *ruler, struct slice name);   /* or NULL */
struct run_tenant *run_tenant_get(struct ruler *ruler, struct slice name);
/* Takes the reference; a group of that name is replaced. */
void run_tenant_insert(struct run_tenant *tenant, struct run_group *group);
void run_tenant_remove(struct run_tenant *tenant, size_t i);
