/* passwd.c: logi passwd FILE USER: sets a user's password, tenants and flags in a users file (net/auth/users.h). */
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "cmd/users_file.h"
#include "core/model/tenant.h"
#include "net/auth/password.h"
#include "net/auth/token.h"
#include "storage/disk/disk.h"

struct wish {
    const char *file;
    struct slice user;
    const char *tenants; /* NULL: as before */
    bool remove, keep_password, token, set_admin, admin, help;
    struct buf *made; /* the new token */
};

static bool parse(int argc, char **argv, struct wish *out, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            out->help = true;
            return true;
        }
        if (strcmp(arg, "--tenants") == 0 && i + 1 < argc) {
            out->tenants = argv[++i];
        } else if (strncmp(arg, "--tenants=", 10) == 0) {
            out->tenants = arg + 10;
        } else if (strcmp(arg, "--admin") == 0 || strcmp(arg, "--no-admin") == 0) {
            out->set_admin = true;
            out->admin = arg[2] == 'a';
        } else if (strcmp(arg, "--delete") == 0) {
            out->remove = true;
        } else if (strcmp(arg, "--keep-password") == 0) {
            out->keep_password = true;
        } else if (strcmp(arg, "--token") == 0) {
            out->token = true;
        } else if (arg[0] == '-') {
            return err_set(err, ERR_INVALID, "unknown flag %s", arg);
        } else if (out->file == NULL) {
            out->file = arg;
        } else if (out->user.len == 0) {
            out->user = slice_str(arg);
        } else {
            return err_set(err, ERR_INVALID, "unexpected argument \"%s\"", arg);
        }
    }
    if (out->file == NULL || out->user.len == 0)
        return err_set(err, ERR_INVALID, "logi passwd wants a file and a user");
    return user_name_check(out->user, err);
}

/* One line without its end; longer ones are refused. */
static bool read_line(char *out, size_t size, struct slice *line, struct err *err)
{
    if (fgets(out, (int)size, stdin) == NULL)
        return err_set(err, ERR_INVALID, "no password was given");
    size_t len = strcspn(out, "\r\n");
    if (out[len] == '\0' && len + 1 == size)
        return err_set(err, ERR_INVALID, "a password has at most %zu bytes", PASSWORD_BYTES_MAX);
    *line = slice_of(out, len);
    return true;
}

static bool ask(const char *prompt, char *out, size_t size, struct slice *line, struct err *err)
{
    struct termios before;
    sigset_t held;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT); // delivered afterwards: the terminal must not be left without echo
    (void)sigaddset(&held, SIGQUIT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGTSTP);
    if (is_terminal) {
        struct termios silent = before;
        (void)sigprocmask(SIG_BLOCK, &held, NULL);
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        (void)fputs(prompt, stderr);
    }
    bool ok = read_line(out, size, line, err);
    if (is_terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
        (void)sigprocmask(SIG_UNBLOCK, &held, NULL);
    }
    return ok;
}

/* From the terminal twice, without echo; else one line of standard input. */
static bool password_read(struct buf *hash, struct err *err)
{
    char first[PASSWORD_BYTES_MAX + 3];
    char second[PASSWORD_BYTES_MAX + 3];
    struct slice one;
    struct slice two;
    bool ok = ask("Password: ", first, sizeof(first), &one, err);
    if (ok && isatty(STDIN_FILENO) != 0) {
        ok = ask("The same again: ", second, sizeof(second), &two, err);
        ok = ok && (slice_eq(one, two) || err_set(err, ERR_INVALID, "these are not the same"));
    }
    ok = ok && password_hash(one, hash, err);
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(second, sizeof(second));
    return ok;
}

static bool hash_make(const struct wish *wish, struct slice old_hash, struct buf *hash, struct err *err)
{
    if (wish->token)
        return token_create(wish->made, hash, err);
    if (!wish->keep_password || old_hash.len == 0)
        return password_read(hash, err);
    buf_put(hash, old_hash);
    return true;
}

