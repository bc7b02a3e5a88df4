/* tls_setup.h: the TLS context that the settings ask for. */
#pragma once

#include "net/config/config.h"

/* *out is NULL when no certificate is configured; else the caller's, for tls_context_free. Sets the metric of the certificate's expiry. */
bool tls_setup(const struct config *config, void **out, struct err *err) MUST_CHECK;
