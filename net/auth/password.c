#include "net/auth/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/model/go_text.h"
#include "net/codec/base64.h"

#define LN 14 /* with r 8, p 5: one of the settings that OWASP's password storage cheat sheet names */
#define R 8
#define P 5
#define SALT_BYTES 16
#define KEY_BYTES 32
#define SALT_BYTES_MAX 64
#define MEMORY_MAX ((uint64_t)64 << 20)
#define WORK_MAX ((uint64_t)8 * P * R << LN)

struct hash {
    uint64_t n, r, p;
    char salt[BASE64_DECODED_MAX(96)];
    size_t salt_bytes;
    char key[BASE64_DECODED_MAX(48)];
};

static bool take_text(struct slice *in, struct slice text)
{
    bool is_there = slice_starts(*in, text);
    if (is_there)
        *in = slice_from(*in, text.len);
    return is_there;
}

static bool take_number(struct slice *in, uint64_t max, uint64_t *out)
{
    size_t len = 0;
    int64_t value = 0;
    while (len < in->len && in->ptr[len] >= '0' && in->ptr[len] <= '9')
        len++;
    if (len == 0 || len > 9 || !go_parse_int(slice_of(in->ptr, len), &value, NULL) || value < 1 || (uint64_t)value > max)
        return false;
    *out = (uint64_t)value;
    *in = slice_from(*in, len);
    return true;
}

static bool parse(struct slice in, struct hash *out)
{
    uint64_t ln = 0;
    size_t key_bytes = 0;
    if (!take_text(&in, SLICE("$scrypt$ln=")) || !take_number(&in, 20, &ln) || !take_text(&in, SLICE(",r=")) || !take_number(&in, 64, &out->r) ||
        !take_text(&in, SLICE(",p=")) || !take_number(&in, 64, &out->p) || !take_text(&in, SLICE("$")))
        return false;
    out->n = UINT64_C(1) << ln;
    if (128 * out->n * out->r > MEMORY_MAX || out->n * out->r * out->p > WORK_MAX)
        return false;
    size_t dollar = slice_find_byte(in, '$');
    struct slice key = dollar < in.len ? slice_from(in, dollar + 1) : SLICE("");
    return dollar <= 86 && key.len <= 43 && base64_get(slice_of(in.ptr, dollar), out->salt, &out->salt_bytes) && out->salt_bytes >= 8 &&
           out->salt_bytes <= SALT_BYTES_MAX && base64_get(key, out->key, &key_bytes) && key_bytes == KEY_BYTES;
}

static bool derive(const struct hash *hash, struct slice password, unsigned char key[KEY_BYTES])
{
    return EVP_PBE_scrypt(password.ptr, password.len, (const unsigned char *)hash->salt, hash->salt_bytes, hash->n, hash->r, hash->p,
                          2 * MEMORY_MAX, key, KEY_BYTES) == 1;
}

static void put_unpadded(struct buf *out, struct slice bytes)
{
    struct buf text = BUF_INIT;
    base64_put(&text, bytes);
    buf_put(out, slice_of(text.ptr, slice_find_byte(buf_slice(&text), '=')));
    buf_fini(&text);
}

bool password_hash(struct slice password, struct buf *out, struct err *err)
{
    struct hash hash = {.n = UINT64_C(1) << LN, .r = R, .p = P, .salt_bytes = SALT_BYTES};
    unsigned char key[KEY_BYTES];
    if (password.len == 0 || password.len > PASSWORD_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a password has 1 to %zu bytes", PASSWORD_BYTES_MAX);
    if (RAND_bytes((unsigned char *)hash.salt, SALT_BYTES) != 1 || !derive(&hash, password, key))
        return err_set(err, ERR_UNAVAILABLE, "OpenSSL has no randomness or no memory for scrypt");
    buf_printf(out, "$scrypt$ln=%d,r=%d,p=%d$", LN, R, P);
    put_unpadded(out, slice_of(hash.salt, SALT_BYTES));
    buf_byte(out, '$');
    put_unpadded(out, slice_of(key, KEY_BYTES));
    return true;
}

bool password_hash_check(struct slice hash, struct err *err)
{
    struct hash parsed;
    return parse(hash, &parsed) || err_set(err, ERR_INVALID, "the password's hash is not one of logi passwd: $scrypt$ln=14,r=8,p=5$<salt>$<hash>");
}

bool password_matches(struct slice hash, struct slice password)
{
    struct hash parsed;
    unsigned char key[KEY_BYTES];
    return parse(hash, &parsed) && password.len <= PASSWORD_BYTES_MAX && derive(&parsed, password, key) &&
           CRYPTO_memcmp(key, parsed.key, KEY_BYTES) == 0;
}
