/* scrape.h: gauges that are asked for when /metrics is scraped: the store's state, the process, the queues. Thread: the scraping loop. */
#pragma once

#include "net/api/api.h"
#include "net/http/server.h"

/* Once, when both are up. */
void scrape_register(struct api *api, struct http_server *server);
