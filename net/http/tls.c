#include "net/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <time.h>

/* TLS 1.2; those of 1.3 are all sound. */
#define CIPHERS "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
                "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

static bool refuse(struct err *err, const char *what, const char *file)
{
    char reason[256] = "unknown reason";
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof(reason));
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "TLS %s %s: %s", what, file, reason);
}

/* OpenSSL would ask on the terminal. */
static int no_passphrase(char *to, int size, int writing, void *self)
{
    (void)to, (void)size, (void)writing, (void)self;
    return -1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *self)
{
    static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
    (void)ssl, (void)self;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_len, known, sizeof(known) - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; // RFC 7301 3.2
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool clients_check(SSL_CTX *context, const struct tls_files *files, struct err *err)
{
    static const unsigned char session_context[] = "logi";
    if (files->client_auth == TLS_CLIENT_NONE)
        return true;
    if (files->client_ca == NULL)
        return err_set(err, ERR_INVALID, "server.http_tls_config.client_auth_type wants a client_ca_file");
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(files->client_ca);
    if (names == NULL || SSL_CTX_load_verify_file(context, files->client_ca) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return refuse(err, "client authorities", files->client_ca);
    }
    SSL_CTX_set_client_CA_list(context, names); // taken
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (files->client_auth == TLS_CLIENT_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    return SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1) == 1 ||
           refuse(err, "client authorities", files->client_ca);
}

static bool configure(SSL_CTX *context, const struct tls_files *files, struct err *err)
{
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); // an idle connection then keeps 34 KiB less
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets resume sessions; the node keeps none
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(context, files->only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS) != 1)
        return refuse(err, "settings of", files->cert);
    if (SSL_CTX_use_certificate_chain_file(context, files->cert) != 1)
        return refuse(err, "certificate", files->cert);
    if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return refuse(err, "private key", files->key);
    return clients_check(context, files, err);
}

bool tls_context_open(const struct tls_files *files, void **out, int64_t *out_expiry_s, struct err *err)
{
    struct tm expiry = {0};
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool ok = context != NULL ? configure(context, files, err) : refuse(err, "settings of", files->cert);
    if (ok && ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &expiry) != 1)
        ok = refuse(err, "expiry of certificate", files->cert);
    if (!ok) {
        SSL_CTX_free(context);
        return false;
    }
    *out = context;
    *out_expiry_s = timegm(&expiry);
    return true;
}

void tls_context_free(void *context)
{
    SSL_CTX_free(context);
}

bool tls_client_auth_parse(struct slice text, enum tls_client_auth *out, struct err *err)
{
    static const struct {
        struct slice word;
        enum tls_client_auth value;
    } words[] = {{{"", 0}, TLS_CLIENT_NONE},
                 {{"NoClientCert", 12}, TLS_CLIENT_NONE},
                 {{"VerifyClientCertIfGiven", 23}, TLS_CLIENT_IF_GIVEN},
                 {{"RequireAndVerifyClientCert", 26}, TLS_CLIENT_REQUIRED}};
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq(text, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "\"%.*s\" is not NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert", SLICE_ARG(text));
}
