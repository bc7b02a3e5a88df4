#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "core/metrics/metric_table.h"
#include "net/api/scrape_limits.h"

static struct limits_book *book_of(const struct limits_override *overrides, size_t count)
{
    struct limits limits;
    struct limits_book *book = NULL;
    struct err err;
    limits_defaults(&limits);
    assert_true(limits_book_create(&limits, overrides, count, 1, &book, &err));
    return book;
}

static void told(const char *line, bool want)
{
    struct buf text = BUF_INIT;
    metrics_print(&text, false, SLICE(""), SLICE("loki_overrides"));
    buf_byte(&text, '\0');
    if ((strstr(text.ptr, line) != NULL) != want)
        fail_msg("%s \"%s\" in: %s", want ? "no" : "there is", line, text.ptr);
    buf_fini(&text);
}

static void limits_of_tenants_are_told_where_they_are_their_own(void **state)
{
    (void)state;
    const struct limits_override overrides[] = {{.tenant = SLICE("a"), .name = SLICE("max_line_size"), .value = SLICE("20")},
                                                {.tenant = SLICE("a"), .name = SLICE("query_timeout"), .value = SLICE("5s")},
                                                {.tenant = SLICE("b"), .name = SLICE("enforced_labels"), .value = SLICE("env")}};
    metric_table_init();
    struct limits_shelf *shelf = limits_shelf_create(book_of(overrides, LENGTH(overrides)));
    scrape_limits(shelf);
    told("loki_overrides_defaults{limit_name=\"max_line_size\"} 262144\n", true);
    told("loki_overrides_defaults{limit_name=\"query_timeout\"} 60\n", true);
    told("loki_overrides{limit_name=\"max_line_size\",user=\"a\"} 20\n", true);
    told("loki_overrides{limit_name=\"query_timeout\",user=\"a\"} 5\n", true);
    told("limit_name=\"max_label_name_length\",user=\"a\"", false);
    told("user=\"b\"", false); // a list is no number
    limits_shelf_put(shelf, book_of(overrides + 1, 1)); // an override is gone
    scrape_limits(shelf);
    told("loki_overrides{limit_name=\"max_line_size\",user=\"a\"} 262144\n", true);
    told("loki_overrides{limit_name=\"query_timeout\",user=\"a\"} 5\n", true);
    limits_shelf_destroy(shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits_of_tenants_are_told_where_they_are_their_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
