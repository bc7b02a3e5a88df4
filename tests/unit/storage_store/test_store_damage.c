/* Torn tails, flipped bits, zero-filled tails and holes in each kind of file: the store opens, answers with what is whole, never with anything else,
 * verify names the file, and the damage is counted. */
#include "store_model.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/logger.h"
#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "storage/store/store_verify.h"

#define PUSHES 60u

enum wound { FLIP, ZERO_TAIL, CUT_TAIL, EMPTY };

static const struct damage_case {
    const char *name;
    const char *pattern; // of files below the folder; the first is hurt
    enum wound wound;
    double where;         // of the file's used bytes
    bool is_sealed;       // the entries are in segments, else in the log
    bool loses_some;      // entries of what was hurt may be gone
    bool is_found;        // verify names it
    const char *kind;     // logi_store_checksum_failures_total after an opening; NULL: not asked
} damage_cases[] = {
    {"a bit of a segment's block", "days/*/*.seg", FLIP, 0.1, true, true, true, NULL},
    {"a bit of a segment's footer", "days/*/*.seg", FLIP, 0.999, true, true, true, "data"},
    {"a segment that ends early", "days/*/*.seg", CUT_TAIL, 0.5, true, true, true, "data"},
    {"a segment of zeros", "days/*/*.seg", ZERO_TAIL, 0.0, true, true, true, "data"},
    {"a bit of a signature", "days/*/*.sig", FLIP, 0.7, true, false, true, NULL},
    {"no signature", "days/*/*.sig", EMPTY, 0, true, false, true, NULL},
    {"a bit of a manifest", "days/*/MANIFEST", FLIP, 0.5, true, false, true, NULL},
    {"an empty manifest", "days/*/MANIFEST", EMPTY, 0, true, false, true, NULL},
    {"an empty index", "days/*/index.mdb", EMPTY, 0, true, false, true, NULL},
    {"a bit of the log", "log/*.log", FLIP, 0.3, false, true, true, "wal"},
    {"a log of a zero-filled tail", "log/*.log", ZERO_TAIL, 0.6, false, true, false, NULL},
    {"a torn log", "log/*.log", CUT_TAIL, 0.6, false, true, false, NULL},
};

static size_t make_push(unsigned number, struct model_entry *entries)
{
    size_t count = 0;
    for (unsigned i = 0; i < 16; i++) {
        struct model_entry *entry = &entries[count++];
        *entry = (struct model_entry){.tenant = number % TENANTS, .stream = number % STREAMS};
        entry->ts_ns = DAY0 * NS_PER_DAY + (number * 16 + i) * NS_PER_S;
        (void)snprintf(entry->line, sizeof(entry->line), "push %u line %u", number, i);
    }
    return count;
}

static void copy_log(const char *folder, const char *from, const char *to)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "rm -rf %s/%s && cp -a %s/%s %s/%s", folder, to, folder, from, folder, to);
    assert_int_equal(system(command), 0);
}

/* A folder with all entries: in segments, or in the log alone as after a kill. */
static void fill(const char *folder, bool is_sealed, struct model *model)
{
    struct store_config config;
    struct store *store = NULL;
    struct err err;
    model_config(&config, folder, 1);
    config.durability = LOG_SYNC; // else nothing tells damage from a tail that was not written
    if (!store_open(&config, &store, &err))
        fail_msg("open: %s", err.text);
    model_wait_ready(store);
    for (unsigned i = 0; i < PUSHES; i++) {
        struct model_entry entries[16];
        size_t count = make_push(i, entries);
        model_push(store, entries, count);
        for (size_t k = 0; k < count; k++)
            model_add(model, &entries[k]);
        if (is_sealed && i % 20 == 19 && !store_flush(store, &err))
            fail_msg("flush: %s", err.text);
    }
    if (!is_sealed)
        copy_log(folder, "log", "log.kept");
    store_close(store);
    if (is_sealed)
        return;
    char command[512]; // as it was before the close
    (void)snprintf(command, sizeof(command), "rm -rf %s/log %s/days && mv %s/log.kept %s/log", folder, folder, folder, folder);
    assert_int_equal(system(command), 0);
}

