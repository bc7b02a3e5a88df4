/* tls.h: a TLS context from PEM files: TLS 1.2 and 1.3, ciphers with forward secrecy, ALPN http/1.1 and nothing else, no renegotiation, no compression.
 *
 * A context (SSL_CTX) is not changed once it is made: new files give a new one, for http_server_set_tls.
 * Source: RFC 9325 (recommendations for TLS). Thread: any.
 */
#pragma once

#include "core/base/err.h"

enum tls_client_auth {
    TLS_CLIENT_NONE,
    TLS_CLIENT_IF_GIVEN, /* a certificate that is sent must be good */
    TLS_CLIENT_REQUIRED,
};

struct tls_files {
    const char *cert; /* the certificate, then those that lead to the root, PEM */
    const char *key;  /* its private key, PEM, without a passphrase */
    const char *client_ca; /* NULL: none; wanted for both kinds of client_auth */
    enum tls_client_auth client_auth;
    bool only_tls13;
};

/* *out is an SSL_CTX: the caller owns it, tls_context_free ends it. *out_expiry_s: Unix seconds from when on the certificate is no longer valid.
 * ERR_INVALID names the file and what is wrong with it. */
bool tls_context_open(const struct tls_files *files, void **out, int64_t *out_expiry_s, struct err *err) MUST_CHECK;
void tls_context_free(void *context); /* NULL is fine */

/* Loki's words: "", NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert. */
bool tls_client_auth_parse(struct slice text, enum tls_client_auth *out, struct err *err) MUST_CHECK;
