/* api.h: what all handlers share: the store, the settings, the tenants; and the tables of routes, one an API.
 *
 * The way of a push: push_body (decode) -> core/ingest -> store_push -> reply. The way of a query: query_params -> core/logql -> core/plan -> codec/result_json.
 */
#pragma once

#include "net/http/router.h"
#include "net/tenancy/caller.h"
#include "net/tenancy/tenant_state.h"
#include "storage/store/store.h"

struct login;
struct query_scheduler;
struct ruler;
struct tails;

/* Who may use a route, when there are users. */
enum access {
    ACCESS_PUBLIC, /* anybody */
    ACCESS_USER,   /* any user */
    ACCESS_ADMIN,  /* users with the admin flag */
};

struct api {
    struct store *store;
    const struct clock *clock;
    struct memory_budget *memory;  /* NULL: no limit */
    _Atomic size_t decoded_bytes;  /* of pushes: unpacked and decoded, and not handed to the store */
    struct tenancy tenancy;
    struct login *login; /* NULL: there are no users, and nobody has to log in */
    enum access ready_access, metrics_access; /* of probes and of /metrics */
    struct limits_shelf *limits;
    struct tenant_states *tenants;
    struct query_scheduler *scheduler;
    struct ruler *ruler;
    struct tails *tails;
    struct slice tail_origins;     /* allowed values of Origin for live tails, by comma; empty: any */
    bool patterns_enabled;         /* else /patterns is 404 */
    size_t body_bytes_max;         /* 413 over it, as received */
    size_t decompressed_bytes_max; /* 413 over it, unpacked */
    int64_t start_mono_ns, start_wall_ns;
    const char *version, *revision;
    /* The settings in force as YAML; with `defaults`: the built-in ones; with `diff`: those that differ. */
    void (*print_config)(void *self, const char *mode, struct buf *out);
    void *config_self;
    atomic_bool is_stopping;
    atomic_bool is_shut_down; /* /ingester/shutdown was called */
    void (*terminate)(void *self); /* the process ends in order, soon */
    void *terminate_self;
};

static inline struct api *api_of(const struct http_request *request)
{
    return request->app;
}

/* Adds what handlers hold to api->memory. */
void api_tell_memory(struct api *api);

/* Hooks for http_server_config. */
bool api_admit(struct http_request *request);
bool api_run(struct http_request *request, void (*task)(void *self));
void api_observe(const struct http_request *request, int status, size_t reply_bytes, int64_t duration_ns);
void api_rejected(void *app, const char *reason);
void api_lagged(void *app, int64_t late_ns);

struct route_table {
    const struct http_route *routes;
    size_t count;
};
struct route_table loki_v1_routes(void);
struct route_table loki_legacy_routes(void);
struct route_table loki_explore_routes(void);
struct route_table loki_rules_routes(void);
struct route_table ops_routes(void);
struct route_table otlp_routes(void);
struct route_table ingester_routes(void);

/* All of the above: what the main listener serves. */
extern struct route_table (*const api_route_tables[])(void);
extern const size_t api_route_table_count;
