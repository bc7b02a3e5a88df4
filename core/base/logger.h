/* logger.h: Logi's own log: logfmt or JSON lines with ts, level, component, msg, then pairs. Values are escaped: control bytes, quotes, bad UTF-8.
 * Thread: any. Not for hot paths; a call site that repeats is limited to LOG_RATE lines a second, the rest is counted. */
#pragma once

#include "core/base/slice.h"

#define LOG_RATE 100 /* lines of one message (component and text) written a second; what was left out is told by its next line */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_format { LOG_LOGFMT, LOG_JSON };

/* write gets whole lines, one at a time; NULL: they go to stderr, as they do before the first call. It must not log. */
void logger_init(enum log_format format, void (*write)(void *self, struct slice line), void *self);
void logger_set_level(enum log_level level);
enum log_level logger_level(void);
bool log_level_parse(struct slice text, enum log_level *out);
const char *log_level_text(enum log_level level);

struct log_pair {
    const char *name, *value; /* a name has no spaces, quotes and '='; a value may hold anything */
};
void log_write_pairs(enum log_level level, const char *component, const char *message, const struct log_pair *pairs, size_t count);

/* Pairs: name, value, ..., NULL; values are C strings. At most LOG_PAIRS_MAX. */
#define LOG_PAIRS_MAX 32
void log_write(enum log_level level, const char *component, const char *message, ...) __attribute__((sentinel));

#define log_info(component, ...) log_write(LOG_INFO, component, __VA_ARGS__, NULL)
#define log_warn(component, ...) log_write(LOG_WARN, component, __VA_ARGS__, NULL)
#define log_error(component, ...) log_write(LOG_ERROR, component, __VA_ARGS__, NULL)
#define log_debug(component, ...) log_write(LOG_DEBUG, component, __VA_ARGS__, NULL)

/* Lines so far by level, with those left out for their rate: metrics. */
uint64_t logger_count(enum log_level level);
