/* line_filter.h: one line filter, compiled: run over all lines of a batch at once, or over one line. Internal to core/pipeline.
 *
 * Every term has needles where it can: bytes of which one occurs in each line that the term accepts. They are searched in the whole text; only lines
 * with a hit are looked at further, and not even these when the needles decide.
 * Thread: any.
 */
#pragma once

#include "core/model/regex.h"
#include "core/pipeline/ip_match.h"
#include "core/pipeline/pattern_text.h"
#include "core/pipeline/step.h"

enum line_term_kind { TERM_TEXT, TERM_REGEX, TERM_PATTERN, TERM_IP };

struct line_term {
    enum line_term_kind kind;
    struct text_needle *needles; /* ORed */
    size_t needle_count;         /* 0: every line may be accepted */
    bool needles_decide;         /* a line with a hit is accepted */
    bool needles_begin;          /* a match begins where one of them stands, and only there: the regex is asked at those places */
    struct regex *regex;
    struct pattern pattern;
    struct ip_match ip;
};

struct line_filter {
    struct line_term *terms; /* ORed */
    size_t term_count;
    bool is_negative;
};

bool line_filter_compile(const struct stage *stage, struct arena *arena, struct line_filter *out, struct err *err) MUST_CHECK;
void line_filter_fini(struct line_filter *filter);

bool line_filter_accepts(const struct line_filter *filter, struct slice line);

/* Takes the bits of rows that it refuses off `alive` (one bit a row). `hits` is scratch, twice as large. */
void line_filter_sieve(const struct line_filter *filter, const struct entry_batch *batch, uint64_t *alive, uint64_t *hits);
