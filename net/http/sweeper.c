#include "net/http/sweeper.h"

#include <h2o/http1.h>
#include <poll.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "net/http/exchange.h"
#include "net/http/handshakes.h"

#define SWEEP_MS 100

/* What was seen of a connection at the last sweep. */
struct watched {
    uint64_t id; /* of the h2o connection; 0: free slot */
    uint32_t generation;
    size_t bytes_at_start;  /* bytes_read when the request under way began */
    size_t bytes_at_window; /* ... when the rate window began */
    int64_t start_ns, window_ns;
};

struct sweeper {
    struct http_loop *loop;
    h2o_timeout_t timeout;
    h2o_timeout_entry_t entry;
    struct watched *slots; /* open addressing by id */
    size_t slot_count;     /* a power of two */
    size_t used;
    uint32_t generation;
    int64_t due_mono_ns;   /* of the timer */
    size_t body_bytes;     /* this sweep's sum of what connections hold */
    h2o_socket_t *largest;
    size_t largest_bytes;
    struct pollfd *polls;  /* of requests under way */
    size_t poll_cap;
};

static struct watched *slot_of(struct sweeper *sweeper, uint64_t id)
{
    size_t i = (id * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (;; i++) {
        struct watched *slot = &sweeper->slots[i & (sweeper->slot_count - 1)];
        if (slot->id == id || slot->id == 0)
            return slot;
    }
}

/* Forgets connections that were not there in the last sweep; makes room for twice as many as are left. */
static void slots_renew(struct sweeper *sweeper)
{
    struct watched *old = sweeper->slots;
    size_t old_count = sweeper->slot_count;
    size_t kept = 0;
    for (size_t i = 0; i < old_count; i++)
        kept += old[i].id != 0 && old[i].generation + 1 >= sweeper->generation;
    sweeper->slot_count = 64;
    while (sweeper->slot_count < kept * 4)
        sweeper->slot_count *= 2;
    sweeper->slots = mem_array(sweeper->slot_count, sizeof(*sweeper->slots));
    sweeper->used = kept;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].id != 0 && old[i].generation + 1 >= sweeper->generation)
            *slot_of(sweeper, old[i].id) = old[i];
    }
    mem_free(old);
}

static struct watched *watch(struct sweeper *sweeper, uint64_t id, int64_t now)
{
    struct watched *slot = slot_of(sweeper, id);
    if (slot->id == 0) {
        if ((sweeper->used + 1) * 2 > sweeper->slot_count) {
            slots_renew(sweeper);
            slot = slot_of(sweeper, id);
        }
        sweeper->used++;
        *slot = (struct watched){.id = id, .start_ns = now, .window_ns = now};
    }
    slot->generation = sweeper->generation;
    return slot;
}

/* A connection whose request is being answered has no input to wait for: the clock starts again afterwards. */
static void restart(struct watched *slot, const h2o_socket_t *sock, int64_t now)
{
    slot->start_ns = slot->window_ns = now;
    slot->bytes_at_start = slot->bytes_at_window = sock->bytes_read;
}

static const char *verdict(struct sweeper *sweeper, struct watched *slot, h2o_req_t *req, const h2o_socket_t *sock, int64_t now)
{
    const struct http_server_config *config = &sweeper->loop->server->config;
    bool has_head = req->method.base != NULL; // libh2o has parsed the head and waits for the body
    if (sock->input->size == 0 && !has_head) { // idle between requests: libh2o's own timer ends it
        restart(slot, sock, now);
        return NULL;
    }
    if (!has_head)
        return now - slot->start_ns > config->head_timeout_ns ? "slow_client" : NULL;
    size_t taken = sock->bytes_read - slot->bytes_at_start;
    if (taken > config->body_bytes_max + config->body_bytes_max / 8 + ((size_t)1 << 20))
        return "too_large";
    if (now - slot->window_ns >= config->body_rate_window_ns) {
        if (sock->bytes_read - slot->bytes_at_window < config->body_rate_bytes)
            return "slow_client";
        slot->window_ns = now;
        slot->bytes_at_window = sock->bytes_read;
    }
    return NULL;
}

/* From the handler's turn until the whole answer has been taken: what is slow then is us, or the client's reading, which write_timeout is for. */
static bool is_answering(const h2o_req_t *req)
{
    return req->pathconf != NULL; // set when the request, which is whole by then, goes to its handler
}

static void cut(struct sweeper *sweeper, h2o_socket_t *sock, const char *reason)
{
    const struct http_server_config *config = &sweeper->loop->server->config;
    (void)shutdown(h2o_socket_get_fd(sock), SHUT_RDWR); // libh2o then sees the end and closes
    if (config->rejected != NULL)
        config->rejected(config->app, reason);
}

