/* rule_store.h: the files of rules and of their alerts' state, durable: what is put is on the disk, whole, when the call returns.
 *
 * <data>/rules/<tenant>/<namespace>.yaml, one file a namespace; a namespace whose name is no safe file name is %<hash>.yaml: the text says its name.
 * <data>/rules/<tenant>/alerts.state: docs/formats/alert_state.md. What the texts mean is not known here.
 *
 * Thread: one at a time for the same tenant.
 */
#pragma once

#include "storage/disk/disk.h"

struct rule_store;

/* Makes the folder. The caller ends *out with rule_store_close; disk outlives it. */
bool rule_store_open(const struct disk *disk, const char *folder, struct rule_store **out, struct err *err) MUST_CHECK;
void rule_store_close(struct rule_store *store); /* NULL is fine */

bool rule_store_put(struct rule_store *store, struct slice tenant, struct slice rule_namespace, struct slice text, struct err *err) MUST_CHECK;
/* Fine when there is none. */
bool rule_store_remove(struct rule_store *store, struct slice tenant, struct slice rule_namespace, struct err *err) MUST_CHECK;
bool rule_store_put_state(struct rule_store *store, struct slice tenant, struct slice bytes, struct err *err) MUST_CHECK;

enum rule_file_kind { RULE_FILE_RULES, RULE_FILE_STATE };

/* Each file of a folder of tenants, by tenant and name, the state last. file: its name. A file that cannot be read is told by an error, and the
 * next ones follow: bytes is then empty. Also for a folder of another's making (<folder>/<tenant>/<file>), which is only read. */
bool rule_folder_each(const struct disk *disk, const char *folder, size_t bytes_max,
                      void (*each)(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes,
                                   const struct err *err),
                      void *self, struct err *err) MUST_CHECK;
const char *rule_store_folder(const struct rule_store *store);
