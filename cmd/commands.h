/* commands.h: the subcommands of logi; each returns the process's exit code. argv is without the command's own name. */
#pragma once

int command_serve(int argc, char **argv);
int command_check_config(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_rebuild_index(int argc, char **argv);
int command_health(int argc, char **argv);
int command_passwd(int argc, char **argv);
int command_settings(int argc, char **argv);
