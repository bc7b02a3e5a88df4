/* Files of rules: they come back as they were put, under any name; and at each single failure of the disk the old file or the new one is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "storage/rules/rule_store.h"
#include "tests/fault/fault_disk.h"

#define BYTES_MAX ((size_t)1 << 20)

struct seen {
    struct arena arena;
    struct slice tenants[16], files[16], bytes[16];
    enum rule_file_kind kinds[16];
    size_t count;
};

static void see(void *self, struct slice tenant, struct slice file, enum rule_file_kind kind, struct slice bytes, const struct err *err)
{
    struct seen *seen = self;
    assert_null(err);
    assert_true(seen->count < LENGTH(seen->files));
    seen->tenants[seen->count] = arena_copy(&seen->arena, tenant);
    seen->files[seen->count] = arena_copy(&seen->arena, file);
    seen->bytes[seen->count] = arena_copy(&seen->arena, bytes);
    seen->kinds[seen->count++] = kind;
}

static void folder_make(char folder[64])
{
    (void)snprintf(folder, 64, "%s/logi-test-rules-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
}

static void folder_remove(const char *folder)
{
    struct err err;
    char tenant[128];
    static const char *const tenants[] = {"t1", "t2"};
    for (size_t i = 0; i < LENGTH(tenants); i++) {
        (void)snprintf(tenant, sizeof(tenant), "%s/%s", folder, tenants[i]);
        assert_true(disk_remove_folder(&system_disk, tenant, &err));
    }
    assert_true(disk_remove_folder(&system_disk, folder, &err));
}

static void see_all(const char *folder, struct seen *seen)
{
    struct err err;
    *seen = (struct seen){0};
    assert_true(rule_folder_each(&system_disk, folder, BYTES_MAX, see, seen, &err));
}

static void files_come_back_under_any_name(void **state)
{
    (void)state;
    char folder[64];
    struct rule_store *store = NULL;
    struct seen seen;
    struct err err;
    static const struct slice names[] = {{"plain-1.x", 9}, {"a b", 3}, {"%", 1}, {"\xc3\xa9", 2}, {".hidden", 7}};
    folder_make(folder);
    assert_true(rule_store_open(&system_disk, folder, &store, &err));
    for (size_t i = 0; i < LENGTH(names); i++)
        assert_true(rule_store_put(store, SLICE("t1"), names[i], names[i], &err));
    assert_true(rule_store_put_state(store, SLICE("t1"), SLICE("state"), &err));
    assert_true(rule_store_put(store, SLICE("t2"), SLICE("a b"), SLICE("other"), &err));
    assert_true(rule_store_remove(store, SLICE("t1"), SLICE("a b"), &err));
    assert_true(rule_store_remove(store, SLICE("t1"), SLICE("none"), &err));
    see_all(folder, &seen);
    assert_int_equal(seen.count, 6);
    assert_int_equal(seen.kinds[4], RULE_FILE_STATE);
    assert_true(slice_eq(seen.files[3], SLICE("plain-1.x.yaml")) && slice_eq(seen.bytes[3], names[0]));
    assert_true(slice_eq(seen.tenants[5], SLICE("t2")) && slice_eq(seen.bytes[5], SLICE("other")));
    arena_fini(&seen.arena);
    rule_store_close(store);
    folder_remove(folder);
}

/* What a reader finds of the one file, and of what was acknowledged. */
static void expect_one_of(const char *folder, struct slice old, struct slice new, bool is_new, unsigned at)
{
    struct seen seen;
    see_all(folder, &seen);
    bool is_right = seen.count == 1 && (slice_eq(seen.bytes[0], new) || (!is_new && slice_eq(seen.bytes[0], old)));
    if (!is_right)
        fail_msg("call %u: neither the old file nor the new one", at);
    arena_fini(&seen.arena);
}

static void a_failure_leaves_the_old_file_or_the_new_one(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_EIO, FAULT_ENOSPC, FAULT_SHORT};
    for (size_t k = 0; k < LENGTH(kinds); k++) {
        for (unsigned at = 1;; at++) {
            char folder[64];
            struct fault_disk fault;
            struct rule_store *store = NULL;
            struct err err;
            folder_make(folder);
            fault_disk_init(&fault);
            fault.keeps_undo = true;
            assert_true(rule_store_open(&fault.disk, folder, &store, &err));
            assert_true(rule_store_put(store, SLICE("t1"), SLICE("n"), SLICE("old"), &err));
            fault.calls = 0;
            fault.fault = kinds[k];
            fault.fails_at = at;
            bool ok = rule_store_put(store, SLICE("t1"), SLICE("n"), SLICE("new one"), &err);
            bool was_hit = fault.faults > 0;
            expect_one_of(folder, SLICE("old"), SLICE("new one"), ok, at);
            fault_disk_power_cut(&fault, 0);
            expect_one_of(folder, SLICE("old"), SLICE("new one"), ok, at);
            rule_store_close(store);
            fault_disk_fini(&fault);
            folder_remove(folder);
            if (!was_hit)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_back_under_any_name),
        cmocka_unit_test(a_failure_leaves_the_old_file_or_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