/* The user's new line; old: the one before, or empty. */
static bool line_make(const struct wish *wish, struct slice old, struct arena *arena, struct buf *out, struct err *err)
{
    struct user user = {.name = wish->user};
    struct buf hash = BUF_INIT;
    if (old.len > 0 && !user_parse(old, arena, &user, err))
        return err_wrap(err, "the user's line");
    bool ok = hash_make(wish, user.hash, &hash, err);
    buf_printf(out, "%.*s:%.*s:", SLICE_ARG(wish->user), SLICE_ARG(buf_slice(&hash)));
    if (wish->tenants != NULL) {
        buf_str(out, wish->tenants);
    } else if (old.len == 0) {
        buf_str(out, TENANT_DEFAULT);
    } else {
        if (user.any_first)
            buf_str(out, "*");
        for (size_t i = 0; i < user.tenant_count; i++)
            buf_printf(out, "%s%.*s", i > 0 || user.any_first ? "," : "", SLICE_ARG(user.tenants[i]));
        buf_str(out, user.any_tenant && !user.any_first ? ",*" : "");
    }
    buf_str(out, (wish->set_admin ? wish->admin : user.is_admin) ? ":admin" : ":");
    buf_fini(&hash);
    return ok && (user_parse(buf_slice(out), arena, &user, err) || err_wrap(err, "user %.*s", SLICE_ARG(wish->user)));
}

/* The file's text with the user's line changed, added or taken out; all other lines stay as they are. */
static bool text_make(const struct wish *wish, struct slice old, struct arena *arena, struct buf *out, struct err *err)
{
    struct slice found = SLICE("");
    struct buf line = BUF_INIT;
    bool ok = true;
    bool is_done = false;
    for (int pass = 0; ok && pass < 2; pass++) {
        for (struct slice rest = old; rest.len > 0;) {
            size_t end = slice_find_byte(rest, '\n');
            struct slice at = slice_of(rest.ptr, end);
            rest = slice_from(rest, end < rest.len ? end + 1 : end);
            bool is_users = slice_eq(slice_trim(slice_of(at.ptr, slice_find_byte(at, ':'))), wish->user) && slice_find_byte(at, ':') < at.len;
            if (pass == 0 && is_users)
                found = slice_trim(at);
            if (pass == 0 || (is_users && wish->remove))
                continue;
            buf_put(out, is_users ? buf_slice(&line) : at);
            buf_byte(out, '\n');
            is_done = is_done || is_users;
        }
        if (pass == 0 && wish->remove)
            ok = found.len > 0 || err_set(err, ERR_NOT_FOUND, "there is no user %.*s", SLICE_ARG(wish->user));
        else if (pass == 0)
            ok = line_make(wish, found, arena, &line, err);
    }
    if (ok && !is_done && !wish->remove) {
        buf_put(out, buf_slice(&line));
        buf_byte(out, '\n');
    }
    buf_fini(&line);
    return ok;
}

static bool change(struct wish *wish, struct err *err)
{
    struct buf old = BUF_INIT;
    struct buf text = BUF_INIT;
    struct arena arena = ARENA_INIT;
    struct stat info = {.st_mode = S_IRUSR | S_IWUSR};
    bool is_there = stat(wish->file, &info) == 0;
    struct buf token = BUF_INIT;
    wish->made = &token;
    mode_t before = umask(is_there ? ~info.st_mode & 0777 : 0077);
    bool ok = !is_there || disk_read_file(&system_disk, wish->file, USERS_FILE_BYTES_MAX, &old, err);
    ok = ok && text_make(wish, buf_slice(&old), &arena, &text, err) && disk_replace_file(&system_disk, wish->file, buf_slice(&text), err);
    if (ok && is_there && geteuid() == 0 && chown(wish->file, info.st_uid, info.st_gid) != 0)
        ok = err_errno(err, "chown %s", wish->file);
    (void)umask(before);
    if (ok && token.len > 0) // told once it is in the file, and never again
        (void)printf("%.*s\n", SLICE_ARG(buf_slice(&token)));
    OPENSSL_cleanse(token.ptr, token.len);
    buf_fini(&token);
    arena_fini(&arena);
    buf_fini(&old);
    buf_fini(&text);
    return ok;
}

int command_passwd(int argc, char **argv)
{
    struct wish wish = {0};
    struct err err = {.code = ERR_NONE};
    if (!parse(argc, argv, &wish, &err)) {
        complain("%s", err.text);
        return EXIT_USAGE;
    }
    if (wish.help) {
        (void)puts("Usage: logi passwd FILE USER [--tenants A,B] [--admin | --no-admin] [--keep-password | --token] [--delete]\n\n"
                   "Sets the password of USER in FILE, which auth.users_file names; adds user and file if they are not there. The password is asked for without\n"
                   "echo, or is one line of standard input. --tenants: which the user may use, the first is the one meant when a request names none, * is all\n"
                   "(default for a new user: default). --admin: may use administrative routes. --token: makes a bearer token\n"
                   "instead of a password and prints it, once (Authorization: Bearer TOKEN). A running node reads the file again at SIGHUP.");
        return EXIT_OK;
    }
    if (!change(&wish, &err)) {
        complain("%s", err.text);
        return (int)exit_code_of(&err);
    }
    return EXIT_OK;
}
