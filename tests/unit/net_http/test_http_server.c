/* The server over real sockets on loopback: what it answers, what it refuses, whom it cuts off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "net/http/server.h"

static struct http_server *server;
static struct router *router;
static atomic_int gone_seen, rejected_seen, held;
static struct http_request *_Atomic held_request;

static void echo(struct http_request *request)
{
    struct http_reply reply = {.status = 200, .content_type = "text/plain"};
    buf_printf(&reply.body, "%.*s %.*s [%.*s] ", SLICE_ARG(request->method_text), SLICE_ARG(request->path), SLICE_ARG(request->query));
    buf_put(&reply.body, request->body);
    http_reply(request, &reply);
}

static void *answer_later(void *self)
{
    struct http_request *request = self;
    http_reply_text(request, 200, SLICE("later"));
    return NULL;
}

static void other_thread(struct http_request *request)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_later, request), 0);
    (void)pthread_detach(thread);
}

static void on_gone(struct http_request *request)
{
    (void)request;
    atomic_fetch_add(&gone_seen, 1);
}

static void hold(struct http_request *request)
{
    request->on_gone = on_gone;
    atomic_store(&held_request, request);
    atomic_store(&held, 1);
}

static void big(struct http_request *request)
{
    struct http_reply reply = {.status = 200, .content_type = "text/plain"};
    size_t bytes = (size_t)8 << 20;
    memset(buf_room(&reply.body, bytes), 'x', bytes);
    buf_took(&reply.body, bytes);
    http_reply(request, &reply);
}

static void none(struct http_request *request)
{
    http_reply_status(request, 204);
}

static const struct http_route routes[] = {
    {HTTP_GET | HTTP_POST | HTTP_HEAD, "/echo", "echo", 0, echo},
    {HTTP_GET, "/thread", "thread", 0, other_thread},
    {HTTP_GET, "/hold", "hold", 0, hold},
    {HTTP_GET, "/big", "big", 0, big},
    {HTTP_POST, "/none", "none", 0, none},
};

static void rejected(void *app, const char *reason)
{
    (void)app;
    (void)reason;
    atomic_fetch_add(&rejected_seen, 1);
}

static int start(void **state)
{
    (void)state;
    struct http_server_config config;
    struct err err;
    router = router_create();
    router_add(router, routes, LENGTH(routes));
    http_server_config_defaults(&config);
    config.listeners[config.listener_count++] = (struct http_listener){.address = "127.0.0.1:0", .router = router};
    config.loops = 2;
    config.body_folder = "/tmp";
    config.body_bytes_max = 1000000;
    config.body_budget_bytes = 4000000;
    config.connections_max = 64;
    config.head_timeout_ns = 300 * NS_PER_MS;
    config.body_rate_window_ns = 500 * NS_PER_MS;
    config.body_rate_bytes = 1000;
    config.rejected = rejected;
    if (!http_server_start(&config, &server, &err))
        (void)fprintf(stderr, "%s\n", err.text);
    return server == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    http_server_stop_accepting(server);
    http_server_stop(server, NS_PER_S);
    router_destroy(router);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server, 0)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; // the server may have closed: what it said before is what counts
        bytes += n;
        len -= (size_t)n;
    }
}

/* Reads until `count` answers or the end or 5 s; the caller frees. */
static char *get(int fd, const char *until, bool *closed)
{
    size_t cap = 1 << 16;
    size_t len = 0;
    char *text = malloc(cap);
    *closed = false;
    for (;;) {
        struct pollfd wait = {fd, POLLIN, 0};
        if (len + 4096 > cap)
            text = realloc(text, cap *= 2);
        assert_non_null(text);
        text[len] = '\0';
        if (until != NULL && strstr(text, until) != NULL)
            return text;
        if (poll(&wait, 1, 5000) <= 0)
            return text;
        ssize_t n = recv(fd, text + len, cap - len - 1, 0);
        if (n <= 0) {
            *closed = true;
            return text;
        }
        len += (size_t)n;
    }
}

