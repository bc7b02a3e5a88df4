/* tenant.h: tenants by name. Rules for names: http-api.md section 2. */
#pragma once

#include "core/base/err.h"

#define TENANT_NAME_BYTES_MAX ((size_t)150)
#define TENANT_DEFAULT "default"

/* Checks characters, then length, then dots; ERR_INVALID with Loki's words. The name is already trimmed and cut at ':'. */
bool tenant_name_check(struct slice name, struct err *err) MUST_CHECK;

/* One value of X-Scope-OrgID to the names in it: split at '|', each trimmed, cut at ':', checked; sorted and unique.
 * ERR_INVALID; "no org id" for an empty part. *count is at most names_max, else ERR_LIMIT. Slices of header. */
bool tenant_header_parse(struct slice header, struct slice *names, size_t names_max, size_t *count, struct err *err) MUST_CHECK;
