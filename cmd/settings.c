/* settings.c: prints the tables of all settings as Markdown: docs/configuration.md holds them, and a test keeps both alike. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "core/model/limits.h"
#include "net/config/config.h"

int command_settings(int argc, char **argv)
{
    struct buf text = BUF_INIT;
    (void)argv;
    if (argc > 0) {
        complain("settings takes no flags");
        return EXIT_USAGE;
    }
    buf_str(&text, "## Settings of the node\n\n");
    config_print_markdown(&text);
    buf_str(&text, "\n## Limits\n\n");
    limits_print_markdown(&text);
    bool ok = fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
    buf_fini(&text);
    return ok ? EXIT_OK : EXIT_INTERNAL;
}
