#include "cmd/exit_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum exit_code exit_code_of(const struct err *err)
{
    switch (err->code) {
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_DISK_FULL:
    case ERR_TRUNCATED:
        return EXIT_DATA;
    case ERR_UNAVAILABLE:
        return EXIT_TEMPORARY;
    case ERR_NONE:
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_RATE:
    case ERR_TOO_LARGE:
    case ERR_UNPROCESSED:
    case ERR_NOT_FOUND:
    case ERR_FORBIDDEN:
    case ERR_CANCELLED:
    case ERR_TIMEOUT:
        return EXIT_CONFIG;
    }
    return EXIT_INTERNAL;
}

void complain(const char *format, ...)
{
    bool colour = isatty(STDERR_FILENO) == 1 && getenv("NO_COLOR") == NULL;
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%slogi:%s ", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "");
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}
