#include "core/template/template_tree.h"

const struct function *function_find(struct slice name, enum template_dialect dialect)
{
    const struct function_table none = {NULL, 0};
    const struct function_table tables[] = {dialect == TEMPLATE_OF_ALERTS ? template_alert_functions() : none,
                                            dialect == TEMPLATE_OF_ALERTS ? template_query_functions() : none,
                                            template_string_functions(), template_number_functions(), template_compare_functions(),
                                            template_time_functions(),   template_data_functions(),   template_regex_functions()};
    for (size_t t = 0; t < LENGTH(tables); t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            if (slice_eq_str(name, tables[t].functions[i].name))
                return &tables[t].functions[i];
        }
    }
    return NULL;
}