/* How far the file is used: a log is longer than what was written. */
static off_t used_bytes(int fd, off_t size)
{
    char *bytes = mem_alloc((size_t)size);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    while (size > 0 && bytes[size - 1] == 0)
        size--;
    mem_free(bytes);
    return size;
}

static void hurt(const char *folder, const struct damage_case *c)
{
    char pattern[512];
    glob_t found;
    (void)snprintf(pattern, sizeof(pattern), "%s/%s", folder, c->pattern);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    int fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
    struct stat info;
    assert_true(fd >= 0 && fstat(fd, &info) == 0);
    off_t at = (off_t)((double)used_bytes(fd, info.st_size) * c->where);
    if (c->wound == FLIP) {
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    } else {
        assert_int_equal(ftruncate(fd, c->wound == EMPTY ? 0 : at), 0);
        if (c->wound == ZERO_TAIL)
            assert_int_equal(ftruncate(fd, info.st_size), 0);
    }
    (void)close(fd);
    globfree(&found);
}

struct findings {
    unsigned count;
    char first[512];
};

static void note_finding(void *self, const char *what)
{
    struct findings *findings = self;
    if (findings->count++ == 0)
        (void)snprintf(findings->first, sizeof(findings->first), "%s", what);
}

/* Nothing that was not pushed, nothing twice; all of it, unless some may be lost. */
static void expect_rest(struct store *store, const struct model *model, const struct damage_case *c)
{
    struct model got = {0};
    for (unsigned tenant = 0; tenant < TENANTS; tenant++)
        scan_what_reads(store, tenant, &got);
    if (got.count > 0)
        qsort(got.entries, got.count, sizeof(*got.entries), entry_cmp);
    qsort(model->entries, model->count, sizeof(*model->entries), entry_cmp);
    for (size_t i = 0; i < got.count; i++) {
        if (i > 0 && entry_cmp(&got.entries[i - 1], &got.entries[i]) == 0)
            fail_msg("%s: \"%s\" is there twice", c->name, got.entries[i].line);
        if (bsearch(&got.entries[i], model->entries, model->count, sizeof(*got.entries), entry_cmp) == NULL)
            fail_msg("%s: \"%s\" was never pushed", c->name, got.entries[i].line);
    }
    if (c->loses_some ? got.count == 0 || got.count > model->count : got.count != model->count)
        fail_msg("%s: %zu of %zu entries are left", c->name, got.count, model->count);
    mem_free(got.entries);
}

static void damage_is_found_and_costs_no_more_than_itself(void **state)
{
    (void)state;
    metric_table_init();
    for (size_t i = 0; i < LENGTH(damage_cases); i++) {
        const struct damage_case *c = &damage_cases[i];
        char folder[] = "/tmp/logi-test-damage-XXXXXX";
        assert_non_null(mkdtemp(folder));
        struct model model = {0};
        fill(folder, c->is_sealed, &model);
        hurt(folder, c);
        struct store_config config;
        struct store_totals totals;
        struct findings findings = {0};
        struct err err;
        model_config(&config, folder, 1);
        if (!store_verify(&config, note_finding, &findings, &totals, &err))
            fail_msg("%s: verify: %s", c->name, err.text);
        if ((findings.count > 0) != c->is_found)
            fail_msg("%s: verify found %u things: %s", c->name, findings.count, findings.first);
        uint64_t before = c->kind == NULL ? 0 : metric_value(metric_get1(METRIC_logi_store_checksum_failures_total, slice_str(c->kind)));
        struct store *store = open_store(folder, 1, true);
        if (c->kind != NULL && metric_value(metric_get1(METRIC_logi_store_checksum_failures_total, slice_str(c->kind))) == before)
            fail_msg("%s: was not counted", c->name);
        expect_rest(store, &model, c);
        store_close(store);
        mem_free(model.entries);
        remove_tree(folder);
    }
}

static void say_nothing(void *self, struct slice line)
{
    (void)self, (void)line;
}

int main(void)
{
    logger_init(LOG_LOGFMT, say_nothing, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_found_and_costs_no_more_than_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
