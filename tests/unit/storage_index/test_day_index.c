#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "storage/index/day_index.h"

static char folder[128];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/logi-index-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state)
{
    (void)state;
    struct err err;
    return disk_remove_folder(&system_disk, folder, &err) ? 0 : 1;
}

static struct day_index *open_index(bool want_rebuild)
{
    struct day_index *index;
    struct err err;
    bool rebuild;
    if (!day_index_open(&system_disk, folder, &index, &rebuild, &err))
        fail_msg("%s", err.text);
    assert_int_equal(rebuild, want_rebuild);
    if (rebuild && !day_index_filled(index, &err))
        fail_msg("%s", err.text);
    return index;
}

#define STREAMS 3000
#define TENANT SLICE("t1")

struct model {
    struct arena arena;
    struct slice encoded[STREAMS];
    struct hash128 ids[STREAMS];
    size_t count;
};

/* Streams over few names and values, some labels absent, some values longer than an LMDB key. */
static void model_fill(struct model *model, unsigned seed)
{
    static char long_value[1500];
    memset(long_value, 'x', sizeof(long_value));
    for (size_t i = 0; i < STREAMS; i++) {
        char text[4][40];
        struct label labels[5];
        size_t n = 0;
        unsigned r = (unsigned)rand_r(&seed);
        (void)snprintf(text[0], 40, "v%u", r % 7);
        (void)snprintf(text[1], 40, "value-%u", r / 7 % 90);
        (void)snprintf(text[2], 40, "unique-%zu", i / 2); // every second one is there already, but for its other labels
        labels[n++] = (struct label){SLICE("a"), slice_str(text[0])};
        if (r % 3 != 0)
            labels[n++] = (struct label){SLICE("b"), slice_str(text[1])};
        if (r % 5 == 0)
            labels[n++] = (struct label){SLICE("c"), slice_of(long_value, 1400 + r % 3)};
        labels[n++] = (struct label){SLICE("d"), slice_str(text[2])};
        struct label_set set = {labels, n};
        model->encoded[i] = label_set_encode_in(&model->arena, &set);
        model->ids[i] = stream_id(TENANT, model->encoded[i]);
    }
    model->count = STREAMS;
}

static void add_all(struct day_index *index, const struct model *model, size_t every)
{
    struct err err;
    for (size_t i = 0; i < model->count; i++) {
        assert_true(day_index_add(index, TENANT, model->ids[i], model->encoded[i], &err));
        assert_true(day_index_add(index, SLICE("t2"), stream_id(SLICE("t2"), model->encoded[0]), model->encoded[0], &err));
        if (i % every == every - 1)
            assert_true(day_index_commit(index, &err));
    }
    if (!day_index_commit(index, &err))
        fail_msg("%s", err.text);
}

static const struct select_case {
    enum matcher_op op;
    const char *name, *value;
} choices[] = {
    {MATCH_EQ, "a", "v1"},        {MATCH_EQ, "a", "v9"},         {MATCH_NEQ, "a", "v1"},      {MATCH_RE, "a", "v[1-3]"},
    {MATCH_RE, "a", "v1|v2|v8"},  {MATCH_NRE, "a", "v[1-3]"},    {MATCH_EQ, "b", ""},         {MATCH_NEQ, "b", ""},
    {MATCH_RE, "b", "value-1.*"}, {MATCH_RE, "b", "(value-1)?"}, {MATCH_NRE, "b", ".+"},      {MATCH_EQ, "b", "value-5"},
    {MATCH_RE, "c", "x+"},        {MATCH_EQ, "c", ""},           {MATCH_EQ, "d", "unique-7"}, {MATCH_NEQ, "d", "unique-7"},
    {MATCH_EQ, "none", ""},       {MATCH_EQ, "none", "x"},       {MATCH_RE, "none", ".*"},    {MATCH_NEQ, "none", "x"},
};

