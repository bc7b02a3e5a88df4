/* users_file.h: reading the file of auth.users_file. */
#pragma once

#include "net/auth/users.h"

#define USERS_FILE_BYTES_MAX ((size_t)16 << 20)

bool users_file_read(const char *path, struct users **out, struct err *err) MUST_CHECK;
