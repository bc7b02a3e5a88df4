#include "cmd/tls_setup.h"

#include <stdio.h>

#include "core/base/logger.h"
#include "core/base/metric.h"
#include "core/metrics/metric_table.h"
#include "net/http/tls.h"

#define NEAR_S (14 * 24 * 3600)

static void tell_expiry(struct slice file, int64_t expiry_s)
{
    int64_t now_s = clock_wall_ns(&system_clock) / NS_PER_S;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%.*s", SLICE_ARG(file));
    metric_set(metric_get1(METRIC_logi_tls_certificate_expiry_timestamp_seconds, SLICE("server")), (double)expiry_s);
    if (expiry_s <= now_s)
        log_error("tls", "the certificate is no longer valid: clients will refuse it", "file", path);
    else if (expiry_s - now_s < NEAR_S)
        log_warn("tls", "the certificate ends in less than 14 days", "file", path);
}

bool tls_setup(const struct config *config, void **out, struct err *err)
{
    struct arena arena = ARENA_INIT;
    int64_t expiry_s = 0;
    struct tls_files files = {.only_tls13 = slice_eq(config->tls_min_version, SLICE("VersionTLS13"))};
    *out = NULL;
    if (config->tls_cert_file.len == 0)
        return true;
    files.cert = arena_printf(&arena, "%.*s", SLICE_ARG(config->tls_cert_file)).ptr; // ends with a 0
    files.key = arena_printf(&arena, "%.*s", SLICE_ARG(config->tls_key_file)).ptr;
    if (config->tls_client_ca_file.len > 0)
        files.client_ca = arena_printf(&arena, "%.*s", SLICE_ARG(config->tls_client_ca_file)).ptr;
    bool ok = tls_client_auth_parse(config->tls_client_auth_type, &files.client_auth, err) || err_wrap(err, "server.http_tls_config.client_auth_type");
    ok = ok && tls_context_open(&files, out, &expiry_s, err);
    if (ok)
        tell_expiry(config->tls_cert_file, expiry_s);
    arena_fini(&arena);
    return ok;
}
