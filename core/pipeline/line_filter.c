#include "core/pipeline/line_filter.h"

// ---- compiling ----

static void one_needle(struct line_term *term, struct slice text, struct arena *arena)
{
    term->needles = ARENA_NEW(arena, struct text_needle);
    term->needle_count = 1;
    text_needle_init(term->needles, text, false);
}

// Without regard to case, k and s have partners outside ASCII (U+212A, U+017F), and so may any byte above it: what is searched must be free of them.
static bool folds_in_ascii(char c)
{
    return (uint8_t)c < 0x80 && (c | 0x20) != 'k' && (c | 0x20) != 's';
}

static struct slice longest_ascii_part(struct slice text)
{
    struct slice best = {text.ptr, 0};
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && folds_in_ascii(text.ptr[i]))
            continue;
        if (i - start > best.len)
            best = slice_of(text.ptr + start, i - start);
        start = i + 1;
    }
    return best;
}

static void regex_needles(struct line_term *term, struct arena *arena)
{
    const struct regex_literals *literals = regex_literals(term->regex);
    struct text_needle *needles = ARENA_ARRAY(arena, struct text_needle, literals->count);
    bool decide = literals->is_exact;
    bool begin = literals->is_begin;
    for (size_t i = 0; i < literals->count; i++) {
        struct slice text = literals->any[i];
        if (literals->ignores_case)
            text = longest_ascii_part(text);
        decide = decide && text.len == literals->any[i].len;
        begin = begin && text.len == literals->any[i].len;
        if (text.len == 0 && !decide)
            return; // nothing to search for
        text_needle_init(&needles[i], text, literals->ignores_case);
    }
    term->needles = needles;
    term->needle_count = literals->count;
    term->needles_decide = decide && literals->count > 0;
    term->needles_begin = begin;
}

static bool pattern_term(struct line_term *term, struct slice text, struct arena *arena, struct err *err)
{
    if (!pattern_parse(text, arena, &term->pattern, err))
        return false;
    struct slice longest = SLICE("");
    for (size_t i = 0; i < term->pattern.count; i++) {
        const struct pattern_part *part = &term->pattern.parts[i];
        if (part->is_capture && !slice_eq(part->text, SLICE("_")))
            return err_set(err, ERR_INVALID, "named captures are not allowed: found '<%.*s>'", SLICE_ARG(part->text));
        if (!part->is_capture && part->text.len > longest.len)
            longest = part->text;
    }
    if (longest.len > 0)
        one_needle(term, longest, arena);
    return true;
}

static bool term_compile(const struct stage *stage, const struct line_filter_alternative *alternative, struct arena *arena,
                         struct line_term *out, struct err *err)
{
    *out = (struct line_term){.kind = TERM_TEXT};
    if (alternative->is_ip) {
        out->kind = TERM_IP;
        if (stage->filter_op != LINE_CONTAINS && stage->filter_op != LINE_NOT_CONTAINS)
            return err_set(err, ERR_INVALID, "ip: invalid operation");
        return ip_match_init(&out->ip, alternative->text, err);
    }
    switch (stage->filter_op) {
    case LINE_MATCHES:
    case LINE_NOT_MATCHES:
        out->kind = TERM_REGEX;
        // .+ alone asks for any byte, a line break too (logql.md 6)
        if (!regex_compile(slice_eq(alternative->text, SLICE(".+")) ? SLICE("(?s).+") : alternative->text, REGEX_SEARCH, &out->regex, err))
            return false;
        regex_needles(out, arena);
        return true;
    case LINE_PATTERN:
    case LINE_NOT_PATTERN:
        out->kind = TERM_PATTERN;
        return pattern_term(out, alternative->text, arena, err);
    case LINE_CONTAINS:
    case LINE_NOT_CONTAINS:
        one_needle(out, alternative->text, arena);
        out->needles_decide = true;
        return true;
    }
    return true;
}

bool line_filter_compile(const struct stage *stage, struct arena *arena, struct line_filter *out, struct err *err)
{
    struct line_filter filter = {.terms = ARENA_ARRAY(arena, struct line_term, stage->alternative_count)};
    filter.is_negative = stage->filter_op == LINE_NOT_CONTAINS || stage->filter_op == LINE_NOT_MATCHES ||
                         stage->filter_op == LINE_NOT_PATTERN;
    for (size_t i = 0; i < stage->alternative_count; i++) {
        if (!term_compile(stage, &stage->alternatives[i], arena, &filter.terms[i], err)) {
            line_filter_fini(&filter);
            return false;
        }
        filter.term_count++;
    }
    *out = filter;
    return true;
}

void line_filter_fini(struct line_filter *filter)
{
    for (size_t i = 0; i < filter->term_count; i++)
        regex_free(filter->terms[i].regex);
}

// ---- one line ----

// What is left to look at when the needles do not decide.
static bool term_confirms(const struct line_term *term, struct slice line)
{
    switch (term->kind) {
    case TERM_REGEX:
        return regex_matches(term->regex, line);
    case TERM_PATTERN:
        return pattern_matches(&term->pattern, line);
    case TERM_IP:
        return ip_match_finds(&term->ip, line);
    case TERM_TEXT:
        break;
    }
    return true;
}

