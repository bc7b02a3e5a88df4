/* replay.c: runs a fuzz target over files and folders of files, as an ordinary test, with any compiler. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t files;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t cap = 1 << 16;
    size_t len = 0;
    uint8_t *bytes = malloc(cap);
    for (size_t n = 1; bytes != NULL && n > 0; len += n) {
        if (cap - len < 4096)
            bytes = realloc(bytes, cap *= 2);
        n = bytes == NULL ? 0 : fread(bytes + len, 1, cap - len, file);
    }
    (void)fclose(file);
    if (bytes == NULL)
        exit(1);
    // Exactly as large as the input, so that AddressSanitizer sees a read of one byte too many.
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    if (exact == NULL)
        exit(1);
    memcpy(exact, bytes, len);
    free(bytes);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    files++;
}

static void run_path(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        exit(1);
    }
    if (!S_ISDIR(info.st_mode)) {
        run_file(path);
        return;
    }
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        exit(1);
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        char inner[4096];
        (void)snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        run_path(inner);
    }
    (void)closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    if (files == 0) {
        (void)fprintf(stderr, "no corpus file was run\n");
        return 1;
    }
    (void)printf("%zu corpus files, no property broken\n", files);
    return 0;
}
