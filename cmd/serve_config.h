/* serve_config.h: the settings, translated for the layers that they steer. */
#pragma once

#include "net/api/api.h"
#include "net/config/config.h"
#include "net/http/server.h"
#include "net/ruler/ruler.h"

void serve_store_config(const struct config *config, struct arena *arena, struct store_config *out);
/* Fails if the body folder cannot be made. */
bool serve_http_config(const struct config *config, struct api *api, const struct router *main_router,
                       const struct router *admin_router, const struct router *ochi_router, struct arena *arena, struct http_server_config *out, struct err *err) MUST_CHECK;
/* All but the engine. */
void serve_ruler_config(const struct config *config, struct arena *arena, struct ruler_config *out);
void serve_tenancy(const struct config *config, struct tenancy *out);
/* public, users or admins. */
enum access serve_access(struct slice word);
