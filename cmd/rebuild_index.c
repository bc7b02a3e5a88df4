/* rebuild_index.c: logi rebuild-index: a data folder's label index anew, from its segments. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "cmd/offline.h"
#include "cmd/serve_config.h"
#include "storage/store/store_verify.h"

static int rebuild(const struct config *settings)
{
    struct arena arena = ARENA_INIT;
    struct store_config config;
    struct store_totals totals = {0};
    struct err err = {.code = ERR_NONE};
    serve_store_config(settings, &arena, &config);
    bool ok = store_rebuild_index(&config, &totals, &err);
    if (ok)
        (void)printf("%llu days indexed: %llu streams of %llu segments\n", (unsigned long long)totals.days,
                     (unsigned long long)totals.streams, (unsigned long long)totals.segments);
    else
        complain("%s", err.text);
    arena_fini(&arena);
    return ok ? EXIT_OK : (int)exit_code_of(&err);
}

int command_rebuild_index(int argc, char **argv)
{
    static const char help[] = "Usage: logi rebuild-index --data DIR [--config FILE]\n\n"
                               "Throws away every day's label index of a stopped node and makes it anew from the segments.";
    return command_offline(argc, argv, help, rebuild);
}
