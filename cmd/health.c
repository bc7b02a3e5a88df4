/* health.c: logi health, and Loki's -health: asks a node's /ready, for probes in images without a shell or curl. */
#include <curl/curl.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/command_line.h"
#include "cmd/commands.h"
#include "cmd/exit_code.h"

#define TIMEOUT_S 5L

/* What server.listen says, with the loopback address for "all addresses". */
static const char *own_url(const struct config *config, struct arena *arena)
{
    struct slice listen = config->listen;
    size_t colon = listen.len;
    while (colon > 0 && listen.ptr[colon - 1] != ':')
        colon--;
    struct slice host = slice_of(listen.ptr, colon == 0 ? 0 : colon - 1);
    struct slice port = slice_from(listen, colon);
    if (host.len == 0 || slice_eq(host, SLICE("0.0.0.0")))
        host = SLICE("127.0.0.1");
    else if (slice_eq(host, SLICE("[::]")))
        host = SLICE("[::1]");
    return arena_printf(arena, "%s://%.*s:%.*s/ready", config->tls_cert_file.len > 0 ? "https" : "http", SLICE_ARG(host), SLICE_ARG(port)).ptr;
}

static size_t drop_answer(char *bytes, size_t size, size_t count, void *self)
{
    (void)bytes;
    (void)self;
    return size * count;
}

/* is_own: the node of these settings, whose certificate is made out to another name than the loopback address. */
static bool ask(const char *url, bool is_own, long *out_status, const char **why)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        *why = "libcurl has no memory";
        return false;
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "logi-health");
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_answer);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, is_own ? 0L : 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, is_own ? 0L : 2L);
    CURLcode code = curl_easy_perform(curl);
    *why = curl_easy_strerror(code);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, out_status);
    curl_easy_cleanup(curl);
    return code == CURLE_OK;
}

static int health(const struct command_line *line)
{
    struct arena arena = ARENA_INIT;
    const char *why = "";
    long status = 0;
    const char *url = line->health_url != NULL ? line->health_url : own_url(&line->config, &arena);
    bool ok = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && ask(url, line->health_url == NULL, &status, &why);
    curl_global_cleanup();
    if (!ok)
        (void)fprintf(stderr, "Health check failed: GET %s: %s\n", url, why);
    else if (status != 200)
        (void)fprintf(stderr, "Logi is unhealthy: status code %ld\n", status);
    else
        (void)puts("Logi is healthy");
    arena_fini(&arena);
    return ok && status == 200 ? EXIT_OK : EXIT_CONFIG;
}

int command_health(int argc, char **argv)
{
    struct command_line line;
    struct err err = {.code = ERR_NONE};
    bool usage = false;
    int code = EXIT_OK;
    if (!command_line_parse(argc, argv, environ, &line, &usage, &err)) {
        complain("%s", err.text);
        code = usage ? EXIT_USAGE : EXIT_CONFIG;
    } else if (line.help) {
        (void)puts("Usage: logi health [--health.url URL] [FLAGS of serve]\n\n"
                   "Asks URL, or /ready of the node that the settings describe (server.listen), whether it can serve: exit 0 if it says 200 within 5 s, else 1.");
    } else {
        code = health(&line);
    }
    config_fini(&line.config);
    return code;
}
