/* The manifest: changes survive; every cut of the tail leaves a state that was once in force; every flipped bit is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/day/manifest.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-test-manifest-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    struct err err;
    return !disk_remove_folder(&system_disk, folder, &err);
}

static void change(struct manifest *manifest, const char *add, const char *remove, uint64_t sequence)
{
    struct segment_mark mark = {2, 1, sequence};
    struct err err;
    struct manifest_change what = {.add = &add, .add_count = add != NULL, .remove = &remove, .remove_count = remove != NULL, .marks = &mark, .mark_count = sequence != 0};
    if (!manifest_change(manifest, &what, &err))
        fail_msg("%s", err.text);
}

static void reopen(struct manifest *manifest, bool *damaged)
{
    struct err err;
    manifest_close(manifest);
    if (!manifest_open(&system_disk, folder, manifest, damaged, &err))
        fail_msg("%s", err.text);
}

static void changes_survive_a_reopening(void **state)
{
    (void)state;
    struct manifest manifest = {0};
    bool damaged = false;
    reopen(&manifest, &damaged);
    change(&manifest, "0-1", NULL, 5);
    change(&manifest, "0-2", NULL, 9);
    change(&manifest, "0-3", "0-1", 7);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(manifest.name_count, 2);
        assert_string_equal(manifest.names[0], "0-2");
        assert_string_equal(manifest.names[1], "0-3");
        assert_true(manifest_covers(&manifest, 1, 9) && manifest_covers(&manifest, 3, 1));
        assert_false(manifest_covers(&manifest, 1, 10) || manifest_covers(&manifest, 2, 1));
        reopen(&manifest, &damaged);
        assert_false(damaged);
    }
    manifest_close(&manifest);
}

static void a_long_manifest_is_rewritten(void **state)
{
    (void)state;
    struct manifest manifest = {0};
    bool damaged = false;
    reopen(&manifest, &damaged);
    char name[32], before[32] = "";
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof(name), "0-%u", i);
        change(&manifest, name, before[0] != '\0' ? before : NULL, i + 1);
        memcpy(before, name, sizeof(before));
    }
    assert_true(manifest.size < 10000);
    reopen(&manifest, &damaged);
    assert_int_equal(manifest.name_count, 1);
    assert_string_equal(manifest.names[0], "0-499");
    assert_true(manifest_covers(&manifest, 1, 500));
    manifest_close(&manifest);
}

static struct buf three_changes(void)
{
    struct manifest manifest = {0};
    bool damaged = false;
    struct err err;
    struct buf bytes = BUF_INIT;
    char path[128];
    reopen(&manifest, &damaged);
    change(&manifest, "0-1", NULL, 1);
    change(&manifest, "0-2", NULL, 2);
    change(&manifest, "0-3", NULL, 3);
    (void)snprintf(path, sizeof(path), "%s/MANIFEST", folder);
    assert_true(disk_read_file(&system_disk, path, 1 << 20, &bytes, &err));
    manifest_close(&manifest);
    return bytes;
}

static void write_bytes(struct slice bytes)
{
    char path[128];
    struct err err;
    (void)snprintf(path, sizeof(path), "%s/MANIFEST", folder);
    assert_true(disk_replace_file(&system_disk, path, bytes, &err));
}

static void every_cut_leaves_what_was_once_in_force(void **state)
{
    (void)state;
    struct buf bytes = three_changes();
    size_t names = 0;
    for (size_t cut = 8; cut <= bytes.len; cut++) {
        struct manifest manifest = {0};
        bool damaged = false;
        write_bytes(slice_of(bytes.ptr, cut));
        reopen(&manifest, &damaged);
        assert_false(damaged);
        assert_true(manifest.name_count >= names && manifest.name_count <= 3);
        names = manifest.name_count;
        change(&manifest, "0-9", NULL, 4); // goes on after a torn tail
        reopen(&manifest, &damaged);
        assert_int_equal(manifest.name_count, names + 1);
        manifest_close(&manifest);
    }
    assert_int_equal(names, 3);
    buf_fini(&bytes);
}

static void a_flipped_bit_is_found_or_costs_the_tail_only(void **state)
{
    (void)state;
    struct buf bytes = three_changes();
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        struct manifest manifest = {0};
        bool damaged = false;
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
        write_bytes(buf_slice(&bytes));
        bytes.ptr[bit / 8] = (char)(bytes.ptr[bit / 8] ^ (1 << (bit % 8)));
        reopen(&manifest, &damaged);
        if (!damaged && manifest.name_count != 2) // the last record as a torn tail
            fail_msg("bit %zu: %zu names, no damage seen", bit, manifest.name_count);
        manifest_close(&manifest);
    }
    buf_fini(&bytes);
}

static void the_worked_bytes_of_the_format_page_are_read(void **state)
{
    (void)state;
    static const char golden[] = "LOGIMAN1"
                                 "\x0a\x00\x00\x00" /* length */
                                 "\xa0\x0b\x44\x01" /* crc32c of the length */
                                 "\x49\x45\x76\x18" /* crc32c of the payload */
                                 "\x01\x03" "0-1" "\x00\x01\x02\x01\x05";
    struct manifest manifest = {0};
    bool damaged = true;
    write_bytes(slice_of(golden, sizeof(golden) - 1));
    reopen(&manifest, &damaged);
    assert_int_equal(manifest.name_count, 1);
    assert_string_equal(manifest.names[0], "0-1");
    assert_int_equal(manifest.marks[0].sequence, 5);
    manifest_close(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(changes_survive_a_reopening, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_manifest_is_rewritten, setup, teardown),
        cmocka_unit_test_setup_teardown(every_cut_leaves_what_was_once_in_force, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_found_or_costs_the_tail_only, setup, teardown),
        cmocka_unit_test_setup_teardown(the_worked_bytes_of_the_format_page_are_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