static const struct exchange_case {
    const char *name, *request, *want; /* want occurs in the answer */
    bool closes;
} cases[] = {
    {"a GET", "GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /echo [a=b]", false},
    {"a POST", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "POST /echo [] hello", false},
    {"a chunked POST", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "POST /echo [] hello", false},
    {"pipelined requests", "GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n", "[2]", false},
    {"an offer of HTTP/2 keeps the connection",
     "GET /echo?1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
     "GET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n", "[2]", false},
    {"close beside another", "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n", "GET /echo", true},
    {"close after another", "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: TE\r\nConnection: close\r\n\r\n", "GET /echo", true},
    {"HTTP/1.0 with another", "GET /echo HTTP/1.0\r\nConnection: TE\r\n\r\n", "GET /echo", true},
    {"HTTP/1.0", "GET /echo HTTP/1.0\r\n\r\n", "GET /echo", true},
    {"raw braces", "GET /echo?q={a=\"b\"} HTTP/1.1\r\nHost: x\r\n\r\n", "[q={a=\"b\"}]", false},
    {"absolute form", "GET http://x/echo HTTP/1.1\r\nHost: x\r\n\r\n", "GET /echo", false},
    {"an answer from another thread", "GET /thread HTTP/1.1\r\nHost: x\r\n\r\n", "later", false},
    {"204 has no body", "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", "204 No Content", false},
    {"an unknown path", "GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", "404 page not found", false},
    {"a wrong method", "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", false},
    {"the methods that are not wrong", "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", "allow: GET, POST, HEAD\r\n", false},
    {"a bad escape in a path", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request\n", true},
    {"a path to clean", "GET //echo?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", "/echo?x=1", false},
    {"two Content-Length", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400 Bad Request", true},
    {"length and coding", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad Request", true},
    {"no Host", "GET /echo HTTP/1.1\r\n\r\n", "400 Bad Request", true},
    {"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400", true},
};

static void each_request_has_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        bool closed = false;
        int fd = dial();
        put(fd, cases[i].request, strlen(cases[i].request));
        char *answer = get(fd, cases[i].closes ? NULL : cases[i].want, &closed);
        if (strstr(answer, cases[i].want) == NULL)
            fail_msg("%s: no \"%s\" in: %s", cases[i].name, cases[i].want, answer);
        if (cases[i].closes != closed)
            fail_msg("%s: connection %s", cases[i].name, closed ? "closed" : "stays open");
        free(answer);
        (void)close(fd);
    }
}

static void a_body_over_the_limit_is_413(void **state)
{
    (void)state;
    bool closed = false;
    int fd = dial();
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000002\r\n\r\n";
    char *body = mem_zero(1000002);
    put(fd, head, strlen(head));
    put(fd, body, 1000002);
    char *answer = get(fd, "413", &closed);
    assert_non_null(strstr(answer, "413"));
    free(answer);
    (void)close(fd);

    fd = dial();
    head = "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    put(fd, head, strlen(head));
    put(fd, body, 1000000);
    answer = get(fd, "204", &closed);
    assert_non_null(strstr(answer, "204"));
    free(answer);
    mem_free(body);
    (void)close(fd);
}

static void a_client_that_leaves_is_told_to_the_handler_and_harms_nothing(void **state)
{
    (void)state;
    int fd = dial();
    const char *text = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    put(fd, text, strlen(text));
    for (int i = 0; i < 500 && atomic_load(&held) == 0; i++)
        (void)usleep(10000);
    assert_int_equal(atomic_load(&held), 1);
    (void)close(fd);
    for (int i = 0; i < 500 && atomic_load(&gone_seen) == 0; i++)
        (void)usleep(10000);
    assert_int_equal(atomic_load(&gone_seen), 1); // told while it is held, not when it is answered
    struct http_request *request = atomic_load(&held_request);
    http_reply_text(request, 200, SLICE("too late"));
    fd = dial();
    bool closed = false;
    put(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 31);
    char *answer = get(fd, "GET /echo", &closed);
    assert_non_null(strstr(answer, "GET /echo"));
    assert_int_equal(atomic_load(&gone_seen), 1); // once
    free(answer);
    (void)close(fd);
}

static void a_head_that_does_not_end_is_cut(void **state)
{
    (void)state;
    int before = atomic_load(&rejected_seen);
    bool closed = false;
    int fd = dial();
    put(fd, "GET /echo HTTP/1.1\r\nHost:", 25);
    char *answer = get(fd, NULL, &closed);
    assert_true(closed);
    for (int i = 0; i < 500 && atomic_load(&rejected_seen) == before; i++)
        (void)usleep(10000); // it is counted after the cut
    assert_true(atomic_load(&rejected_seen) > before);
    free(answer);
    (void)close(fd);
}

static void a_body_that_trickles_is_cut(void **state)
{
    (void)state;
    bool closed = false;
    int fd = dial();
    const char *text = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc";
    put(fd, text, strlen(text));
    char *answer = get(fd, NULL, &closed);
    assert_true(closed);
    free(answer);
    (void)close(fd);
}

static void connections_over_the_cap_wait_and_are_served_when_others_leave(void **state)
{
    (void)state;
    int fds[80];
    bool closed = false;
    for (size_t i = 0; i < LENGTH(fds); i++)
        fds[i] = dial();
    for (int i = 0; i < 200 && http_server_connections(server) < 64; i++)
        (void)usleep(10000);
    assert_true(http_server_connections(server) <= 64);
    for (size_t i = 0; i < 70; i++)
        (void)close(fds[i]);
    for (size_t i = 70; i < LENGTH(fds); i++) {
        put(fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 31);
        char *answer = get(fds[i], "GET /echo", &closed);
        if (strstr(answer, "GET /echo") == NULL)
            fail_msg("connection %zu is not served: %s", i, answer);
        free(answer);
        (void)close(fds[i]);
    }
}

static void a_large_answer_arrives_whole(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "GET /big HTTP/1.0\r\n\r\n", 21);
    bool closed = false;
    char *answer = get(fd, NULL, &closed);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), (size_t)8 << 20);
    free(answer);
    (void)close(fd);
}

