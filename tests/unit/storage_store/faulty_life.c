#include "faulty_life.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/logger.h"
#include "storage/store/store_verify.h"

void faulty_life_begin(struct faulty_life *life, const char *name, unsigned at, bool keeps_undo)
{
    *life = (struct faulty_life){.name = name, .at = at};
    (void)snprintf(life->folder, sizeof(life->folder), "%s/logi-test-faults-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(life->folder));
    fault_disk_init(&life->fault);
    life->fault.keeps_undo = keeps_undo;
    model_config(&life->config, life->folder, 2);
    life->config.disk = &life->fault.disk;
    life->config.durability = LOG_SYNC;
    life->config.log_file_bytes = (size_t)16 << 10; // several files
}

void faulty_life_end(struct faulty_life *life)
{
    fault_disk_fini(&life->fault);
    remove_tree(life->folder);
}

bool store_is_ready_soon(struct store *store)
{
    struct err err;
    for (int waited = 0; waited < WAIT_MS; waited++) {
        if (store_ready(store, &err))
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
}

struct store *faulty_life_open(struct faulty_life *life, const char *when)
{
    struct store *store = NULL;
    struct err err;
    if (!store_open(&life->config, &store, &err))
        fail_msg("%s, call %u, %s: open: %s", life->name, life->at, when, err.text);
    if (!store_is_ready_soon(store))
        fail_msg("%s, call %u, %s: never ready", life->name, life->at, when);
    return store;
}

static void fail_of_damage(void *self, const char *what)
{
    struct faulty_life *life = self;
    fail_msg("%s, call %u: verify: %s", life->name, life->at, what);
}

void faulty_life_verify(struct faulty_life *life)
{
    struct store_totals totals;
    struct err err;
    if (!store_verify(&life->config, fail_of_damage, life, &totals, &err))
        fail_msg("%s, call %u: verify: %s", life->name, life->at, err.text);
}

bool faulty_calls_are_long(void)
{
    const char *text = getenv("LOGI_LONG");
    return text != NULL && strcmp(text, "1") == 0;
}

void faulty_calls_each(unsigned every_up_to, unsigned stride, bool (*one)(const void *self, unsigned at), const void *self)
{
    const char *only = getenv("LOGI_FAULT_AT");
    if (only != NULL) {
        (void)one(self, (unsigned)atoi(only));
        return;
    }
    unsigned lives = 0;
    for (unsigned at = 1; one(self, at); at += faulty_calls_are_long() || at < every_up_to ? 1 : stride)
        lives++;
    assert_true(lives > 40);
}

static void say_nothing(void *self, struct slice line)
{
    (void)self, (void)line;
}

void faulty_calls_silence_log(void)
{
    if (getenv("LOGI_FAULT_AT") == NULL)
        logger_init(LOG_LOGFMT, say_nothing, NULL);
}
