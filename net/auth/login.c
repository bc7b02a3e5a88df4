#include "net/auth/login.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "net/auth/password.h"
#include "net/auth/verified.h"

#define NICE 10

/* What is checked for names that nobody has, so that they take as long as others. */
#define NOBODY_HASH "$scrypt$ln=14,r=8,p=5$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct waiter {
    struct waiter *next;
    void (*done)(void *self, enum login_outcome outcome);
    void *self;
};

/* One pair of user and password that is to be checked, for all who sent it. */
struct job {
    struct job *next;
    struct verified_key key;
    char password[PASSWORD_BYTES_MAX];
    size_t password_bytes;
    char hash[PASSWORD_HASH_TEXT_MAX];
    size_t hash_bytes;
    uint64_t peer;
    bool is_known; /* a user's, not nobody's */
    struct waiter *waiters;
};

struct login {
    struct verified *verified;
    pthread_t thread;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t wake;
    struct users *users;
    struct job *first; /* in order; the first stays while it is checked */
    size_t waiting;
    bool is_stopping;
};

static void job_end(struct job *job, enum login_outcome outcome)
{
    while (job->waiters != NULL) {
        struct waiter *waiter = job->waiters;
        job->waiters = waiter->next;
        waiter->done(waiter->self, outcome);
        mem_free(waiter);
    }
    OPENSSL_cleanse(job, sizeof(*job));
    mem_free(job);
}

static void *login_main(void *self)
{
    struct login *login = self;
    (void)pthread_setname_np(pthread_self(), "login");
    (void)setpriority(PRIO_PROCESS, 0, NICE); // of this thread, on Linux
    (void)pthread_mutex_lock(&login->lock);
    for (;;) {
        while (login->first == NULL && !login->is_stopping)
            (void)pthread_cond_wait(&login->wake, &login->lock);
        struct job *job = login->first;
        if (job == NULL)
            break;
        enum login_outcome outcome = LOGIN_BUSY;
        if (!login->is_stopping) {
            (void)pthread_mutex_unlock(&login->lock);
            bool ok = password_matches(slice_of(job->hash, job->hash_bytes), slice_of(job->password, job->password_bytes)) && job->is_known;
            verified_put(login->verified, &job->key, ok ? VERDICT_GOOD : VERDICT_BAD);
            outcome = ok ? LOGIN_OK : LOGIN_DENIED;
            (void)pthread_mutex_lock(&login->lock);
        }
        login->first = job->next;
        login->waiting--;
        (void)pthread_mutex_unlock(&login->lock);
        job_end(job, outcome);
        (void)pthread_mutex_lock(&login->lock);
    }
    (void)pthread_mutex_unlock(&login->lock);
    return NULL;
}

struct login *login_create(const struct clock *clock, struct users *users)
{
    struct login *login = mem_zero(sizeof(*login));
    login->verified = verified_create(clock);
    login->users = users;
    (void)pthread_mutex_init(&login->lock, NULL);
    (void)pthread_cond_init(&login->wake, NULL);
    if (pthread_create(&login->thread, NULL, login_main, login) != 0)
        abort(); // a node that cannot start a thread cannot serve
    return login;
}

void login_destroy(struct login *login)
{
    if (login == NULL)
        return;
    (void)pthread_mutex_lock(&login->lock);
    login->is_stopping = true;
    (void)pthread_cond_signal(&login->wake);
    (void)pthread_mutex_unlock(&login->lock);
    (void)pthread_join(login->thread, NULL);
    users_unref(login->users);
    verified_destroy(login->verified);
    (void)pthread_cond_destroy(&login->wake);
    (void)pthread_mutex_destroy(&login->lock);
    mem_free(login);
}

void login_set_users(struct login *login, struct users *users)
{
    (void)pthread_mutex_lock(&login->lock);
    struct users *old = login->users;
    login->users = users;
    (void)pthread_mutex_unlock(&login->lock);
    users_unref(old);
}

struct users *login_users(struct login *login)
{
    (void)pthread_mutex_lock(&login->lock);
    struct users *users = users_ref(login->users);
    (void)pthread_mutex_unlock(&login->lock);
    return users;
}

/* The job that waits for this key, or a new one; NULL: too many. Under the lock. */
static struct job *job_of(struct login *login, const struct verified_key *key, uint64_t peer, bool *is_new)
{
    struct job **end = &login->first;
    size_t of_peer = 0;
    *is_new = false;
    for (; *end != NULL; end = &(*end)->next) {
        if (CRYPTO_memcmp(&(*end)->key, key, sizeof(*key)) == 0)
            return *end;
        of_peer += (*end)->peer == peer ? 1 : 0;
    }
    if (login->is_stopping || login->waiting >= LOGINS_WAITING_MAX || of_peer >= LOGINS_OF_PEER_MAX)
        return NULL;
    *is_new = true;
    *end = mem_zero(sizeof(**end));
    (*end)->key = *key;
    (*end)->peer = peer;
    login->waiting++;
    return *end;
}

static enum login_outcome wait_for(struct login *login, const struct verified_key *key, struct slice hash, struct slice password, bool is_known,
                                   uint64_t peer, void (*done)(void *self, enum login_outcome outcome), void *self)
{
    bool is_new = false;
    (void)pthread_mutex_lock(&login->lock);
    // The check may have ended since the caller looked.
    enum verdict verdict = verified_find(login->verified, key);
    struct job *job = verdict == VERDICT_NONE ? job_of(login, key, peer, &is_new) : NULL;
    if (is_new) {
        memcpy(job->password, password.ptr, password.len);
        job->password_bytes = password.len;
        memcpy(job->hash, hash.ptr, hash.len);
        job->hash_bytes = hash.len;
        job->is_known = is_known;
        (void)pthread_cond_signal(&login->wake);
    }
    if (job != NULL) {
        struct waiter *waiter = mem_zero(sizeof(*waiter));
        *waiter = (struct waiter){job->waiters, done, self};
        job->waiters = waiter;
    }
    (void)pthread_mutex_unlock(&login->lock);
    return verdict == VERDICT_GOOD ? LOGIN_OK : verdict == VERDICT_BAD ? LOGIN_DENIED : job != NULL ? LOGIN_WAIT : LOGIN_BUSY;
}

enum login_outcome login_check(struct login *login, struct slice user, struct slice password, struct slice peer,
                               void (*done)(void *self, enum login_outcome outcome), void *self)
{
    if (user.len > USER_NAME_BYTES_MAX || password.len > PASSWORD_BYTES_MAX)
        return LOGIN_DENIED;
    struct users *users = login_users(login);
    const struct user *found = users_find(users, user);
    if (found != NULL && found->is_token) {
        if (users_find_token(users, password) == found) {
            users_unref(users);
            return LOGIN_OK;
        }
        found = NULL; // refused as a wrong password is, after the same time
    }
    struct slice hash = found != NULL ? found->hash : SLICE(NOBODY_HASH);
    struct verified_key key;
    verified_key_make(login->verified, user, password, hash, &key);
    enum verdict verdict = verified_find(login->verified, &key);
    enum login_outcome outcome = verdict == VERDICT_GOOD  ? LOGIN_OK
                                 : verdict == VERDICT_BAD ? LOGIN_DENIED
                                                          : wait_for(login, &key, hash, password, found != NULL, hash64(peer), done, self);
    users_unref(users);
    return outcome;
}