static int by_id(const void *a, const void *b)
{
    return hash128_cmp(*(const struct hash128 *)a, *(const struct hash128 *)b);
}

static void expect_selection(struct day_index *index, const struct model *model, const struct matcher *matchers, size_t count)
{
    static struct hash128 want[STREAMS];
    size_t want_count = 0;
    for (size_t i = 0; i < model->count; i++)
        if (matchers_accept(matchers, count, model->encoded[i]))
            want[want_count++] = model->ids[i];
    qsort(want, want_count, sizeof(want[0]), by_id);
    size_t unique = 0;
    for (size_t i = 0; i < want_count; i++)
        if (unique == 0 || !hash128_eq(want[unique - 1], want[i]))
            want[unique++] = want[i];
    struct arena arena = ARENA_INIT;
    struct index_stream *got;
    size_t got_count;
    struct err err;
    if (!day_index_select(index, TENANT, matchers, count, &arena, NULL, &got, &got_count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(got_count, unique);
    uint64_t most;
    if (!day_index_estimate(index, TENANT, matchers, count, &most, &err))
        fail_msg("%s", err.text);
    assert_true(most >= unique);
    if (count == 0)
        assert_int_equal(most, unique);
    for (size_t i = 0; i < unique; i++) {
        assert_true(hash128_eq(got[i].id, want[i]));
        assert_true(hash128_eq(stream_id(TENANT, got[i].encoded), want[i]));
    }
    arena_fini(&arena);
}

static void any_two_matchers_select_what_a_look_at_every_stream_selects(void **state)
{
    (void)state;
    static struct model model = {.arena = ARENA_INIT};
    model_fill(&model, 42);
    for (size_t every = 7; every < 100000; every *= 50) { // small commits and large
        struct day_index *index = open_index(true);
        add_all(index, &model, every);
        expect_selection(index, &model, NULL, 0);
        struct arena arena = ARENA_INIT;
        struct err err;
        for (size_t i = 0; i < LENGTH(choices); i++) {
            for (size_t j = i; j < LENGTH(choices); j++) {
                struct matcher m[2];
                assert_true(matcher_init(&m[0], choices[i].op, slice_str(choices[i].name), slice_str(choices[i].value), &arena, &err));
                assert_true(matcher_init(&m[1], choices[j].op, slice_str(choices[j].name), slice_str(choices[j].value), &arena, &err));
                expect_selection(index, &model, m, 2);
                matcher_fini(&m[0]);
                matcher_fini(&m[1]);
            }
        }
        arena_fini(&arena);
        day_index_close(index);
        index = open_index(false); // a clean close is trusted
        expect_selection(index, &model, NULL, 0);
        day_index_close(index);
        assert_int_equal(drop_folder(NULL), 0);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    arena_fini(&model.arena);
}

struct list {
    char text[8000];
    size_t count;
};

static void take(void *self, struct slice text)
{
    struct list *list = self;
    list->count++;
    (void)snprintf(list->text + strlen(list->text), sizeof(list->text) - strlen(list->text), "%.*s ", SLICE_ARG(text));
}

static void names_values_and_tenants_are_sorted_and_the_tenants_own(void **state)
{
    (void)state;
    static struct model model = {.arena = ARENA_INIT};
    static struct list list;
    struct err err;
    model_fill(&model, 7);
    struct day_index *index = open_index(true);
    add_all(index, &model, 1000);
    assert_true(day_index_names(index, TENANT, take, &list, &err));
    assert_string_equal(list.text, "a b c d ");
    memset(&list, 0, sizeof(list));
    assert_true(day_index_values(index, TENANT, SLICE("a"), take, &list, &err));
    assert_string_equal(list.text, "v0 v1 v2 v3 v4 v5 v6 ");
    memset(&list, 0, sizeof(list));
    assert_true(day_index_values(index, TENANT, SLICE("c"), take, &list, &err));
    assert_int_equal(list.count, 3);
    memset(&list, 0, sizeof(list));
    assert_true(day_index_values(index, SLICE("t2"), SLICE("a"), take, &list, &err));
    assert_int_equal(list.count, 1);
    memset(&list, 0, sizeof(list));
    assert_true(day_index_values(index, SLICE("t3"), SLICE("a"), take, &list, &err));
    assert_int_equal(list.count, 0);
    assert_true(day_index_tenants(index, take, &list, &err));
    assert_string_equal(list.text, "t1 t2 ");
    day_index_close(index);
    arena_fini(&model.arena);
}

static void what_cannot_be_trusted_is_rebuilt(void **state)
{
    (void)state;
    static const char *const states[] = {"logi index 1 opening %s\n", "logi index 1 open 00000000-0000-0000-0000-000000000000\n", "logi index 2 clean \n", "", "x"};
    char path[160];
    struct err err;
    (void)snprintf(path, sizeof(path), "%s/index.state", folder);
    day_index_close(open_index(true));
    day_index_close(open_index(false));
    for (size_t i = 0; i < LENGTH(states); i++) {
        assert_true(disk_replace_file(&system_disk, path, slice_str(states[i]), &err));
        day_index_close(open_index(true));
        day_index_close(open_index(false));
    }
    (void)snprintf(path, sizeof(path), "%s/index.mdb", folder);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    for (off_t cut = info.st_size - 4096; cut >= 0; cut -= 4096) { // mapped, it would be SIGBUS
        assert_int_equal(truncate(path, cut), 0);
        day_index_close(open_index(true));
        day_index_close(open_index(false));
    }
}

static void ignore_damage(void *self, const char *what)
{
    (void)what;
    ++*(size_t *)self;
}

static void a_whole_index_verifies_and_a_flipped_value_does_not(void **state)
{
    (void)state;
    static struct model model = {.arena = ARENA_INIT};
    model_fill(&model, 3);
    struct day_index *index = open_index(true);
    add_all(index, &model, 500);
    size_t damages = 0;
    day_index_verify(index, ignore_damage, &damages);
    assert_int_equal(damages, 0);
    day_index_close(index);
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/index.mdb", folder);
    struct buf bytes = BUF_INIT;
    struct err err;
    assert_true(disk_read_file(&system_disk, path, 1 << 28, &bytes, &err));
    size_t hits = 0;
    for (size_t at = 0; at + 10 < bytes.len; at++) // a value's text, wherever LMDB has put it: its pages' own heads stay as they are
        if (memcmp(bytes.ptr + at, "unique-700", 10) == 0 && hits++ < 4)
            bytes.ptr[at + 3] = '?';
    assert_true(hits > 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && disk_write_all(&system_disk, fd, buf_slice(&bytes), 0, &err));
    (void)close(fd);
    buf_fini(&bytes);
    index = open_index(false);
    day_index_verify(index, ignore_damage, &damages);
    assert_true(damages > 0);
    day_index_close(index);
    arena_fini(&model.arena);
}

static void an_index_that_was_not_filled_is_begun_anew(void **state)
{
    (void)state;
    struct err err;
    for (unsigned round = 0; round < 3; round++) { // closed, abandoned, and abandoned though it was filled
        struct day_index *index = NULL;
        bool rebuild = false;
        assert_true(day_index_open(&system_disk, folder, &index, &rebuild, &err));
        assert_true(rebuild);
        if (round == 2)
            assert_true(day_index_filled(index, &err));
        if (round == 0)
            day_index_close(index);
        else
            day_index_abandon(index);
    }
    day_index_close(open_index(true));
    day_index_close(open_index(false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_index_that_was_not_filled_is_begun_anew, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(any_two_matchers_select_what_a_look_at_every_stream_selects, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(names_values_and_tenants_are_sorted_and_the_tenants_own, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_trusted_is_rebuilt, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_whole_index_verifies_and_a_flipped_value_does_not, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
