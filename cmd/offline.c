#include "cmd/offline.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/command_line.h"
#include "cmd/exit_code.h"
#include "core/base/rcu.h"
#include "core/metrics/metric_table.h"

int command_offline(int argc, char **argv, const char *help, int (*work)(const struct config *settings))
{
    struct command_line line;
    struct err err = {.code = ERR_NONE};
    bool usage = false;
    int code = EXIT_OK;
    rcu_thread_join();
    metric_table_init();
    if (!command_line_parse(argc, argv, environ, &line, &usage, &err)) {
        complain("%s", err.text);
        code = usage ? EXIT_USAGE : EXIT_CONFIG;
    } else if (line.help) {
        (void)puts(help);
    } else {
        code = work(&line.config);
    }
    config_fini(&line.config);
    rcu_thread_part();
    return code;
}
