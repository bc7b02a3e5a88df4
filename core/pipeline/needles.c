/* needles.c: what every kept line must hold, so that the source can leave out units that do not (query plan). Only from positive line filters
 * that stand before anything that changes the line. */
#include "core/pipeline/pipeline_internal.h"

// Case does not fold in an index of bytes, and the empty text says nothing.
static bool term_has_needles(const struct line_term *term)
{
    for (size_t i = 0; i < term->needle_count; i++) {
        if (term->needles[i].ignores_case || term->needles[i].text.len == 0)
            return false;
    }
    return term->needle_count > 0;
}

static bool put_alternatives(const struct line_filter *filter, struct arena *arena, struct needle *out)
{
    size_t count = 0;
    for (size_t i = 0; i < filter->term_count; i++) {
        if (!term_has_needles(&filter->terms[i]))
            return false;
        count += filter->terms[i].needle_count;
    }
    struct slice *any = ARENA_ARRAY(arena, struct slice, count);
    *out = (struct needle){.any = any};
    for (size_t i = 0; i < filter->term_count; i++) {
        for (size_t j = 0; j < filter->terms[i].needle_count; j++)
            any[out->count++] = filter->terms[i].needles[j].text;
    }
    return count > 0;
}

// Of a single pattern all literals must be there.
static size_t put_pattern(const struct pattern *pattern, struct arena *arena, struct needle *out)
{
    size_t count = 0;
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->parts[i].is_capture)
            continue;
        struct slice *any = ARENA_NEW(arena, struct slice);
        *any = pattern->parts[i].text;
        out[count++] = (struct needle){.any = any, .count = 1};
    }
    return count;
}

static bool is_one_pattern(const struct line_filter *filter)
{
    return filter->term_count == 1 && filter->terms[0].kind == TERM_PATTERN;
}

size_t pipeline_needles(const struct pipeline *pipeline, struct arena *arena, struct needle **out)
{
    size_t room = 0;
    for (size_t i = 0; i < pipeline->leading_count; i++)
        room += is_one_pattern(pipeline->leading[i]) ? pipeline->leading[i]->terms[0].pattern.count : 1;
    struct needle *needles = ARENA_ARRAY(arena, struct needle, room);
    size_t count = 0;
    for (size_t i = 0; i < pipeline->leading_count; i++) {
        const struct line_filter *filter = pipeline->leading[i];
        if (filter->is_negative)
            continue;
        if (is_one_pattern(filter))
            count += put_pattern(&filter->terms[0].pattern, arena, needles + count);
        else if (put_alternatives(filter, arena, &needles[count]))
            count++;
    }
    *out = needles;
    return count;
}
