/* serve.c: logi serve: opens the store, starts the server, waits for signals, and ends both in order. */
#include "net/api/api.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/command_line.h"
#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "cmd/node_memory.h"
#include "cmd/notify.h"
#include "cmd/overrides_watch.h"
#include "cmd/reload.h"
#include "cmd/serve_config.h"
#include "cmd/signals.h"
#include "cmd/tls_setup.h"
#include "cmd/users_file.h"
#include "cmd/zoneinfo.h"
#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/base/rcu.h"
#include "core/metrics/metric_table.h"
#include "core/template/zone.h"
#include "net/api/ochi.h"
#include "net/api/query_scheduler.h"
#include "net/api/rule_engine.h"
#include "net/api/scrape.h"
#include "net/config/target.h"
#include "net/http/tls.h"
#include "net/tail/tails.h"

struct node {
    struct command_line line;
    struct arena arena;
    struct config fitted; /* line.config as the memory budget lets it be */
    struct memory_budget *memory;
    struct api api;
    struct router *main_router, *admin_router, *ochi_router;
    unsigned roles; /* enum target_role */
    struct http_server *server;
    struct overrides_watch *overrides;
    int argc;
    char **argv;
    struct reload *reload;
};

static void print_config(void *self, const char *mode, struct buf *out)
{
    struct node *node = self;
    reload_print(node->reload, mode, out);
}

/* Routes of the parts that `target` leaves out are not there, as in Loki. */
static void routes_add(const struct node *node, struct router *router, const struct http_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned flags = routes[i].flags;
        unsigned role = (flags & ROUTE_WRITE) != 0                           ? TARGET_WRITE
                        : (flags & ROUTE_BACKEND) != 0                       ? TARGET_BACKEND
                        : (flags & (ROUTE_TENANT | ROUTE_TENANTS)) != 0      ? TARGET_READ
                                                                             : TARGET_ALL;
        if ((node->roles & role) != 0)
            router_add(router, &routes[i], 1);
    }
}

static void routers_fill(struct node *node)
{
    bool is_split = node->line.config.admin_listen.len > 0;
    node->main_router = router_create();
    node->admin_router = router_create();
    for (size_t t = 0; t < api_route_table_count; t++) {
        const struct route_table table = api_route_tables[t]();
        for (size_t i = 0; i < table.count; i++) {
            const struct http_route *route = &table.routes[i];
            bool is_admin = (route->flags & ROUTE_ADMIN) != 0;
            if (!is_split || !is_admin)
                routes_add(node, node->main_router, route, 1);
            if (is_admin || (route->flags & ROUTE_PUBLIC) != 0)
                routes_add(node, node->admin_router, route, 1);
        }
    }
}

/* Ochi's own listener has its routes and what probes and scrapers ask; the main one has those that clash with none of Loki's. */
static void ochi_router_fill(struct node *node)
{
    const struct route_table tables[] = {ochi_own_routes(), ochi_routes()};
    const struct route_table ops = ops_routes();
    node->ochi_router = router_create();
    if (!node->line.config.ochi_enabled)
        return;
    for (size_t t = 0; t < LENGTH(tables); t++)
        routes_add(node, node->ochi_router, tables[t].routes, tables[t].count);
    for (size_t i = 0; i < ops.count; i++) {
        if ((ops.routes[i].flags & ROUTE_PUBLIC) != 0)
            router_add(node->ochi_router, &ops.routes[i], 1);
    }
    routes_add(node, node->main_router, tables[1].routes, tables[1].count);
}

static void ochi_warn(const struct node *node, const struct http_server_config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].is_optional && http_server_port(node->server, i) == 0)
            log_warn("serve", "the address of Ochi's API is in use: it is served on server.listen only; ochi.listen chooses another", "address",
                     config->listeners[i].address);
    }
}

static bool limits_open(struct node *node, struct err *err)
{
    struct limits_book *book = NULL;
    if (!limits_book_create(&node->line.config.limits, node->line.config.overrides, node->line.config.override_count, 1, &book, err))
        return false;
    node->api.limits = limits_shelf_create(book);
    node->overrides = overrides_watch_create(&node->line.config, node->api.limits);
    return overrides_watch_read(node->overrides, err);
}

static int64_t retention_ns(void *self, struct slice tenant)
{
    struct node *node = self;
    struct limits_book *book = limits_shelf_take(node->api.limits);
    int64_t ns = limits_book_find(book, tenant)->retention_period;
    limits_book_unref(book);
    return ns;
}

