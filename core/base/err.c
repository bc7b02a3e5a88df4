#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void err_fill(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    err->os_errno = 0;
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
}

void err_fill_errno(struct err *err, const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err->code = code == ENOSPC || code == EDQUOT ? ERR_DISK_FULL : ERR_IO;
    err->os_errno = code;
    if (n >= 0 && (size_t)n < sizeof(err->text)) {
        char reason[128];
        (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
                       strerror_r(code, reason, sizeof(reason)));
    }
}

void err_fill_context(struct err *err, const char *format, ...)
{
    char inner[sizeof(err->text)];
    memcpy(inner, err->text, sizeof(inner));
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 2 >= sizeof(err->text))
        return;
    memcpy(err->text + n, ": ", 2);
    size_t room = sizeof(err->text) - (size_t)n - 2;
    size_t len = strnlen(inner, room - 1);
    memcpy(err->text + n + 2, inner, len);
    err->text[(size_t)n + 2 + len] = '\0';
}
