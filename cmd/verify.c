/* verify.c: logi verify: reads a data folder through and names all damage. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "cmd/offline.h"
#include "cmd/serve_config.h"
#include "storage/store/store_verify.h"

static void damaged(void *self, const char *what)
{
    (void)self;
    (void)printf("damaged: %s\n", what);
}

static void print_totals(const struct store_totals *totals)
{
    (void)printf("%llu days, %llu segments, %llu blocks, %llu streams, %llu entries, %llu bytes of lines, %llu log records: %llu damages\n",
                 (unsigned long long)totals->days, (unsigned long long)totals->segments, (unsigned long long)totals->blocks,
                 (unsigned long long)totals->streams, (unsigned long long)totals->entries, (unsigned long long)totals->line_bytes,
                 (unsigned long long)totals->log_records, (unsigned long long)totals->damages);
}

static int verify(const struct config *settings)
{
    struct arena arena = ARENA_INIT;
    struct store_config config;
    struct store_totals totals = {0};
    struct err err = {.code = ERR_NONE};
    serve_store_config(settings, &arena, &config);
    bool ok = store_verify(&config, damaged, NULL, &totals, &err);
    if (ok)
        print_totals(&totals);
    else
        complain("%s", err.text);
    arena_fini(&arena);
    return !ok ? (int)exit_code_of(&err) : totals.damages > 0 ? EXIT_DATA : EXIT_OK;
}

int command_verify(int argc, char **argv)
{
    static const char help[] = "Usage: logi verify --data DIR [--config FILE]\n\n"
                               "Reads log, manifests, segments and indexes of a stopped node, names each damage, and exits 74 if there is any.";
    return command_offline(argc, argv, help, verify);
}