static enum deletion_mode deletion_mode(void *self, struct slice tenant)
{
    struct node *node = self;
    struct limits_book *book = limits_shelf_take(node->api.limits);
    struct slice text = limits_book_find(book, tenant)->deletion_mode;
    enum deletion_mode mode = slice_eq(text, SLICE("disabled"))      ? DELETION_DISABLED
                              : slice_eq(text, SLICE("filter-only")) ? DELETION_FILTER_ONLY
                                                                     : DELETION_ERASE;
    limits_book_unref(book);
    return mode;
}

/* What SIGTERM does. */
static void terminate(void *self)
{
    (void)self;
    (void)kill(getpid(), SIGTERM);
}

static bool store_start(struct node *node, struct err *err)
{
    struct store_config config;
    serve_store_config(&node->fitted, &node->arena, &config);
    config.memory = node->memory;
    config.retention_ns = retention_ns;
    config.retention_self = node;
    config.deletion_mode = deletion_mode;
    config.deletion_self = node;
    if (!store_open(&config, &node->api.store, err))
        return err_wrap(err, "data folder %s", config.folder);
    size_t threads = store_executor(node->api.store)->workers;
    size_t running = node->line.config.query_concurrency > 0 ? (size_t)node->line.config.query_concurrency : threads * 2;
    node->api.scheduler = query_scheduler_create(node->api.store, &system_clock, running, (size_t)node->line.config.query_queue);
    return true;
}

static bool users_open(struct node *node, struct err *err)
{
    const struct config *config = &node->line.config;
    struct users *users = NULL;
    if (config->users_file.len == 0)
        return true;
    if (!users_file_read(arena_printf(&node->arena, "%.*s", SLICE_ARG(config->users_file)).ptr, &users, err))
        return false;
    node->api.login = login_create(&system_clock, users);
    node->api.ready_access = serve_access(config->auth_ready);
    node->api.metrics_access = serve_access(config->auth_metrics);
    bool is_local = slice_starts(config->listen, SLICE("127.")) || slice_starts(config->listen, SLICE("localhost:")) || slice_starts(config->listen, SLICE("[::1]"));
    if (config->tls_cert_file.len == 0 && !is_local)
        log_warn("auth", "passwords cross the network in clear text: set server.http_tls_config, or put a proxy with TLS in front");
    return true;
}

static void reload_open(struct node *node)
{
    struct reload_parts parts = {.argc = node->argc,
                                 .argv = node->argv,
                                 .started = &node->line.config,
                                 .overrides = node->overrides,
                                 .login = node->api.login,
                                 .server = &node->server};
    node->reload = reload_create(&parts);
}

static bool rules_start(struct node *node, struct err *err)
{
    struct ruler_config config;
    serve_ruler_config(&node->line.config, &node->arena, &config);
    config.engine = rule_engine_of(&node->api);
    bool runs = (node->roles & TARGET_BACKEND) != 0;
    return ruler_create(&config, &node->api.ruler, err) && (!runs || ruler_start(node->api.ruler, err));
}

static bool run_query(void *self, struct slice tenant, void (*task)(void *task_self), void *task_self)
{
    return query_scheduler_submit(self, tenant, task, task_self);
}

static bool tails_start(struct node *node, struct err *err)
{
    const struct config *from = &node->fitted;
    struct tails_config config = {
        .store = node->api.store,
        .clock = &system_clock,
        .memory = node->memory,
        .run_query = run_query,
        .run_self = node->api.scheduler,
        .tail_bytes = (size_t)from->tail_buffer,
        .bytes_max = (size_t)from->tail_memory / 2,
        .duration_ns_max = from->tail_max_duration,
    };
    node->api.tail_origins = from->tail_origins;
    node->api.patterns_enabled = from->patterns_enabled;
    return tails_create(&config, &node->api.tails, err);
}

static size_t server_body_bytes(void *self)
{
    return http_server_body_bytes(((struct node *)self)->server);
}

static size_t tails_held_bytes(void *self)
{
    return tails_bytes(((struct node *)self)->api.tails);
}

