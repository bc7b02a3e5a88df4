/* openapi.h: docs/openapi.yaml, as it was when this binary was built.
 * Thread: any. */
#pragma once

#include "net/http/request.h"

/* The document's bytes; they live as long as the process. */
struct slice openapi_document(void);

/* GET /openapi.yaml. */
void openapi_serve(struct http_request *http);
