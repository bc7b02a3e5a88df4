#include "cmd/serve_config.h"

static const char *text_of(struct arena *arena, struct slice text)
{
    return arena_printf(arena, "%.*s", SLICE_ARG(text)).ptr; // ends with a 0
}

void serve_store_config(const struct config *config, struct arena *arena, struct store_config *out)
{
    store_config_defaults(out);
    out->disk = &system_disk;
    out->clock = &system_clock;
    out->folder = text_of(arena, config->data);
    out->shards = (unsigned)config->shards;
    out->query_threads = (unsigned)config->query_threads;
    out->durability = slice_eq(config->durability, SLICE("async")) ? LOG_ASYNC : LOG_SYNC;
    out->log_queue_bytes = (size_t)config->log_queue;
    out->shard_queue_bytes = (size_t)config->shard_queue;
    out->head_bytes_max = (size_t)config->head_max;
    out->seal_bytes = (size_t)config->seal_size;
    out->seal_age_ns = config->seal_age;
    out->stream_idle_ns = config->stream_idle;
    out->disk_free_reserve = (uint64_t)config->free_reserve;
    out->compaction = config->compaction;
    out->keeps_templates = config->patterns_enabled;
    out->delete_delay_ns = config->delete_delay;
    out->block_cache_bytes = (size_t)config->query_block_cache;
    out->tap_bytes_max = (size_t)config->tail_memory / 2;
    out->compaction_interval_ns = config->compaction_interval;
}

bool serve_http_config(const struct config *config, struct api *api, const struct router *main_router,
                       const struct router *admin_router, const struct router *ochi_router, struct arena *arena,
                       struct http_server_config *out, struct err *err)
{
    http_server_config_defaults(out);
    out->listeners[out->listener_count++] = (struct http_listener){.address = text_of(arena, config->listen), .router = main_router};
    if (config->admin_listen.len > 0)
        out->listeners[out->listener_count++] = (struct http_listener){.address = text_of(arena, config->admin_listen), .router = admin_router};
    if (config->ochi_enabled && config->ochi_listen.len > 0)
        out->listeners[out->listener_count++] =
            (struct http_listener){.address = text_of(arena, config->ochi_listen),
                                   .router = ochi_router,
                                   .is_optional = slice_eq(config->ochi_listen, SLICE(OCHI_LISTEN_DEFAULT))};
    out->loops = (unsigned)config->loops;
    out->body_folder = arena_printf(arena, "%.*s/tmp", SLICE_ARG(config->data)).ptr;
    out->body_bytes_max = (size_t)config->max_recv_msg_size;
    out->body_budget_bytes = (size_t)config->body_budget;
    out->connections_max = (size_t)config->max_connections;
    out->head_timeout_ns = config->head_timeout;
    out->idle_timeout_ns = config->idle_timeout;
    out->write_timeout_ns = config->write_timeout;
    out->app = api;
    out->admit = api_admit;
    out->run = api_run;
    out->observe = api_observe;
    out->rejected = api_rejected;
    out->lagged = api_lagged;
    return disk_make_folders(&system_disk, out->body_folder, err);
}

void serve_ruler_config(const struct config *config, struct arena *arena, struct ruler_config *out)
{
    *out = (struct ruler_config){
        .disk = &system_disk,
        .clock = &system_clock,
        .folder = arena_printf(arena, "%.*s/rules", SLICE_ARG(config->data)).ptr,
        .local_folder = text_of(arena, config->ruler_local_directory),
        .interval_ns = config->ruler_evaluation_interval,
        .poll_ns = config->ruler_poll_interval,
        .resend_ns = config->ruler_resend_delay,
        .external_url = config->ruler_external_url,
        .datasource_uid = config->ruler_datasource_uid,
        .notifier = {config->ruler_alertmanager_url, (size_t)config->ruler_notification_queue_capacity, config->ruler_notification_timeout},
        .remote_write = {
            .url = config->ruler_remote_write_enabled ? config->ruler_remote_write_url : SLICE(""),
            .timeout_ns = config->ruler_remote_write_timeout,
            .capacity = (size_t)config->ruler_remote_write_capacity,
            .batch_max = (size_t)config->ruler_remote_write_batch,
            .backoff_min_ns = config->ruler_remote_write_min_backoff,
            .backoff_max_ns = config->ruler_remote_write_max_backoff,
            .adds_tenant = config->ruler_remote_write_add_org_id,
        },
    };
}

void serve_tenancy(const struct config *config, struct tenancy *out)
{
    out->mode = slice_eq(config->tenancy, SLICE("single"))     ? TENANCY_SINGLE
                : slice_eq(config->tenancy, SLICE("required")) ? TENANCY_REQUIRED
                                                               : TENANCY_OPTIONAL;
    out->default_tenant = config->default_tenant;
    out->several_tenants = config->multi_tenant_queries_enabled;
    out->request_limits = config->per_request_limits_enabled;
}

enum access serve_access(struct slice word)
{
    return slice_eq(word, SLICE("public")) ? ACCESS_PUBLIC : slice_eq(word, SLICE("users")) ? ACCESS_USER : ACCESS_ADMIN;
}