static bool server_start(struct node *node, struct err *err)
{
    struct http_server_config config;
    void *tls = NULL;
    routers_fill(node);
    ochi_router_fill(node);
    if (!tls_setup(&node->line.config, &tls, err) ||
        !serve_http_config(&node->fitted, &node->api, node->main_router, node->admin_router, node->ochi_router, &node->arena, &config, err))
        return false;
    for (size_t i = 0; i < config.listener_count; i++)
        config.listeners[i].tls = tls;
    bool ok = http_server_start(&config, &node->server, err);
    tls_context_free(tls);
    if (!ok)
        return false;
    ochi_warn(node, &config);
    memory_budget_source(node->memory, MEMORY_HTTP, server_body_bytes, node);
    memory_budget_source(node->memory, MEMORY_TAIL, tails_held_bytes, node);
    scrape_register(&node->api, node->server);
    return true;
}

static void memory_start(struct node *node)
{
    size_t limit = node_memory_limit(&node->line.config);
    node_memory_fit(&node->line.config, limit, &node->fitted);
    node->memory = memory_budget_create(limit);
    node->api.memory = node->memory;
    api_tell_memory(&node->api);
}

static bool start(struct node *node, struct err *err)
{
    const struct config *config = &node->line.config;
    enum log_level level = LOG_INFO;
    (void)log_level_parse(config->log_level, &level);
    logger_init(slice_eq(config->log_format, SLICE("json")) ? LOG_JSON : LOG_LOGFMT, NULL, NULL);
    logger_set_level(level);
    zone_loader_set(zoneinfo_load);
    if (!target_parse(config->target, &node->roles, err))
        return false;
    if (node->roles != TARGET_ALL)
        log_warn("serve", "this node plays a part only, and reads no other node's data: routes of the other parts are 404", "target",
                 arena_printf(&node->arena, "%.*s", SLICE_ARG(config->target)).ptr);
    metric_table_init();
    metrics_max_tenants((size_t)config->metrics_max_tenants);
    node->api.clock = &system_clock;
    node->api.start_mono_ns = clock_mono_ns(&system_clock);
    node->api.start_wall_ns = clock_wall_ns(&system_clock);
    node->api.version = LOGI_VERSION;
    node->api.revision = LOGI_REVISION;
    memory_start(node);
    node->api.body_bytes_max = (size_t)node->fitted.max_recv_msg_size;
    node->api.decompressed_bytes_max = (size_t)node->fitted.max_decompressed_size;
    node->api.print_config = print_config;
    node->api.config_self = node;
    node->api.terminate = terminate;
    node->api.tenants = tenant_states_create(&system_clock);
    serve_tenancy(config, &node->api.tenancy);
    if (!limits_open(node, err) || !users_open(node, err))
        return false;
    reload_open(node);
    return store_start(node, err) && tails_start(node, err) && rules_start(node, err) && server_start(node, err);
}

static void stop(struct node *node)
{
    atomic_store(&node->api.is_stopping, true);
    memory_budget_stop(node->memory);
    notify_service_manager("STOPPING=1");
    if (node->server != NULL) {
        http_server_stop_accepting(node->server);
        http_server_stop(node->server, node->line.config.shutdown_timeout);
    }
    ruler_stop(node->api.ruler); // its queries run in the store, as those of tails do
    tails_destroy(node->api.tails);
    store_close(node->api.store);
    ruler_destroy(node->api.ruler);
    query_scheduler_destroy(node->api.scheduler);
    login_destroy(node->api.login);
    reload_destroy(node->reload);
    overrides_watch_destroy(node->overrides);
    limits_shelf_destroy(node->api.limits);
    tenant_states_destroy(node->api.tenants);
    router_destroy(node->main_router);
    router_destroy(node->admin_router);
    router_destroy(node->ochi_router);
    arena_fini(&node->arena);
    memory_budget_destroy(node->memory);
}

