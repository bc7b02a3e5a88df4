/* alert_state.h: a tenant's alerts as bytes, so that `for` goes on over a restart.
 *
 * FORMAT, version 1; whole: docs/formats/alert_state.md. Integers are little-endian.
 *
 *     offset  size  field
 *          0     8  "LOGIALRT"
 *          8     4  version, 1
 *         12     4  crc32c of all that follows
 *         16     8  bytes that follow
 *         24        rules, one after the other
 *
 * Thread: any; pure.
 */
#pragma once

#include "core/rules/alert_set.h"

#define ALERT_STATE_BYTES_MAX ((size_t)256 << 20)

struct alert_state_key { /* which rule: its place may change, its name and labels say what it is, as in Prometheus */
    struct slice rule_namespace, group, alert;
    struct slice labels; /* of the rule, as written: an encoded label set */
};

/* Begin, put each rule that has alerts, end. */
void alert_state_begin(struct buf *out);
void alert_state_put(struct buf *out, const struct alert_state_key *key, const struct alert_set *set);
void alert_state_end(struct buf *out);

/* Calls back for each rule; the set is the callee's to end. ERR_CORRUPT, ERR_INVALID (another version): what was called back till then stands. */
bool alert_state_read(struct slice bytes, void (*each)(void *self, const struct alert_state_key *key, struct alert_set *set), void *self,
                      struct err *err) MUST_CHECK;
