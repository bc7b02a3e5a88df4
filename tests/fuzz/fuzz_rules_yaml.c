/* Any bytes as a group of rules, and as a file of them: taken or refused with a reason; what is taken prints, and the print is read as the same. */
#include <stdlib.h>

#include "net/codec/rules_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void group_check(struct slice text)
{
    struct arena arena = ARENA_INIT;
    struct rule_group group;
    struct rule_group again;
    struct err err = {.text = ""};
    struct buf first = BUF_INIT;
    struct buf second = BUF_INIT;
    if (rules_yaml_read_group(text, &arena, &group, &err)) {
        rules_yaml_put_group(&first, &group);
        if (first.len <= RULE_GROUP_BYTES_MAX) { // escapes may make it longer
            if (!rules_yaml_read_group(buf_slice(&first), &arena, &again, &err) || !slice_eq(group.name, again.name) ||
                group.rule_count != again.rule_count || group.interval_ns != again.interval_ns)
                abort();
            for (size_t i = 0; i < group.rule_count; i++) {
                if (!slice_eq(group.rules[i].expr, again.rules[i].expr) || group.rules[i].label_count != again.rules[i].label_count)
                    abort();
            }
            rules_yaml_put_group(&second, &again);
            if (!slice_eq(buf_slice(&first), buf_slice(&second)))
                abort();
        }
        if (!rule_group_check(&group, 0, &err) && err.text[0] == '\0')
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
}

static void file_check(struct slice text)
{
    struct arena arena = ARENA_INIT;
    struct rules_file file;
    struct err err = {.text = ""};
    struct buf printed = BUF_INIT;
    if (rules_yaml_read_file(text, &arena, &file, &err)) {
        struct rules_file again;
        rules_yaml_put_file(&printed, &file);
        if (!rules_yaml_read_file(buf_slice(&printed), &arena, &again, &err) || again.count != file.count ||
            !slice_eq(again.rule_namespace, file.rule_namespace))
            abort();
    }
    buf_fini(&printed);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    group_check(slice_of(data, size));
    file_check(slice_of(data, size));
    return 0;
}
