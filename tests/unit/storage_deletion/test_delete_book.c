/* The book of delete requests: what it takes, what it gives scans, what it keeps over a reopening, whom it lets cancel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/deletion/delete_book.h"

#define RED SLICE("red")
#define BLUE SLICE("blue")
#define PERIOD_MS INT64_C(86400000)

static unsigned damages;

static void note_damage(void *self, const char *what)
{
    (void)self, (void)what;
    damages++;
}

static struct delete_book *open_book(const char *folder)
{
    struct delete_book *book = NULL;
    struct err err;
    if (!delete_book_open(&system_disk, folder, note_damage, NULL, &book, &err))
        fail_msg("%s", err.text);
    return book;
}

static void remove_folder(const char *folder)
{
    struct err err;
    assert_true(disk_remove_folder(&system_disk, folder, &err));
}

static uint32_t add(struct delete_book *book, struct slice tenant, const char *query, int64_t start_ms, int64_t end_ms, int64_t created_ms)
{
    struct delete_request request = {.start_ms = start_ms, .end_ms = end_ms, .created_ms = created_ms, .query = slice_str(query)};
    struct err err;
    uint32_t id = 0;
    if (!delete_book_add(book, tenant, &request, &id, &err))
        fail_msg("%s", err.text);
    return id;
}

static size_t hiding(struct delete_book *book, struct slice tenant, int64_t start_ms, int64_t end_ms)
{
    struct delete_set *set = delete_book_take(book, tenant, start_ms * NS_PER_MS, end_ms * NS_PER_MS);
    size_t count = set == NULL ? 0 : set->count;
    delete_set_unref(set);
    return count;
}

static void requests_hide_in_their_time_and_tenant_and_stay_over_a_reopening(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-book-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct delete_book *book = open_book(folder);
    assert_int_equal(hiding(book, RED, 0, 1000), 0);
    assert_int_equal(delete_book_generation(book, RED), 0);
    uint32_t one = add(book, RED, "{a=\"b\"}", 100, 200, 5000), two = add(book, RED, "{a=\"b\"}", 100, 200, 5000);
    assert_int_not_equal(one, two); // also of equal requests
    uint64_t generation = delete_book_generation(book, RED);
    for (unsigned life = 0; life < 2; life++) {
        assert_int_equal(hiding(book, RED, 0, 99), 0);
        assert_int_equal(hiding(book, RED, 200, 300), 2);
        assert_int_equal(hiding(book, BLUE, 0, 1000), 0);
        assert_int_equal(delete_book_generation(book, RED), generation);
        delete_book_close(book);
        book = open_book(folder);
    }
    struct err err;
    assert_true(delete_book_progress(book, RED, (uint32_t[]){one}, 1, DELETE_PROCESSED, 100, &err));
    assert_true(delete_book_generation(book, RED) > generation);
    assert_int_equal(hiding(book, RED, 200, 300), 1);
    delete_book_close(book);
    book = open_book(folder);
    struct arena arena = ARENA_INIT;
    struct delete_request *list;
    assert_int_equal(delete_book_list(book, RED, &arena, &list), 2);
    assert_true(list[0].id == one && list[0].state == DELETE_PROCESSED && list[1].id == two && list[1].state == DELETE_RECEIVED);
    arena_fini(&arena);
    delete_book_close(book);
    remove_folder(folder);
}

static void a_query_that_is_no_log_selector_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-book-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct delete_book *book = open_book(folder);
    static const char *const queries[] = {"", "{", "rate({a=\"b\"}[1m])", "{a=\"b\"} |~ \"(\"", "{a=\"b\"} | nonsense", "1"};
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct delete_request request = {.start_ms = 1, .end_ms = 2, .query = slice_str(queries[i])};
        struct err err;
        uint32_t id;
        assert_false(delete_book_add(book, RED, &request, &id, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.text, "invalid query expression");
    }
    delete_book_close(book);
    remove_folder(folder);
}

static void cancelling_follows_lokis_rules(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum delete_state state;
        int64_t age_ms;
        bool force;
        const char *text; // NULL: it works
    } cases[] = {
        {"young", DELETE_RECEIVED, 1000, false, NULL},
        {"past the deadline", DELETE_RECEIVED, PERIOD_MS + 1, false, "past the deadline of 24h0m0s since its creation is not allowed. To force, use the ?force query parameter"},
        {"past the deadline, forced", DELETE_RECEIVED, PERIOD_MS + 1, true, NULL},
        {"partly done", DELETE_STARTED, 1000, false, "Cancellation of partially completed delete request"},
        {"partly done, forced", DELETE_STARTED, 1000, true, NULL},
        {"done", DELETE_PROCESSED, 1000, true, "deletion of request which is in process or already processed is not allowed"},
    };
    char folder[] = "/tmp/logi-test-book-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct delete_book *book = open_book(folder);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint32_t id = add(book, RED, "{a=\"b\"}", 100, 200, 5000);
        struct err err = {.code = ERR_NONE};
        if (cases[i].state != DELETE_RECEIVED)
            assert_true(delete_book_progress(book, RED, &id, 1, cases[i].state, 50, &err));
        assert_false(delete_book_cancel(book, BLUE, id, true, 5000, PERIOD_MS, &err)); // another tenant's
        assert_int_equal(err.code, ERR_NOT_FOUND);
        bool ok = delete_book_cancel(book, RED, id, cases[i].force, 5000 + cases[i].age_ms, PERIOD_MS, &err);
        if (ok != (cases[i].text == NULL) || (!ok && strstr(err.text, cases[i].text) == NULL))
            fail_msg("%s: %s", cases[i].name, err.text);
        assert_int_equal(delete_book_has(book, RED, id), !ok && cases[i].state != DELETE_PROCESSED);
    }
    delete_book_close(book);
    remove_folder(folder);
}

static void too_many_requests_are_refused_and_processed_ones_make_room(void **state)
{
    (void)state;
    char folder[] = "/dev/shm/logi-test-book-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct delete_book *book = open_book(folder);
    uint32_t first = 0;
    for (size_t i = 0; i < DELETE_REQUESTS_MAX; i++) {
        uint32_t id = add(book, RED, "{a=\"b\"}", 100, 200, (int64_t)i);
        first = i == 0 ? id : first;
    }
    struct delete_request request = {.start_ms = 1, .end_ms = 2, .query = SLICE("{a=\"b\"}")};
    struct err err;
    uint32_t id;
    assert_false(delete_book_add(book, RED, &request, &id, &err));
    assert_int_equal(err.code, ERR_RATE);
    assert_true(delete_book_add(book, BLUE, &request, &id, &err));
    assert_true(delete_book_progress(book, RED, &first, 1, DELETE_PROCESSED, 100, &err));
    assert_true(delete_book_add(book, RED, &request, &id, &err));
    assert_false(delete_book_has(book, RED, first));
    delete_book_close(book);
    remove_folder(folder);
}

static void a_damaged_file_is_told_of_and_put_aside(void **state)
{
    (void)state;
    char folder[] = "/tmp/logi-test-book-XXXXXX", name[DELETE_FILE_NAME_MAX], path[256];
    assert_non_null(mkdtemp(folder));
    struct delete_book *book = open_book(folder);
    (void)add(book, RED, "{a=\"b\"}", 100, 200, 5000);
    (void)add(book, BLUE, "{a=\"b\"}", 100, 200, 5000);
    delete_book_close(book);
    delete_file_name(RED, name);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "x", 1, 40), 1);
    (void)close(fd);
    struct err err;
    damages = 0;
    assert_true(delete_book_verify(&system_disk, folder, note_damage, NULL, &err));
    assert_int_equal(damages, 1);
    book = open_book(folder);
    assert_int_equal(damages, 2);
    assert_int_equal(hiding(book, BLUE, 100, 200), 1);
    assert_int_equal(hiding(book, RED, 100, 200), 0);
    (void)add(book, RED, "{a=\"b\"}", 100, 200, 5000);
    delete_book_close(book);
    book = open_book(folder);
    assert_int_equal(damages, 2);
    assert_int_equal(hiding(book, RED, 100, 200), 1);
    delete_book_close(book);
    (void)strcat(path, ".damaged");
    assert_int_equal(access(path, F_OK), 0);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_hide_in_their_time_and_tenant_and_stay_over_a_reopening),
        cmocka_unit_test(a_query_that_is_no_log_selector_is_refused),
        cmocka_unit_test(cancelling_follows_lokis_rules),
        cmocka_unit_test(too_many_requests_are_refused_and_processed_ones_make_room),
        cmocka_unit_test(a_damaged_file_is_told_of_and_put_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
