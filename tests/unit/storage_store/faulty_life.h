/* faulty_life.h: what tests share that let a store live on a disk that fails: the life's folder and configuration, opening it when the disk is well again,
 * and the walk over the calls at which the fault comes.
 *
 * LOGI_LONG=1 takes every call; else later calls are taken with a stride. LOGI_FAULT_AT=n: only the nth. Thread: one. */
#pragma once

#include "store_model.h"

#include "tests/fault/fault_disk.h"

#define WAIT_MS 10000 // far more than anything here takes: what is not over by then hangs

struct faulty_life {
    struct fault_disk fault;
    struct store_config config;
    char folder[64];
    const char *name; /* of the fault, for messages */
    unsigned at;      /* the call that fails */
};

void faulty_life_begin(struct faulty_life *life, const char *name, unsigned at, bool keeps_undo);
void faulty_life_end(struct faulty_life *life);

/* A store on a disk that is well: it opens and gets ready, or the test fails. */
struct store *faulty_life_open(struct faulty_life *life, const char *when);
/* No damage in the folder of a closed store, or the test fails. */
void faulty_life_verify(struct faulty_life *life);
bool store_is_ready_soon(struct store *store);

bool faulty_calls_are_long(void);
/* Runs one(self, at) for each call to take, all up to every_up_to and from there with the stride, until it says that the life ended before that call.
 * The test fails if there were few. */
void faulty_calls_each(unsigned every_up_to, unsigned stride, bool (*one)(const void *self, unsigned at), const void *self);

/* Thousands of failures, each of which would be told: silent but for LOGI_FAULT_AT. */
void faulty_calls_silence_log(void);
