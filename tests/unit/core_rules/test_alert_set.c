/* Alerts from evaluation to evaluation: the state machine, told as stories of one alert. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "core/rules/alert_set.h"

#define S NS_PER_S

/* Each step: seconds, whether the alert is in the result, and what is then: i(nactive) p(ending) f(iring) -(not there), and ! if it is told. */
static const struct story {
    const char *name;
    int64_t for_s, keep_s;
    struct {
        int64_t at_s;
        bool is_there;
        const char *want;
    } steps[8];
    size_t count;
} stories[] = {
    {"without for it fires at once", 0, 0, {{0, true, "f!"}, {15, true, "f"}}, 2},
    {"it waits for `for`", 30, 0, {{0, true, "p"}, {15, true, "p"}, {29, true, "p"}, {30, true, "f!"}}, 4},
    {"a gap begins `for` anew", 30, 0, {{0, true, "p"}, {15, false, "-"}, {20, true, "p"}, {35, true, "p"}, {50, true, "f!"}}, 5},
    {"a pending one that goes is never told", 30, 0, {{0, true, "p"}, {15, false, "-"}, {30, false, "-"}}, 3},
    {"it is told again after a minute", 0, 0, {{0, true, "f!"}, {30, true, "f"}, {60, true, "f"}, {61, true, "f!"}, {90, true, "f"}}, 5},
    {"one that goes is told as resolved, for a quarter of an hour", 0, 0,
     {{0, true, "f!"}, {15, false, "i!"}, {30, false, "i"}, {90, false, "i!"}, {15 + 900, false, "i!"}, {15 + 901, false, "-"}}, 6},
    {"one that comes back is a new one", 30, 0, {{0, true, "p"}, {30, true, "f!"}, {45, false, "i!"}, {60, true, "p"}, {75, true, "p"}, {90, true, "f!"}}, 6},
    {"keep_firing_for holds it", 0, 60, {{0, true, "f!"}, {15, false, "f"}, {70, false, "f!"}, {74, false, "f"}, {75, false, "i!"}}, 5},
    {"what comes back while it is held fires on", 0, 60, {{0, true, "f!"}, {15, false, "f"}, {60, true, "f"}, {70, false, "f!"}, {129, false, "f"}, {130, false, "i!"}}, 6},
    {"keep_firing_for does not hold a pending one", 30, 60, {{0, true, "p"}, {15, false, "-"}}, 2},
};

static struct slice labels_of(struct buf *out, const char *value)
{
    const struct label label = {SLICE("a"), slice_str(value)};
    const struct label_set set = {&label, 1};
    buf_reset(out);
    label_set_encode(&set, out);
    return buf_slice(out);
}

static void story_run(const struct story *story)
{
    struct alert_set set = {0};
    struct buf labels = BUF_INIT;
    const struct alert_rule rule = {story->for_s * S, story->keep_s * S, 0};
    for (size_t i = 0; i < story->count; i++) {
        int64_t now_ns = (1000 + story->steps[i].at_s) * S;
        struct alert_sample sample = {labels_of(&labels, "1"), SLICE(""), (double)i};
        struct err err;
        bool changed = false;
        char got[3] = "-";
        assert_true(alert_set_eval(&set, &sample, story->steps[i].is_there ? 1 : 0, &rule, now_ns, &changed, &err));
        if (set.count > 0) {
            struct alert *alert = &set.alerts[0];
            bool is_told = alert_take_turn(alert, now_ns, NS_PER_MIN, 15 * S);
            (void)snprintf(got, sizeof(got), "%c%s", alert_state_text(alert->state)[0], is_told ? "!" : "");
        }
        if (strcmp(got, story->steps[i].want) != 0)
            fail_msg("%s: at %lld s: %s, want %s", story->name, (long long)story->steps[i].at_s, got, story->steps[i].want);
    }
    alert_set_fini(&set);
    buf_fini(&labels);
}

static void stories_end_as_prometheus_ends_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(stories); i++)
        story_run(&stories[i]);
}

struct few {
    struct buf texts[4];
    struct alert_sample samples[4];
};

static void few_init(struct few *few)
{
    static const char *const values[] = {"c", "a", "d", "b"};
    memset(few, 0, sizeof(*few));
    for (size_t i = 0; i < LENGTH(values); i++)
        few->samples[i] = (struct alert_sample){labels_of(&few->texts[i], values[i]), SLICE(""), (double)i};
}

static void few_fini(struct few *few)
{
    for (size_t i = 0; i < LENGTH(few->texts); i++)
        buf_fini(&few->texts[i]);
}

static void alerts_live_by_their_labels(void **state)
{
    (void)state;
    struct few few;
    struct alert_set set = {0};
    struct err err;
    bool changed = false;
    const struct alert_rule rule = {60 * S, 0, 0};
    few_init(&few);
    assert_true(alert_set_eval(&set, few.samples, 2, &rule, 1 * S, &changed, &err)); // a and c
    assert_true(changed);
    few_fini(&few);
    few_init(&few);
    assert_true(alert_set_eval(&set, few.samples, 4, &rule, 2 * S, &changed, &err)); // and b and d
    assert_int_equal(set.count, 4);
    static const int64_t since_s[] = {1, 2, 1, 2};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(set.alerts[i].active_ns, since_s[i] * S);
    assert_true(alert_set_eval(&set, few.samples, 4, &rule, 3 * S, &changed, &err));
    assert_false(changed);
    assert_true(alert_set_eval(&set, few.samples, 0, &rule, 4 * S, &changed, &err));
    assert_int_equal(set.count, 0);
    alert_set_fini(&set);
    few_fini(&few);
}

static void equal_labels_and_too_many_alerts_are_refused(void **state)
{
    (void)state;
    struct few few;
    struct alert_set set = {0};
    struct err err;
    bool changed = false;
    const struct alert_rule rule = {0, 0, 3};
    few_init(&few);
    assert_true(alert_set_eval(&set, few.samples, 3, &rule, 1 * S, &changed, &err));
    assert_false(alert_set_eval(&set, few.samples, 4, &rule, 2 * S, &changed, &err));
    assert_string_equal(err.text, "exceeded limit of 3 with 4 alerts");
    assert_int_equal(set.count, 0); // as Prometheus, they are forgotten
    few.samples[3] = few.samples[0];
    assert_false(alert_set_eval(&set, few.samples, 4, &rule, 3 * S, &changed, &err));
    assert_string_equal(err.text, "vector contains metrics with the same labelset after applying alert labels");
    alert_set_fini(&set);
    few_fini(&few);
}

static void alerts_that_take_too_much_are_refused(void **state)
{
    (void)state;
    struct alert_set set = {0};
    struct buf large = BUF_INIT;
    struct err err;
    bool changed = false;
    const struct alert_rule rule = {0};
    memset(buf_room(&large, ALERTS_BYTES_MAX), 'x', ALERTS_BYTES_MAX);
    buf_took(&large, ALERTS_BYTES_MAX);
    struct alert_sample sample = {SLICE(""), buf_slice(&large), 1};
    assert_false(alert_set_eval(&set, &sample, 1, &rule, 1 * S, &changed, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    buf_fini(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_end_as_prometheus_ends_them),
        cmocka_unit_test(alerts_live_by_their_labels),
        cmocka_unit_test(equal_labels_and_too_many_alerts_are_refused),
        cmocka_unit_test(alerts_that_take_too_much_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
