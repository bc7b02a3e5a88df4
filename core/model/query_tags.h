/* query_tags.h: what a client says about its query in X-Query-Tags: `Source=grafana,Feature=beta`. For the query log, and for blocked_queries.
 *
 * As in Loki: each run of bytes outside `A-Za-z0-9-=.@, ` becomes one `_`; parts are split at commas, a part counts if it has a name and a value around `=`;
 * names are in lower case. Outer spaces of names and values go, which Loki keeps.
 * Thread: any.
 */
#pragma once

#include "core/base/arena.h"

#define QUERY_TAGS_MAX 32 /* later ones are left out */

struct query_tag {
    struct slice name, value;
};

struct query_tags {
    struct query_tag items[QUERY_TAGS_MAX];
    size_t count;
};

/* Any bytes are fine. Names and values are in the arena. */
void query_tags_parse(struct slice header, struct arena *arena, struct query_tags *out);

/* Some tag has this name and this value, both without regard to case. */
bool query_tags_have(const struct query_tags *tags, struct slice name, struct slice value);