static void dump(struct node *node)
{
    struct buf text = BUF_INIT;
    metrics_print(&text, false, SLICE(""), SLICE("logi_"));
    (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_fini(&text);
    (void)node;
}

static void wait_for_the_end(struct node *node)
{
    int64_t verbose_until_ns = 0;
    enum log_level usual = logger_level();
    for (;;) {
        switch (signals_wait(node_memory_tick(node->memory))) {
        case SIGNAL_STOP:
            return;
        case SIGNAL_RELOAD:
            reload_run(node->reload);
            break;
        case SIGNAL_DUMP:
            dump(node);
            break;
        case SIGNAL_VERBOSE:
            usual = logger_level() == LOG_DEBUG ? usual : logger_level();
            logger_set_level(LOG_DEBUG);
            verbose_until_ns = clock_mono_ns(&system_clock) + 5 * NS_PER_MIN;
            break;
        case SIGNAL_NONE:
            overrides_watch_poll(node->overrides);
            break;
        }
        if (verbose_until_ns != 0 && clock_mono_ns(&system_clock) > verbose_until_ns) {
            logger_set_level(usual);
            verbose_until_ns = 0;
        }
    }
}

static void announce(const struct node *node)
{
    const char *address = slice_find_byte(node->line.config.listen, ':') == 0 ? "127.0.0.1" : "";
    log_info("serve", "listening", "address", arena_printf((struct arena *)&node->arena, "%s%.*s", address, SLICE_ARG(node->line.config.listen)).ptr,
             "data", arena_printf((struct arena *)&node->arena, "%.*s", SLICE_ARG(node->line.config.data)).ptr, "version", LOGI_VERSION);
}

static void help(void)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "Usage: logi serve [--listen ADDR:PORT] [--data DIR] [--config FILE] [FLAGS]\n\n"
                   "Every key of the configuration is a flag, and a variable: --server.listen, -server.listen, LOGI_SERVER_LISTEN.\n"
                   "Precedence: default, file, environment, flag. Limits: --limits_config.max_line_size and so on, see docs/configuration.md.\n\n"
                   "Flags:\n"
                   "  --config FILE, -config.file=FILE\n        the YAML configuration\n"
                   "  -config.expand-env\n        replace ${VAR} and ${VAR:default} in it\n"
                   "  -verify-config\n        check the configuration and end\n"
                   "  -print-config-stderr\n        print the settings at start\n"
                   "  -list-targets\n        print what target can be, and end\n"
                   "  -health [-health.url=URL]\n        ask URL, or the node of these settings, whether it is ready, and end\n"
                   "  --listen, --data, --durability, --shards\n        short for server.listen, storage.data, storage.durability, storage.shards\n");
    config_print_help(&text);
    (void)fwrite(text.ptr, 1, text.len, stdout);
    buf_fini(&text);
}

static void print_settings(const struct node *node)
{
    struct buf text = BUF_INIT;
    config_print(&node->line.config, "", &text);
    (void)fwrite(text.ptr, 1, text.len, stderr);
    buf_fini(&text);
}

static int serve(struct node *node)
{
    struct err err = {.code = ERR_NONE};
    signals_block();
    rcu_thread_join();
    bool ok = start(node, &err);
    if (ok) {
        announce(node);
        notify_service_manager("READY=1");
        wait_for_the_end(node);
        log_info("serve", "stopping");
        signals_default();
    } else {
        complain("%s", err.text);
    }
    stop(node);
    if (ok)
        log_info("serve", "stopped");
    rcu_thread_part();
    return ok ? EXIT_OK : (int)exit_code_of(&err);
}

/* Loki's -verify-config: the files that the settings name are read as well. */
static int verify_config(struct node *node)
{
    struct err err = {.code = ERR_NONE};
    void *tls = NULL;
    bool ok = false;
    if (node->line.print_config)
        print_settings(node);
    metric_table_init();
    ok = limits_open(node, &err) && users_open(node, &err) && tls_setup(&node->line.config, &tls, &err);
    if (ok)
        log_info("serve", "config is valid");
    else
        complain("%s", err.text);
    tls_context_free(tls);
    login_destroy(node->api.login);
    overrides_watch_destroy(node->overrides);
    limits_shelf_destroy(node->api.limits);
    arena_fini(&node->arena);
    return ok ? EXIT_OK : EXIT_CONFIG;
}

int command_serve(int argc, char **argv)
{
    static struct node node; // outlives main's return: HTTP loops cannot be ended with connections in them
    struct err err = {.code = ERR_NONE};
    bool usage = false;
    int code = EXIT_OK;
    if (!command_line_parse(argc, argv, environ, &node.line, &usage, &err)) {
        complain("%s", err.text);
        code = usage ? EXIT_USAGE : EXIT_CONFIG;
    } else if (node.line.help) {
        help();
    } else if (node.line.list_targets) {
        struct buf text = BUF_INIT;
        target_print_list(&text);
        (void)fwrite(text.ptr, 1, text.len, stdout);
        buf_fini(&text);
    } else if (node.line.health) {
        code = command_health(argc, argv);
    } else if (node.line.verify_only) {
        code = verify_config(&node);
    } else {
        node.argc = argc;
        node.argv = argv;
        if (node.line.print_config)
            print_settings(&node);
        code = serve(&node);
    }
    config_fini(&node.line.config);
    return code;
}