static bool begins_in(const struct line_term *term, const struct text_needle *needle, struct slice line)
{
    for (size_t at = 0; (at = text_find(needle, line.ptr, line.len, at)) != TEXT_ABSENT; at++) {
        if (regex_matches_at(term->regex, line, at))
            return true;
    }
    return false;
}

static bool term_accepts(const struct line_term *term, struct slice line)
{
    bool hit = term->needle_count == 0;
    for (size_t i = 0; i < term->needle_count && !hit; i++)
        hit = term->needles_begin ? begins_in(term, &term->needles[i], line) : text_has(&term->needles[i], line);
    return hit && (term->needles_decide || term->needles_begin || term_confirms(term, line));
}

bool line_filter_accepts(const struct line_filter *filter, struct slice line)
{
    bool hit = false;
    for (size_t i = 0; i < filter->term_count && !hit; i++)
        hit = term_accepts(&filter->terms[i], line);
    return hit != filter->is_negative;
}

// ---- a batch ----

#define SPARSE 16 // with fewer than one row of so many alive, the rows are searched one by one

static size_t bits_count(const uint64_t *bits, size_t words)
{
    size_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (size_t)__builtin_popcountll(bits[i]);
    return count;
}

// The row of a byte: rows before `row` end before it. Hits come in order, mostly far apart: steps that double, then halve.
static uint32_t row_at(const struct entry_batch *batch, uint32_t row, size_t at)
{
    uint32_t low = row; // offsets[low] <= at
    uint32_t step = 1;
    while (step < batch->count - low && batch->offsets[low + step] <= at) {
        low += step;
        step *= 2;
    }
    uint32_t high = step < batch->count - low ? low + step : batch->count; // offsets[high] > at
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (batch->offsets[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Rows in which the needle stands; with begins, those in which a match of that term begins there. Rows that are dead are not looked at closely. */
static void mark_hits(const struct text_needle *needle, const struct line_term *begins, const struct entry_batch *batch, const uint64_t *alive,
                      uint64_t *hits)
{
    size_t at = batch->offsets[0];
    size_t end = batch->offsets[batch->count];
    uint32_t row = 0;
    while (row < batch->count) {
        at = text_find(needle, batch->text, end, at);
        if (at == TEXT_ABSENT)
            return;
        if (at == end) // the empty needle, behind the last line
            return;
        row = row_at(batch, row, at);
        uint64_t bit = (uint64_t)1 << (row % 64);
        bool fits = at + needle->text.len < batch->offsets[row + 1]; // a needle with a newline may span two lines
        bool is_settled = begins != NULL && ((alive[row / 64] & bit) == 0 || (hits[row / 64] & bit) != 0);
        bool is_hit = !is_settled && fits &&
                      (begins == NULL || regex_matches_at(begins->regex, entry_batch_line(batch, row), at - batch->offsets[row]));
        if (is_hit)
            hits[row / 64] |= bit;
        if (is_hit || is_settled) {
            at = batch->offsets[row + 1];
            row++;
        } else {
            at++;
        }
    }
}

// Looks further at the candidates; those that are not confirmed are no hits.
static void confirm_hits(const struct line_term *term, const struct entry_batch *batch, const uint64_t *alive, uint64_t *hits,
                         size_t words)
{
    for (size_t w = 0; w < words; w++) {
        uint64_t left = hits[w] & alive[w];
        hits[w] = 0;
        for (; left != 0; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            if (term_confirms(term, entry_batch_line(batch, w * 64 + bit)))
                hits[w] |= (uint64_t)1 << bit;
        }
    }
}

static void sieve_rows(const struct line_filter *filter, const struct entry_batch *batch, uint64_t *alive, size_t words)
{
    for (size_t w = 0; w < words; w++) {
        for (uint64_t left = alive[w]; left != 0; left &= left - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(left);
            if (!line_filter_accepts(filter, entry_batch_line(batch, w * 64 + bit)))
                alive[w] &= ~((uint64_t)1 << bit);
        }
    }
}

static void find_hits(const struct line_term *term, const struct entry_batch *batch, const uint64_t *alive, uint64_t *hits,
                      size_t words)
{
    memset(hits, term->needle_count == 0 ? 0xff : 0, words * sizeof(*hits));
    for (size_t i = 0; i < term->needle_count; i++)
        mark_hits(&term->needles[i], term->needles_begin ? term : NULL, batch, alive, hits);
    if (!term->needles_decide && !term->needles_begin)
        confirm_hits(term, batch, alive, hits, words);
}

void line_filter_sieve(const struct line_filter *filter, const struct entry_batch *batch, uint64_t *alive, uint64_t *hits)
{
    size_t words = ((size_t)batch->count + 63) / 64;
    if (bits_count(alive, words) < batch->count / SPARSE) {
        sieve_rows(filter, batch, alive, words);
        return;
    }
    uint64_t *term_hits = hits + words;
    memset(hits, 0, words * sizeof(*hits));
    for (size_t i = 0; i < filter->term_count; i++) {
        find_hits(&filter->terms[i], batch, alive, term_hits, words);
        for (size_t w = 0; w < words; w++)
            hits[w] |= term_hits[w];
    }
    for (size_t w = 0; w < words; w++)
        alive[w] &= filter->is_negative ? ~hits[w] : hits[w];
}
