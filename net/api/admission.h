/* admission.h: who may do what: credentials, then the tenants that they may use. Rules for users: docs/security.md; for tenants: spec http-api.md 2.
 * Thread: the request's loop. */
#pragma once

#include "net/http/request.h"

/* True: the handler may run. False: refused, and replied to; or its password is being checked: then the request goes on by itself. */
bool admission_check(struct http_request *request) MUST_CHECK;