static void a_large_answer_that_is_read_slowly_arrives_whole(void **state)
{
    (void)state;
    static char bytes[64 << 10];
    int fd = dial(), small = 64 << 10;
    size_t len = 0;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    put(fd, "GET /big HTTP/1.0\r\n\r\n", 21);
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) {
        n = recv(fd, bytes, sizeof(bytes), 0);
        (void)usleep(15000); // some seconds for all of it: several windows of the body rate, in which nothing comes from this client
    }
    assert_true(len > (size_t)8 << 20);
    (void)close(fd);
}

static void an_address_in_use_is_named(void **state)
{
    (void)state;
    struct http_server_config config;
    struct http_server *second = NULL;
    struct err err;
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(server, 0));
    http_server_config_defaults(&config);
    config.listeners[config.listener_count++] = (struct http_listener){.address = address, .router = router};
    config.body_folder = "/tmp";
    assert_false(http_server_start(&config, &second, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, address));
}

static void an_optional_address_in_use_is_done_without(void **state)
{
    (void)state;
    struct http_server_config config;
    struct http_server *second = NULL;
    struct err err = {.code = ERR_NONE};
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", http_server_port(server, 0));
    http_server_config_defaults(&config);
    config.listeners[config.listener_count++] = (struct http_listener){.address = "127.0.0.1:0", .router = router};
    config.listeners[config.listener_count++] = (struct http_listener){.address = address, .router = router, .is_optional = true};
    config.body_folder = "/tmp";
    if (!http_server_start(&config, &second, &err))
        fail_msg("%s", err.text);
    assert_int_not_equal(http_server_port(second, 0), 0);
    assert_int_equal(http_server_port(second, 1), 0);
    http_server_stop_accepting(second);
    http_server_stop(second, 0);
}

/* ---- a stop that has no time ---- */

