/* ip_match.h: ip("..."): addresses in a text against one address, a CIDR or a range (logql.md 6.2). Internal to core/pipeline. Thread: any. */
#pragma once

#include "core/base/err.h"

struct ip_match {
    bool is_v6;
    uint8_t first[16], last[16]; /* inclusive; IPv4 in the first four bytes */
};

/* ERR_INVALID: ip: invalid pattern: "x" */
bool ip_match_init(struct ip_match *out, struct slice pattern, struct err *err) MUST_CHECK;

/* Some address in the text is inside. */
bool ip_match_finds(const struct ip_match *match, struct slice text);
