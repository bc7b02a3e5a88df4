/* reload.h: SIGHUP: the settings, the users and the certificate, read anew while the node serves.
 *
 * Taken: limits_config, overrides, runtime_config, log.level, the users file, TLS files. Other keys that changed are named in a warning and keep their value
 * until a restart. What cannot be read leaves the old in force, and says so: the settings as a whole, users and certificate each by themselves.
 * Thread: main, but for reload_print.
 */
#pragma once

#include "cmd/overrides_watch.h"
#include "net/auth/login.h"
#include "net/http/server.h"

struct reload_parts {
    int argc; /* of the command line, without the command's name: they live as long as the process */
    char **argv;
    const struct config *started; /* outlives the reload; never changed */
    struct overrides_watch *overrides;
    struct login *login; /* NULL: no users */
    struct http_server *const *server; /* started by the first reload_run */
};

struct reload;
struct reload *reload_create(const struct reload_parts *parts) MUST_CHECK;
void reload_destroy(struct reload *reload); /* NULL is fine */

void reload_run(struct reload *reload);
/* The settings in force, as config_print. Thread: any. */
void reload_print(struct reload *reload, const char *mode, struct buf *out);
