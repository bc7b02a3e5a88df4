#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/logger.h"

static struct buf lines = BUF_INIT;

static void keep(void *self, struct slice line)
{
    buf_put(self, line);
}

static bool has(const char *part)
{
    return memmem(lines.ptr, lines.len, part, strlen(part)) != NULL;
}

static void logfmt_quotes_what_needs_it(void **state)
{
    (void)state;
    logger_init(LOG_LOGFMT, keep, &lines);
    buf_reset(&lines);
    log_info("wal", "torn tail", "path", "/d/wal", "err", "a\"b\n\x01\xff", "empty", "");
    assert_true(has("ts=20"));
    assert_true(has("Z level=info component=wal msg=\"torn tail\" path=/d/wal err=\"a\\\"b\\n\\u0001\xef\xbf\xbd\" empty=\"\"\n"));
}

static void json_lines_are_json(void **state)
{
    (void)state;
    logger_init(LOG_JSON, keep, &lines);
    buf_reset(&lines);
    log_error("http", "bad", "n", "1");
    assert_true(has("{\"ts\":\"20"));
    assert_true(has("\"level\":\"error\",\"component\":\"http\",\"msg\":\"bad\",\"n\":\"1\"}\n"));
}

static void levels_below_the_set_one_are_silent_and_not_counted(void **state)
{
    (void)state;
    logger_init(LOG_LOGFMT, keep, &lines);
    buf_reset(&lines);
    uint64_t before = logger_count(LOG_DEBUG);
    log_debug("a", "hidden");
    assert_int_equal(0, lines.len);
    assert_int_equal(before, logger_count(LOG_DEBUG));
    logger_set_level(LOG_DEBUG);
    log_debug("a", "seen");
    assert_true(has("seen"));
    assert_int_equal(before + 1, logger_count(LOG_DEBUG));
    logger_set_level(LOG_INFO);
    enum log_level level = LOG_DEBUG;
    assert_true(log_level_parse(SLICE("WARN"), &level));
    assert_int_equal(LOG_WARN, level);
    assert_false(log_level_parse(SLICE("loud"), &level));
}

static void a_repeating_message_is_limited_and_still_counted(void **state)
{
    (void)state;
    logger_init(LOG_LOGFMT, keep, &lines);
    buf_reset(&lines);
    uint64_t before = logger_count(LOG_WARN);
    for (int i = 0; i < 50 * LOG_RATE; i++)
        log_warn("a", "again");
    size_t written = 0;
    for (size_t i = 0; i < lines.len; i++)
        written += lines.ptr[i] == '\n';
    assert_in_range(written, LOG_RATE, 3 * LOG_RATE); // the loop may see a second end
    assert_int_equal(before + 50 * LOG_RATE, logger_count(LOG_WARN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_quotes_what_needs_it),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(levels_below_the_set_one_are_silent_and_not_counted),
        cmocka_unit_test(a_repeating_message_is_limited_and_still_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
