/* login.h: checks users and passwords. What was checked lately is known at once; the rest waits for one thread of its own, at low priority, so that a flood of
 * guesses costs at most one core's spare time and 16 MiB, and never a loop.
 *
 * Bounds: LOGINS_WAITING_MAX different credentials wait, LOGINS_OF_PEER_MAX of one address; more are told to come again.
 * Thread: any; a lock inside. `done` runs on the login thread and must not wait.
 */
#pragma once

#include "net/auth/users.h"
#include "core/base/clock.h"

#define LOGINS_WAITING_MAX 64
#define LOGINS_OF_PEER_MAX 8

enum login_outcome {
    LOGIN_OK,
    LOGIN_DENIED, /* no such user, or not the password: which, nobody is told */
    LOGIN_WAIT,   /* done will be called */
    LOGIN_BUSY,   /* too many wait: come again */
};

struct login;

/* Takes the reference to users. */
struct login *login_create(const struct clock *clock, struct users *users);
/* Ends the thread; those who wait are told LOGIN_BUSY. NULL is fine. */
void login_destroy(struct login *login);
/* Other users from now on; takes the reference. */
void login_set_users(struct login *login, struct users *users);
/* Those in force, with a reference. */
struct users *login_users(struct login *login) MUST_CHECK;

/* peer: the address, without port. LOGIN_WAIT: done(self, LOGIN_OK | LOGIN_DENIED | LOGIN_BUSY) follows. Whoever is told LOGIN_OK looks the user up in
 * login_users: it may have gone in between. */
enum login_outcome login_check(struct login *login, struct slice user, struct slice password, struct slice peer,
                               void (*done)(void *self, enum login_outcome outcome), void *self) MUST_CHECK;
