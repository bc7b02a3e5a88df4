/* overrides_watch.h: runtime_config.file: read at start, at SIGHUP, and when it has changed. Thread: main. */
#pragma once

#include "net/config/config.h"
#include "net/tenancy/limits_book.h"

struct overrides_watch;

struct overrides_watch *overrides_watch_create(const struct config *config, struct limits_shelf *shelf) MUST_CHECK;
void overrides_watch_destroy(struct overrides_watch *watch); /* NULL is fine */

/* Reads the file and puts a new book on the shelf. A bad file leaves the old one in force. No file configured: true. */
bool overrides_watch_read(struct overrides_watch *watch, struct err *err) MUST_CHECK;

/* Other settings from now on: their limits, overrides and file. As above: true, a new book is on the shelf; false, all is as before. */
bool overrides_watch_change(struct overrides_watch *watch, const struct config *config, struct err *err) MUST_CHECK;

/* Once a second: reads the file if runtime_config.period has passed and it has changed; logs what is wrong. */
void overrides_watch_poll(struct overrides_watch *watch);
