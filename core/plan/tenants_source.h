/* tenants_source.h: several tenants' data as one source (spec http-api.md 2): each stream gets the label __tenant_id__; one of that name that it had
 * is called original___tenant_id__. Matchers on __tenant_id__ choose tenants; the tenant of a request is ignored.
 *
 * Thread: as source.h says. The tenants and the inner source outlive it.
 */
#pragma once

#include "core/plan/source.h"

#define TENANT_LABEL SLICE("__tenant_id__")
#define TENANT_LABEL_ORIGINAL SLICE("original___tenant_id__")

struct tenants_source {
    struct source source; /* what queries use */
    const struct source *inner;
    const struct slice *tenants; /* sorted, unique */
    size_t tenant_count;
};

/* Must stay where it is while its source is used. */
void tenants_source_init(struct tenants_source *tenants, const struct source *inner, const struct slice *names, size_t count);
