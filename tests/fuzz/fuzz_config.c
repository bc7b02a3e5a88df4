/* Any bytes as a configuration: it is taken or refused with a reason; what is taken and printed is taken again and prints the same. */
#include <stdlib.h>

#include "net/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config again;
    struct err err = {.text = ""};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    config_init(&config);
    config_init(&again);
    if (config_read_yaml(&config, "fuzz", slice_of(data, size), false, &err)) {
        config_print(&config, "", &first);
        if (!config_read_yaml(&again, "printed", buf_slice(&first), false, &err))
            abort();
        config_print(&again, "", &second);
        if (!slice_eq(buf_slice(&first), buf_slice(&second)))
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    buf_fini(&first);
    buf_fini(&second);
    config_fini(&config);
    config_fini(&again);
    return 0;
}
