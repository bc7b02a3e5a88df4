/* A needle that is not in 1 MiB of log lines: text_find against memmem, with memchr of an absent byte as the floor; and line offsets. */
#include "bench/bench.h"

#include "core/base/mem.h"
#include "core/text/find.h"
#include "core/text/line_offsets.h"

#define TEXT_BYTES ((size_t)1 << 20)

struct search {
    char *text;
    struct slice needle_text;
    struct text_needle needle;
    uint32_t *offsets;
};

static uint64_t run_find(void *state, size_t n)
{
    struct search *s = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += text_find(&s->needle, s->text, TEXT_BYTES, 0);
    return sum;
}

static uint64_t run_portable(void *state, size_t n)
{
    struct search *s = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += text_find_portable(&s->needle, s->text, TEXT_BYTES, 0);
    return sum;
}

static uint64_t run_memmem(void *state, size_t n)
{
    struct search *s = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        __asm__ volatile("" ::: "memory"); // or the compiler searches once
        sum += (uint64_t)(uintptr_t)memmem(s->text, TEXT_BYTES, s->needle_text.ptr, s->needle_text.len);
    }
    return sum;
}

static uint64_t run_memchr(void *state, size_t n)
{
    struct search *s = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        __asm__ volatile("" ::: "memory");
        sum += (uint64_t)(uintptr_t)memchr(s->text, '\x01', TEXT_BYTES);
    }
    return sum;
}

static uint64_t run_offsets(void *state, size_t n)
{
    struct search *s = state;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += text_line_offsets(s->text, TEXT_BYTES, s->offsets);
    return sum;
}

int main(void)
{
    static const char line[] =
        "ts=2026-01-01T10:00:00Z level=info caller=metrics.go:159 component=frontend msg=\"request done\" status=200 took=12.5ms\n";
    struct search s = {.text = mem_alloc(TEXT_BYTES), .offsets = mem_array(TEXT_BYTES + 1, sizeof(uint32_t))};
    for (size_t i = 0; i < TEXT_BYTES; i++)
        s.text[i] = line[i % (sizeof(line) - 1)];

    s.needle_text = SLICE("connection refused");
    text_needle_init(&s.needle, s.needle_text, false);
    bench("text_find/absent", TEXT_BYTES, run_find, &s);
    bench("text_find_portable/absent", TEXT_BYTES, run_portable, &s);
    bench("peer: memmem/absent", TEXT_BYTES, run_memmem, &s);
    text_needle_init(&s.needle, s.needle_text, true);
    bench("text_find/absent, any case", TEXT_BYTES, run_find, &s);
    s.needle_text = SLICE("level=error");
    text_needle_init(&s.needle, s.needle_text, false);
    bench("text_find/level=error, absent", TEXT_BYTES, run_find, &s);
    bench("peer: memmem/level=error, absent", TEXT_BYTES, run_memmem, &s);
    bench("floor: memchr", TEXT_BYTES, run_memchr, &s);
    bench("text_line_offsets/113 bytes a line", TEXT_BYTES, run_offsets, &s);
    mem_free(s.text);
    mem_free(s.offsets);
    return 0;
}
