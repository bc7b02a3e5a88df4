/* offline.h: commands that work on a stopped node's data folder: flags read as serve reads them, then the work. */
#pragma once

#include "net/config/config.h"

/* Returns the exit code. */
int command_offline(int argc, char **argv, const char *help, int (*work)(const struct config *settings));