static int look(h2o_req_t *req, void *self)
{
    struct sweeper *sweeper = self;
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
    if (sock == NULL || sock->input == NULL)
        return 0;
    int64_t now = clock_mono_ns(sweeper->loop->server->config.clock);
    struct watched *slot = watch(sweeper, req->conn->id, now);
    if (is_answering(req)) {
        restart(slot, sock, now);
        return 0;
    }
    sweeper->body_bytes += sock->input->size;
    if (sock->input->size > sweeper->largest_bytes) {
        sweeper->largest_bytes = sock->input->size;
        sweeper->largest = sock;
    }
    const char *reason = verdict(sweeper, slot, req, sock, now);
    if (reason != NULL)
        cut(sweeper, sock, reason);
    return 0;
}

/* libh2o does not read while a request is answered, and so does not see its client leave: work that nobody waits for any more is told here. As with Go's
 * server, a client that has closed its side for writing has left. */
static void look_for_leavers(struct sweeper *sweeper)
{
    const struct http_loop *loop = sweeper->loop;
    nfds_t count = 0;
    for (h2o_linklist_t *link = loop->under_way.next; link != &loop->under_way; link = link->next) {
        const struct http_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct http_exchange, link, link);
        if (count == sweeper->poll_cap) {
            sweeper->poll_cap = sweeper->poll_cap == 0 ? 64 : sweeper->poll_cap * 2;
            sweeper->polls = mem_grow(sweeper->polls, sweeper->poll_cap, sizeof(*sweeper->polls));
        }
        const h2o_socket_t *sock = exchange->h2o->conn->callbacks->get_socket(exchange->h2o->conn);
        bool is_told = exchange->request.on_gone == NULL || atomic_load(&exchange->is_gone);
        sweeper->polls[count++] = (struct pollfd){.fd = is_told ? -1 : h2o_socket_get_fd((h2o_socket_t *)(uintptr_t)sock), .events = POLLRDHUP};
    }
    if (count == 0 || poll(sweeper->polls, count, 0) <= 0)
        return;
    nfds_t i = 0;
    for (h2o_linklist_t *link = loop->under_way.next; i < count; link = link->next, i++)
        if (sweeper->polls[i].revents != 0)
            exchange_leave(H2O_STRUCT_FROM_MEMBER(struct http_exchange, link, link));
}

static void arm(struct sweeper *sweeper)
{
    // libh2o counts from the time at which this turn of the loop began.
    sweeper->due_mono_ns = clock_mono_ns(sweeper->loop->server->config.clock) + SWEEP_MS * NS_PER_MS;
    h2o_timeout_link(sweeper->loop->context.loop, &sweeper->timeout, &sweeper->entry);
}

static void sweep(h2o_timeout_entry_t *entry)
{
    struct sweeper *sweeper = H2O_STRUCT_FROM_MEMBER(struct sweeper, entry, entry);
    struct http_server *server = sweeper->loop->server;
    int64_t late_ns = clock_mono_ns(server->config.clock) - sweeper->due_mono_ns;
    if (server->config.lagged != NULL)
        server->config.lagged(server->config.app, late_ns > 0 ? late_ns : 0);
    sweeper->generation++;
    sweeper->body_bytes = sweeper->largest_bytes = 0;
    sweeper->largest = NULL;
    handshakes_sweep(sweeper->loop, clock_mono_ns(server->config.clock));
    look_for_leavers(sweeper);
    (void)H2O_HTTP1_CALLBACKS.foreach_request(&sweeper->loop->context, look, sweeper);
    atomic_store_explicit(&sweeper->loop->arriving_bytes, sweeper->body_bytes, memory_order_relaxed); // a figure
    size_t share = server->config.body_budget_bytes / server->loop_count;
    if (sweeper->body_bytes > share && sweeper->largest != NULL)
        cut(sweeper, sweeper->largest, "overload");
    arm(sweeper);
}

struct sweeper *sweeper_create(struct http_loop *loop)
{
    struct sweeper *sweeper = mem_zero(sizeof(*sweeper));
    sweeper->loop = loop;
    sweeper->slot_count = 64;
    sweeper->slots = mem_array(sweeper->slot_count, sizeof(*sweeper->slots));
    h2o_timeout_init(loop->context.loop, &sweeper->timeout, SWEEP_MS);
    sweeper->entry.cb = sweep;
    arm(sweeper);
    return sweeper;
}

void sweeper_destroy(struct sweeper *sweeper)
{
    if (sweeper == NULL)
        return;
    h2o_timeout_unlink(&sweeper->entry);
    h2o_timeout_dispose(sweeper->loop->context.loop, &sweeper->timeout);
    mem_free(sweeper->slots);
    mem_free(sweeper->polls);
    mem_free(sweeper);
}
