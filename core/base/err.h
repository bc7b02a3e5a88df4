/* err.h: what went wrong, for programs and for people.
 *
 * A function that can fail returns bool, is MUST_CHECK, and takes `struct err *` last; the err is the caller's, one for
 * each operation, and written only on failure. Libraries do not log their errors: the edge that handles one does.
 */
#pragma once

#include "core/base/slice.h"

enum err_code {
    ERR_NONE,
    ERR_INVALID,     /* the caller's input breaks a rule: HTTP 400 */
    ERR_LIMIT,       /* a configured limit refuses it: HTTP 400 */
    ERR_RATE,        /* a rate or stream limit refuses it for now: HTTP 429 */
    ERR_TOO_LARGE,   /* the body is larger than allowed: HTTP 413 */
    ERR_UNPROCESSED, /* well-formed, but nothing to do in it: HTTP 422 */
    ERR_UNAVAILABLE, /* cannot be done now, a retry may work: HTTP 503 */
    ERR_DISK_FULL,   /* the node is read-only for lack of space: HTTP 507 */
    ERR_NOT_FOUND,   /* HTTP 404 */
    ERR_FORBIDDEN,   /* HTTP 403 */
    ERR_TRUNCATED,   /* a decoder wanted more bytes than there are */
    ERR_CORRUPT,     /* a checksum, magic or invariant of stored bytes does not hold: HTTP 500 */
    ERR_IO,          /* the operating system said no, see os_errno: HTTP 500 */
    ERR_CANCELLED,   /* the client went away: HTTP 499 */
    ERR_TIMEOUT,     /* the deadline passed: HTTP 504 */
};

struct err {
    enum err_code code; /* for programs */
    int os_errno;       /* for ERR_IO and ERR_DISK_FULL */
    char text[2048];    /* for people, and for Loki's clients that match on words */
};

/* These yield false, so that a failing function ends with `return err_set(...)`; macros, so that the compiler knows. */
#define err_set(err, code, ...) (err_fill((err), (code), __VA_ARGS__), false)
#define err_errno(err, ...) (err_fill_errno((err), __VA_ARGS__), false)
#define err_wrap(err, ...) (err_fill_context((err), __VA_ARGS__), false)

void err_fill(struct err *err, enum err_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Code from errno: ENOSPC and EDQUOT give ERR_DISK_FULL, all else ERR_IO; ": <strerror>" is appended. */
void err_fill_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "<context>: " before the text. */
void err_fill_context(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
