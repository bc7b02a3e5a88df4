#include "net/http/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"

#define BACKLOG 1024

struct endpoint {
    char host[256];
    char port[16];
};

static bool endpoint_parse(const char *address, struct endpoint *out, struct err *err)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || strlen(colon + 1) >= sizeof(out->port) || colon[1] == '\0')
        return err_set(err, ERR_INVALID, "listen address \"%s\" is not HOST:PORT", address);
    size_t digits = strspn(colon + 1, "0123456789");
    if (colon[1 + digits] == '\0' && (digits > 5 || strtoul(colon + 1, NULL, 10) > UINT16_MAX)) // the system would take what is left modulo 65536
        return err_set(err, ERR_INVALID, "listen address \"%s\": a port is 0 to 65535", address);
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (len >= sizeof(out->host))
        return err_set(err, ERR_INVALID, "listen address \"%s\" is too long", address);
    memcpy(out->host, address, len);
    out->host[len] = '\0';
    (void)snprintf(out->port, sizeof(out->port), "%s", colon + 1);
    return true;
}

static int socket_open(const struct addrinfo *info, int64_t write_timeout_ns)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);
    if (fd < 0)
        return -1;
    int on = 1;
    unsigned timeout_ms = (unsigned)(write_timeout_ns / NS_PER_MS);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return 0;
    return name.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&name)->sin6_port)
                                      : ntohs(((struct sockaddr_in *)&name)->sin_port);
}

/* SO_REUSEPORT lets a second process of the same user bind as well, which would then steal connections: so the first bind of a listener
 * is tried without it. */
static bool is_in_use(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC, info->ai_protocol);
    if (fd < 0)
        return false;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool used = bind(fd, info->ai_addr, info->ai_addrlen) != 0;
    (void)close(fd);
    return used;
}

int listener_open(const char *address, unsigned *port, int64_t write_timeout_ns, struct err *err)
{
    struct endpoint endpoint;
    if (!endpoint_parse(address, &endpoint, err))
        return -1;
    bool is_first = *port == 0;
    if (!is_first)
        (void)snprintf(endpoint.port, sizeof(endpoint.port), "%u", *port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(endpoint.host[0] == '\0' ? NULL : endpoint.host, endpoint.port, &hints, &found);
    if (code != 0) {
        err_fill(err, ERR_INVALID, "listen address %s: %s", address, gai_strerror(code));
        return -1;
    }
    int fd = -1;
    if (is_first && is_in_use(found)) {
        err_fill(err, ERR_UNAVAILABLE, "listen address %s is in use, or not one of this machine's: choose another with --listen", address);
    } else {
        fd = socket_open(found, write_timeout_ns);
        if (fd < 0)
            err_fill_errno(err, "listen on %s", address);
    }
    freeaddrinfo(found);
    if (fd >= 0)
        *port = port_of(fd);
    return fd;
}
