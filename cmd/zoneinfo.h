/* zoneinfo.h: the system's time zones, for templates: files of /usr/share/zoneinfo, each read once. */
#pragma once

#include "core/base/slice.h"

#define ZONEINFO_FILE_BYTES_MAX ((size_t)1 << 16)

/* The TZif bytes of a zone (Europe/Berlin); they live as long as the process. False: there is no such zone, the name is not one (only letters,
 * digits, _ + - and single slashes inside), or its file is none or too large. Fits zone_loader_set. Thread: any. */
bool zoneinfo_load(struct slice name, struct slice *out_tzif);
