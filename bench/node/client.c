#include "bench/node/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

bool client_init(struct client *client, const char *url, struct err *err)
{
    *client = (struct client){.fd = -1};
    if (sscanf(url, "http://%127[^:/]:%15[0-9]", client->host, client->port) != 2)
        return err_set(err, ERR_INVALID, "%s is no http://HOST:PORT", url);
    return true;
}

void client_fini(struct client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    buf_fini(&client->in);
    client->fd = -1;
}

static bool connect_to(struct client *client, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int on = 1;
    if (getaddrinfo(client->host, client->port, &hints, &found) != 0)
        return err_set(err, ERR_INVALID, "cannot look up %s", client->host);
    client->fd = socket(found->ai_family, found->ai_socktype, 0);
    bool ok = client->fd >= 0 && connect(client->fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!ok)
        return err_errno(err, "connect to %s:%s", client->host, client->port);
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return true;
}

static bool send_all(struct client *client, struct slice head, struct slice body, struct err *err)
{
    struct iovec pieces[2] = {{(char *)(uintptr_t)head.ptr, head.len}, {(char *)(uintptr_t)body.ptr, body.len}};
    while (pieces[0].iov_len + pieces[1].iov_len > 0) {
        ssize_t n = writev(client->fd, pieces, 2);
        if (n < 0)
            return err_errno(err, "send");
        for (int i = 0; i < 2; i++) {
            size_t took = (size_t)n < pieces[i].iov_len ? (size_t)n : pieces[i].iov_len;
            pieces[i].iov_base = (char *)pieces[i].iov_base + took;
            pieces[i].iov_len -= took;
            n -= (ssize_t)took;
        }
    }
    return true;
}

static bool more(struct client *client, struct err *err)
{
    char *to = buf_room(&client->in, 1 << 16);
    ssize_t n = read(client->fd, to, 1 << 16);
    if (n <= 0)
        return n == 0 ? err_set(err, ERR_TRUNCATED, "the server closed the connection") : err_errno(err, "receive");
    buf_took(&client->in, (size_t)n);
    return true;
}

static const char *header_find(struct slice head, const char *name)
{
    for (size_t i = 0; i + strlen(name) < head.len; i++) {
        if (slice_eq_nocase(slice_of(head.ptr + i, strlen(name)), slice_str(name)))
            return head.ptr + i + strlen(name);
    }
    return NULL;
}

static bool read_chunked(struct client *client, size_t at, struct buf *answer, struct err *err)
{
    for (;;) {
        char *end = NULL;
        while ((end = memmem(client->in.ptr + at, client->in.len - at, "\r\n", 2)) == NULL) {
            if (!more(client, err))
                return false;
        }
        size_t size = strtoul(client->in.ptr + at, NULL, 16);
        at = (size_t)(end - client->in.ptr) + 2;
        while (client->in.len < at + size + 2) {
            if (!more(client, err))
                return false;
        }
        if (size == 0)
            return true;
        buf_put(answer, slice_of(client->in.ptr + at, size));
        at += size + 2;
    }
}

static bool read_answer(struct client *client, int *status, struct buf *answer, struct err *err)
{
    char *end = NULL;
    buf_reset(&client->in);
    while (client->in.len == 0 || (end = memmem(client->in.ptr, client->in.len, "\r\n\r\n", 4)) == NULL) {
        if (!more(client, err))
            return false;
    }
    size_t head = (size_t)(end - client->in.ptr) + 4;
    *status = atoi(client->in.ptr + 9);
    const char *length = header_find(slice_of(client->in.ptr, head), "\r\ncontent-length:");
    if (header_find(slice_of(client->in.ptr, head), "\r\ntransfer-encoding: chunked") != NULL)
        return read_chunked(client, head, answer, err);
    size_t bytes = length == NULL ? 0 : strtoul(length, NULL, 10);
    while (client->in.len < head + bytes) {
        if (!more(client, err))
            return false;
    }
    buf_put(answer, slice_of(client->in.ptr + head, bytes));
    return true;
}

bool client_request(struct client *client, const char *method, const char *target, const char *headers, struct slice body, int *status,
                    struct buf *answer, struct err *err)
{
    struct buf head = BUF_INIT;
    buf_reset(answer);
    buf_printf(&head, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n%s", method, target, client->host, client->port, headers);
    if (body.len > 0 || strcmp(method, "POST") == 0)
        buf_printf(&head, "Content-Length: %zu\r\n", body.len);
    buf_str(&head, "\r\n");
    bool ok = (client->fd >= 0 || connect_to(client, err)) && send_all(client, buf_slice(&head), body, err) &&
              read_answer(client, status, answer, err);
    buf_fini(&head);
    if (!ok && client->fd >= 0) {
        (void)close(client->fd);
        client->fd = -1;
    }
    return ok;
}

void client_encode(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~')
            buf_byte(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}
