/* exit_code.h: what logi's exit status says: docs/operations.md. */
#pragma once

#include "core/base/err.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_CONFIG = 1,     /* configuration or start */
    EXIT_USAGE = 2,      /* command line */
    EXIT_INTERNAL = 70,
    EXIT_DATA = 74,      /* I/O error on data, or damage */
    EXIT_TEMPORARY = 75, /* port or folder in use */
};

enum exit_code exit_code_of(const struct err *err);

/* "logi: <text>" on stderr, in red on a terminal. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
