/* logi.c: chooses the subcommand. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/exit_code.h"

static const struct command {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "take in logs and answer queries (logi serve --help: all settings)", command_serve},
    {"check-config", "read a configuration, say what is wrong with it, and end", command_check_config},
    {"health", "ask the node that these settings describe whether it is ready: exit 0 or 1", command_health},
    {"verify", "read a data folder through and name all damage", command_verify},
    {"rebuild-index", "make a data folder's label index anew from its segments", command_rebuild_index},
    {"passwd", "set a user's password, tenants and rights in a users file", command_passwd},
    {"settings", "print all settings, their defaults and what they mean", command_settings},
};

static void help(FILE *out)
{
    (void)fputs("Logi is a log store that speaks Loki's APIs.\n\nUsage: logi COMMAND [FLAGS]\n\nCommands:\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        (void)fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
    (void)fputs("  version        print the version\n  help           print this\n\n"
                "Begin with:\n  logi serve --data ./data\n"
                "  curl -H 'Content-Type: application/json' http://127.0.0.1:3100/loki/api/v1/push \\\n"
                "    --data '{\"streams\":[{\"stream\":{\"app\":\"demo\"},\"values\":[[\"'$(date +%s%N)'\",\"hello\"]]}]}'\n"
                "  curl -G http://127.0.0.1:3100/loki/api/v1/query_range --data-urlencode 'query={app=\"demo\"}'\n",
                out);
}

static void version(void)
{
    (void)printf("logi %s (revision %s, Loki API 3.7.6)\n", LOGI_VERSION, LOGI_REVISION);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0 || strcmp(name, "-version") == 0) {
        version();
        return EXIT_OK;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-help") == 0) {
        help(stdout);
        return EXIT_OK;
    }
    if (name[0] == '-') // Loki's form: all flags, no command
        return command_serve(argc - 1, argv + 1);
    if (name[0] != '\0')
        complain("there is no command \"%s\"", name);
    help(stderr);
    return EXIT_USAGE;
}
