/* ruler.h: the rules of all tenants: kept on the disk, evaluated in time, their alerts told to Alertmanagers, their recorded series sent by remote write.
 *
 * A group is evaluated at the instants (t - offset) % interval == 0, the offset by its name's hash: so groups spread, and times stay the same over a restart.
 * Its rules run one after the other, each as one query in the tenant's turn, with the tenant's limits. A group whose last evaluation still runs is skipped.
 * Alerts survive a restart: what changed is written within RULER_STATE_DELAY_NS.
 *
 * Thread: any, but for create, start, stop and destroy. Rule files are written by one caller at a time; reading never waits for the disk.
 */
#pragma once

#include <stdatomic.h>

#include "core/plan/query.h"
#include "net/codec/rules_json.h"
#include "net/ruler/notifier.h"
#include "net/ruler/remote_write.h"
#include "storage/disk/disk.h"

#define RULER_STATE_DELAY_NS NS_PER_S
#define RULER_INTERVAL_MIN_NS NS_PER_S /* a group that wants less is evaluated each second */
#define RULER_INTERVAL_MAX_NS (3650 * NS_PER_DAY)
#define RULER_TENANT_BYTES_MAX ((size_t)64 << 20) /* of one tenant's rules as text */

/* What the ruler needs from above. */
struct rule_engine {
    void *self;
    /* Runs task(task_self) in the tenant's turn. False: too many wait. */
    bool (*submit)(void *self, struct slice tenant, void (*task)(void *task_self), void *task_self);
    /* An instant query with the tenant's limits. The control is the caller's: its is_cancelled ends the query; all else in it is set here. */
    bool (*query)(void *self, struct slice tenant, struct slice text, int64_t ts_ns, struct query_control *control, struct arena *arena,
                  struct query_result *out, struct err *err);
    /* All that was stored can be found: before, evaluations wait, since alerts would seem to be gone. */
    bool (*is_ready)(void *self);
    bool (*sends_samples)(void *self, struct slice tenant); /* the tenant's recorded series go to remote write */
};

struct ruler_config {
    const struct disk *disk;
    const struct clock *clock;
    const char *folder;         /* of the data folder */
    const char *local_folder;   /* <local_folder>/<tenant>/<namespace>: files that are only read; empty: none */
    struct rule_engine engine;
    int64_t interval_ns;        /* of groups that say none */
    int64_t poll_ns;            /* between two looks at local_folder */
    int64_t resend_ns;          /* an alert that fires is told again */
    struct slice external_url, datasource_uid; /* where generatorURL points */
    struct notifier_config notifier;
    struct remote_write_config remote_write;
};

/* Labels and annotations of all alerts of one tenant; a rule whose alerts would pass it fails. */
#define RULER_ALERTS_BYTES_MAX ((size_t)128 << 20)

struct ruler;

/* Reads the rules; a file that cannot be read is logged and left out. Nothing runs yet. Texts of the config live as long as the ruler. */
bool ruler_create(const struct ruler_config *config, struct ruler **out, struct err *err) MUST_CHECK;
bool ruler_start(struct ruler *ruler, struct err *err) MUST_CHECK;
/* Ends evaluations, cancelling queries, writes the state, sends what waits. Before the engine ends. NULL is fine. */
void ruler_stop(struct ruler *ruler);
void ruler_destroy(struct ruler *ruler); /* after stop; NULL is fine */

/* A group as it is now; valid during the call. */
struct ruler_group {
    struct slice rule_namespace;
    const struct rule_group *group;
    const struct rule_view *rules; /* as many as the group has */
    int64_t interval_ns, last_ns, took_ns;
    bool is_read_only;             /* of the local folder */
};

/* The tenant's groups by namespace, then name (yaml_key_order). `each` must not call the ruler. */
void ruler_each(struct ruler *ruler, struct slice tenant, void (*each)(void *self, const struct ruler_group *group), void *self);

/* Makes or replaces a group, which has passed rule_group_check. Alerts of rules that keep their name and labels live on. ERR_LIMIT, ERR_INVALID (a namespace of
 * the local folder), ERR_IO... */
bool ruler_put(struct ruler *ruler, struct slice tenant, struct slice rule_namespace, const struct rule_group *group, const struct limits *limits,
               struct err *err) MUST_CHECK;
/* group.ptr NULL: the whole namespace. *out_found: there was one. */
bool ruler_remove(struct ruler *ruler, struct slice tenant, struct slice rule_namespace, struct slice group, bool *out_found, struct err *err) MUST_CHECK;