static atomic_int begun, waiting_run, waiting;

static void *run_task(void *self)
{
    struct http_request *request = self;
    while (!http_request_is_gone(request)) // in its turn, or when it is told that there is none
        (void)usleep(1000);
    atomic_fetch_add(&waiting_run, 1);
    ((void (*)(void *))request->state)(request);
    return NULL;
}

static void *run_now(void *self)
{
    struct http_request *request = self;
    ((void (*)(void *))request->state)(request);
    return NULL;
}

/* A pool: what is asked of /endless runs at once, all else waits. */
static bool run_later(struct http_request *request, void (*task)(void *self))
{
    pthread_t thread;
    request->on_gone = on_gone;
    request->state = (void *)task;
    bool is_endless = slice_eq(request->path, SLICE("/endless"));
    assert_int_equal(pthread_create(&thread, NULL, is_endless ? run_now : run_task, request), 0);
    (void)pthread_detach(thread);
    atomic_fetch_add(&waiting, is_endless ? 0 : 1);
    return true;
}

static void endless(struct http_request *request)
{
    atomic_fetch_add(&begun, 1);
    while (!http_request_is_gone(request))
        (void)usleep(1000);
    http_reply_text(request, 503, SLICE("given up"));
}

static void never_begun(struct http_request *request)
{
    atomic_fetch_add(&begun, 100);
    http_reply_status(request, 200);
}

static void a_stop_without_time_ends_what_runs_and_begins_nothing(void **state)
{
    (void)state;
    static const struct http_route own_routes[] = {
        {HTTP_GET, "/endless", "endless", ROUTE_ON_POOL, endless},
        {HTTP_GET, "/waiting", "waiting", ROUTE_ON_POOL, never_begun},
    };
    struct router *own = router_create();
    struct http_server_config config;
    struct http_server *other = server, *own_server = NULL;
    struct err err = {.code = ERR_NONE};
    bool closed = false;
    router_add(own, own_routes, LENGTH(own_routes));
    http_server_config_defaults(&config);
    config.listeners[config.listener_count++] = (struct http_listener){.address = "127.0.0.1:0", .router = own};
    config.body_folder = "/tmp";
    config.run = run_later;
    if (!http_server_start(&config, &own_server, &err))
        fail_msg("%s", err.text);
    server = own_server;
    int fds[2] = {dial(), dial()};
    server = other;
    put(fds[0], "GET /endless HTTP/1.0\r\n\r\n", 25);
    put(fds[1], "GET /waiting HTTP/1.0\r\n\r\n", 25);
    for (int i = 0; i < 3000 && (atomic_load(&begun) == 0 || atomic_load(&waiting) == 0); i++)
        (void)usleep(10000);
    http_server_stop_accepting(own_server);
    http_server_stop(own_server, 50 * NS_PER_MS);
    assert_int_equal(atomic_load(&begun), 1);
    assert_int_equal(atomic_load(&waiting_run), 1); // nothing of a request is under way when it returns
    static const char *const want[] = {"given up", "the server is stopping"};
    for (size_t i = 0; i < LENGTH(fds); i++) {
        char *answer = get(fds[i], want[i], &closed);
        if (strstr(answer, "503") == NULL || strstr(answer, want[i]) == NULL)
            fail_msg("no \"%s\" in: %s", want[i], answer);
        free(answer);
        (void)close(fds[i]);
    }
    router_destroy(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_answer),
        cmocka_unit_test(a_body_over_the_limit_is_413),
        cmocka_unit_test(a_client_that_leaves_is_told_to_the_handler_and_harms_nothing),
        cmocka_unit_test(a_head_that_does_not_end_is_cut),
        cmocka_unit_test(a_body_that_trickles_is_cut),
        cmocka_unit_test(connections_over_the_cap_wait_and_are_served_when_others_leave),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(a_large_answer_that_is_read_slowly_arrives_whole),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(an_optional_address_in_use_is_done_without),
        cmocka_unit_test(a_stop_without_time_ends_what_runs_and_begins_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
