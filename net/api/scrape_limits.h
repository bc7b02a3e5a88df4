/* scrape_limits.h: limits that are numbers, as metrics: loki_overrides_defaults, and loki_overrides where a tenant has its own. Thread: the scraping loop. */
#pragma once

#include "net/tenancy/limits_book.h"

void scrape_limits(struct limits_shelf *shelf);
