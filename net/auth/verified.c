#include "net/auth/verified.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/mem.h"

#define WAYS 8
#define GOOD_SETS 1024
#define BAD_SETS 256

struct slot {
    struct verified_key key;
    int64_t end_ns; /* 0: free */
};

struct table {
    struct slot *slots; /* sets of WAYS */
    size_t sets;
    int64_t life_ns;
};

struct verified {
    const struct clock *clock;
    unsigned char secret[32];
    pthread_mutex_t lock;
    struct table good, bad;
};

struct verified *verified_create(const struct clock *clock)
{
    struct verified *verified = mem_zero(sizeof(*verified));
    verified->clock = clock;
    if (RAND_bytes(verified->secret, sizeof(verified->secret)) != 1)
        abort(); // no randomness at start: nothing about passwords could be trusted
    (void)pthread_mutex_init(&verified->lock, NULL);
    verified->good = (struct table){mem_array((size_t)GOOD_SETS * WAYS, sizeof(struct slot)), GOOD_SETS, VERIFIED_GOOD_NS};
    verified->bad = (struct table){mem_array((size_t)BAD_SETS * WAYS, sizeof(struct slot)), BAD_SETS, VERIFIED_BAD_NS};
    return verified;
}

void verified_destroy(struct verified *verified)
{
    if (verified == NULL)
        return;
    OPENSSL_cleanse(verified->secret, sizeof(verified->secret));
    mem_free(verified->good.slots);
    mem_free(verified->bad.slots);
    (void)pthread_mutex_destroy(&verified->lock);
    mem_free(verified);
}

static void put_sized(unsigned char *to, size_t *at, struct slice bytes)
{
    uint32_t len = (uint32_t)bytes.len; // so that no two triples give the same bytes
    memcpy(to + *at, &len, sizeof(len));
    memcpy(to + *at + sizeof(len), bytes.ptr, bytes.len);
    *at += sizeof(len) + bytes.len;
}

void verified_key_make(const struct verified *verified, struct slice user, struct slice password, struct slice hash, struct verified_key *out)
{
    unsigned char message[2048];
    size_t len = 0;
    assert(user.len + password.len + hash.len + 3 * sizeof(uint32_t) <= sizeof(message));
    put_sized(message, &len, user);
    put_sized(message, &len, password);
    put_sized(message, &len, hash);
    if (HMAC(EVP_sha256(), verified->secret, sizeof(verified->secret), message, len, out->bytes, NULL) == NULL)
        abort(); // OpenSSL without SHA-256 or memory
    OPENSSL_cleanse(message, len);
}

static struct slot *set_of(const struct table *table, const struct verified_key *key)
{
    uint32_t hash = 0;
    memcpy(&hash, key->bytes, sizeof(hash));
    return &table->slots[(hash % table->sets) * WAYS];
}

static struct slot *table_find(const struct table *table, const struct verified_key *key, int64_t now_ns)
{
    struct slot *set = set_of(table, key);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].end_ns > now_ns && CRYPTO_memcmp(&set[i].key, key, sizeof(*key)) == 0)
            return &set[i];
    }
    return NULL;
}

enum verdict verified_find(struct verified *verified, const struct verified_key *key)
{
    int64_t now_ns = clock_mono_ns(verified->clock);
    enum verdict verdict = VERDICT_NONE;
    (void)pthread_mutex_lock(&verified->lock);
    struct slot *slot = table_find(&verified->good, key, now_ns);
    if (slot != NULL) {
        slot->end_ns = now_ns + verified->good.life_ns;
        verdict = VERDICT_GOOD;
    } else if (table_find(&verified->bad, key, now_ns) != NULL) {
        verdict = VERDICT_BAD;
    }
    (void)pthread_mutex_unlock(&verified->lock);
    return verdict;
}

void verified_put(struct verified *verified, const struct verified_key *key, enum verdict verdict)
{
    const struct table *table = verdict == VERDICT_GOOD ? &verified->good : &verified->bad;
    int64_t now_ns = clock_mono_ns(verified->clock);
    (void)pthread_mutex_lock(&verified->lock);
    struct slot *slot = table_find(table, key, now_ns);
    struct slot *set = set_of(table, key);
    for (size_t i = 0; slot == NULL && i < WAYS; i++)
        slot = set[i].end_ns <= now_ns ? &set[i] : NULL;
    if (slot == NULL) { // all in use: the one that ends first
        slot = &set[0];
        for (size_t i = 1; i < WAYS; i++)
            slot = set[i].end_ns < slot->end_ns ? &set[i] : slot;
    }
    *slot = (struct slot){*key, now_ns + table->life_ns};
    (void)pthread_mutex_unlock(&verified->lock);
}
