/* check_config.c: logi check-config: as serve reads it, without serving. */
#include <stdio.h>
#include <unistd.h>

#include "cmd/command_line.h"
#include "cmd/commands.h"
#include "cmd/exit_code.h"

int command_check_config(int argc, char **argv)
{
    struct command_line line;
    struct err err = {.code = ERR_NONE};
    bool usage = false;
    bool ok = command_line_parse(argc, argv, environ, &line, &usage, &err);
    if (ok && line.help)
        (void)puts("Usage: logi check-config --config FILE [FLAGS of serve]\n\nPrints the settings that would be in force, and exits 0; 1 if something is wrong.");
    else if (ok) {
        struct buf text = BUF_INIT;
        config_print(&line.config, "", &text);
        (void)fwrite(text.ptr, 1, text.len, stdout);
        buf_fini(&text);
    } else {
        complain("%s", err.text);
    }
    config_fini(&line.config);
    return ok ? EXIT_OK : usage ? EXIT_USAGE : EXIT_CONFIG;
}
