/* entry_metadata.h: structured metadata of one entry, from what was sent to what is stored: http-api.md 5.6.
 *
 * Thread: one at a time. One struct serves all entries of a push: its pairs array is reused.
 */
#pragma once

#include "core/ingest/level.h"
#include "core/ingest/push.h"

struct entry_metadata {
    struct arena *arena;
    struct label *pairs; /* as sent, then as stored */
    size_t count, cap;
    size_t sent_bytes; /* names and values as sent, without detected_level */
    size_t sent_count; /* the same */
};

/* Reads the pairs of an entry as sent. False: the bytes are damaged, which a decoder of ours never lets through. */
bool entry_metadata_read(struct entry_metadata *metadata, const struct push_entry *entry, enum push_metadata_form form) MUST_CHECK;

/* Normalises names and values, sorts, drops empty values and all but the last of equal names. ERR_INVALID: a name that has no letter or digit. */
bool entry_metadata_normalize(struct entry_metadata *metadata, struct err *err) MUST_CHECK;

/* One name: runs of what is no letter or digit become _, a leading digit gets key_ before it, __x__ keeps its underscores. In the arena if it
 * changes. ERR_INVALID as above. */
bool metadata_name_normalize(struct arena *arena, struct slice *name, struct err *err) MUST_CHECK;
/* One value: a space for each bad byte and each U+FFFD. */
struct slice metadata_value_normalize(struct arena *arena, struct slice value);

/* Adds detected_level, or normalises the one that was sent: rules 1 to 6. stream_level: the level of the stream's label, empty if none. */
void entry_metadata_add_level(struct entry_metadata *metadata, struct slice stream_level, struct slice line,
                              const struct level_fields *fields);

/* The encoding, in the arena; *stored_bytes: names and values without detected_level. */
struct slice entry_metadata_encode(const struct entry_metadata *metadata, size_t *stored_bytes);

/* {detected_level=<level>} encoded; static. */
struct slice level_metadata(enum level level);

/* A level label's or field's value: the level that it names, else itself. */
struct slice level_normalized(struct slice value);
