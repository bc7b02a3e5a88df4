/* field_list.h: the fields that occur in entries: names, kinds of values, distinct values, and what finds them in a line (spec http-api.md 8.7).
 *
 * What it keeps is paid for from a query's memory, after each entry rather than at each value: so it may run over by one entry.
 * Thread: one at a time. */
#pragma once

#include "core/plan/charged_arena.h"
#include "core/plan/key_table.h"

enum field_type { FIELD_INT, FIELD_FLOAT, FIELD_BOOLEAN, FIELD_DURATION, FIELD_BYTES, FIELD_STRING };

struct field {
    struct slice name;
    enum field_type type; /* of the first value in the stream that came last */
    struct key_table values;
    bool by_json, by_logfmt;
    const struct slice *path; /* of keys in the JSON object */
    size_t path_count;
    uint32_t stream; /* that the type is of */
};

struct field_list {
    struct field **fields; /* in order of arrival */
    size_t count, cap;
    struct key_table names;
    struct charged_arena kept; /* all that is above, but for the tables of keys */
    struct query_control *control;
    size_t keys, keys_charged; /* of names and values */
};

void field_list_init(struct field_list *list, struct query_control *control);
void field_list_fini(struct field_list *list); /* gives back what was charged */

/* Charges what came since the last call. False: as query_control_charge. */
bool field_list_settle(struct field_list *list, struct err *err) MUST_CHECK;

/* Returns the field. stream: any number for the stream that the value is of. */
struct field *field_list_add(struct field_list *list, uint32_t stream, struct slice name, struct slice value);
/* The names that fields of a line must not have: those of the entry's stream and metadata. */
struct field_names {
    const void *self;
    bool (*has)(const void *self, struct slice name);
};

/* The members of a line that is a JSON object throughout, else its logfmt pairs. A name that is taken gets _extracted, as parsers have it. */
void field_list_add_line(struct field_list *list, uint32_t stream, const struct field_names *taken, struct slice line);

const struct field *field_list_find(const struct field_list *list, struct slice name); /* NULL: none */
const char *field_type_text(enum field_type type);
/* Tried in the order of enum field_type. */
enum field_type field_type_of(struct slice value);
