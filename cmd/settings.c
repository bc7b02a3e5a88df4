/* settings.c: prints tables as Markdown, all settings or with --metrics all metrics: docs/configuration.md and docs/metrics.md hold them, and a test keeps
 * both alike. */
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"
#include "core/metrics/metric_table.h"
#include "core/model/limits.h"
#include "net/config/config.h"

int command_settings(int argc, char **argv)
{
    struct buf text = BUF_INIT;
    bool of_metrics = argc == 1 && strcmp(argv[0], "--metrics") == 0;
    if (argc > 0 && !of_metrics) {
        complain("settings takes no flags but --metrics");
        return EXIT_USAGE;
    }
    if (of_metrics) {
        metric_table_print_markdown(&text);
    } else {
        buf_str(&text, "## Settings of the node\n\n");
        config_print_markdown(&text);
        buf_str(&text, "\n## Limits\n\n");
        limits_print_markdown(&text);
    }
    bool ok = fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
    buf_fini(&text);
    return ok ? EXIT_OK : EXIT_INTERNAL;
}
