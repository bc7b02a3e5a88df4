#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fault/fault_disk.h"

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-disk-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    struct err err;
    return disk_remove_folder(&system_disk, folder, &err) ? 0 : 1;
}

static bool content_is(struct slice want)
{
    struct buf bytes = BUF_INIT;
    struct err err;
    bool ok = disk_read_file(&system_disk, path, 100, &bytes, &err) && slice_eq(buf_slice(&bytes), want);
    buf_fini(&bytes);
    return ok;
}

static void a_replaced_file_is_the_old_or_the_new_whatever_call_fails_and_wherever_the_power_goes(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        for (unsigned way = 0; way < 5; way++) {
            struct fault_disk fault;
            struct err err;
            assert_true(disk_replace_file(&system_disk, path, SLICE("old"), &err));
            fault_disk_init(&fault);
            fault.keeps_undo = true;
            if (way < 4) {
                fault.fault = (enum fault_kind)way;
                fault.fails_at = nth;
            } else {
                fault.stops_at = nth;
            }
            bool ok = disk_replace_file(&fault.disk, path, SLICE("the new one"), &err);
            if (way == FAULT_SHORT)
                assert_true(ok);
            unsigned calls = fault.calls;
            fault_disk_power_cut(&fault, way == 4 ? nth * 31 : 0);
            fault_disk_fini(&fault);
            assert_true(content_is(SLICE("the new one")) || (!ok && content_is(SLICE("old"))));
            if (way == 4 && calls < nth)
                return;
        }
    }
}

static void folders_are_made_with_their_parents_and_removed_with_their_files(void **state)
{
    (void)state;
    char deep[128];
    struct err err;
    (void)snprintf(deep, sizeof(deep), "%s/a//b/", folder);
    assert_true(disk_make_folders(&system_disk, deep, &err));
    assert_true(disk_make_folders(&system_disk, deep, &err)); // again is fine
    assert_true(disk_remove_folder(&system_disk, deep, &err) || access(deep, F_OK) != 0);
    (void)snprintf(deep, sizeof(deep), "%s/a", folder);
    assert_true(disk_remove_folder(&system_disk, deep, &err));
    assert_true(disk_remove_folder(&system_disk, deep, &err)); // missing is fine
    assert_true(disk_replace_file(&system_disk, path, SLICE("x"), &err));
    assert_false(disk_make_folders(&system_disk, path, &err)); // a file has the name
}

static void files_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct err err;
    assert_false(disk_read_file(&system_disk, path, 10, &bytes, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_true(disk_replace_file(&system_disk, path, SLICE("0123456789"), &err));
    assert_false(disk_read_file(&system_disk, path, 9, &bytes, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    assert_true(disk_read_file(&system_disk, path, 10, &bytes, &err));
    assert_true(slice_eq(buf_slice(&bytes), SLICE("0123456789")));
    buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_replaced_file_is_the_old_or_the_new_whatever_call_fails_and_wherever_the_power_goes, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_with_their_parents_and_removed_with_their_files, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(files_are_read_whole_or_not_at_all, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
