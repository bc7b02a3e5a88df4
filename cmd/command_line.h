/* command_line.h: flags to settings; Loki's flags too (loki_flags.h). GNU's and Go's style alike: --server.listen A, --server.listen=A, -server.listen=A. Short names: --listen, --data, --config. */
#pragma once

#include "net/config/config.h"

struct command_line {
    struct config config;
    bool verify_only;  /* -verify-config */
    bool print_config; /* -print-config-stderr */
    bool help;
    bool list_targets;      /* -list-targets */
    bool health;            /* -health: ask instead of serve */
    const char *health_url; /* NULL: the node of these settings */
    const char *config_file; /* NULL: none given */
    bool expand_env;
};

/* Reads file, environment, then flags, in that order of precedence. *usage: the fault is in the flags. End with config_fini(&out->config). */
bool command_line_parse(int argc, char **argv, char *const *environment, struct command_line *out, bool *usage, struct err *err) MUST_CHECK;
