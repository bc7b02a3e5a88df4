#include "net/auth/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "net/codec/base64.h"

#define PREFIX "logi_" /* so that scanners for secrets know one when they see it */
#define HASH_PREFIX "$sha256$"
#define RANDOM_BYTES 32

static void put_unpadded(struct buf *out, struct slice bytes, bool for_url)
{
    struct buf text = BUF_INIT;
    base64_put(&text, bytes);
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        char c = text.ptr[i];
        buf_byte(out, for_url && c == '+' ? '-' : for_url && c == '/' ? '_' : c);
    }
    OPENSSL_cleanse(text.ptr, text.len);
    buf_fini(&text);
}

bool token_digest(struct slice token, struct token_digest *out)
{
    return token.len > 0 && token.len <= TOKEN_BYTES_MAX && EVP_Digest(token.ptr, token.len, out->bytes, NULL, EVP_sha256(), NULL) == 1;
}

bool token_create(struct buf *out_token, struct buf *out_hash, struct err *err)
{
    char random[RANDOM_BYTES];
    struct token_digest digest;
    if (RAND_bytes((unsigned char *)random, RANDOM_BYTES) != 1)
        return err_set(err, ERR_UNAVAILABLE, "OpenSSL has no randomness");
    buf_reset(out_token);
    buf_str(out_token, PREFIX);
    put_unpadded(out_token, slice_of(random, RANDOM_BYTES), true);
    OPENSSL_cleanse(random, sizeof(random));
    if (!token_digest(buf_slice(out_token), &digest))
        return err_set(err, ERR_UNAVAILABLE, "OpenSSL has no SHA-256");
    buf_str(out_hash, HASH_PREFIX);
    put_unpadded(out_hash, slice_of((const char *)digest.bytes, TOKEN_DIGEST_BYTES), false);
    return true;
}

bool token_hash_parse(struct slice hash, struct token_digest *out)
{
    char bytes[BASE64_DECODED_MAX(48)];
    size_t len = 0;
    if (!slice_starts(hash, SLICE(HASH_PREFIX)))
        return false;
    struct slice text = slice_from(hash, sizeof(HASH_PREFIX) - 1);
    if (text.len > 44 || !base64_get(text, bytes, &len) || len != TOKEN_DIGEST_BYTES)
        return false;
    memcpy(out->bytes, bytes, TOKEN_DIGEST_BYTES);
    return true;
}
