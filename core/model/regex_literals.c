#include "core/model/regex_literals.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/go_text.h"
#include "core/model/regex_texts.h"

#define CLASS_MAX ((size_t)16)        // characters of a class that is read as an alternation
#define REPEAT_BYTES_MAX ((size_t)256)
#define DEPTH_MAX 100

enum shape {
    SHAPE_ANY,   /* nothing is known but `need` */
    SHAPE_EXACT, /* matches the texts of `set` and no other */
    SHAPE_ENDS,  /* begins with one of `set` and ends with one of `set`: x+ */
};

/* What is known of a part of the pattern. */
struct part {
    enum shape shape;
    struct texts set;
    struct texts need;
    struct texts begins; /* each match begins with one of them, and they are not empty */
};

struct walker {
    struct slice in; /* what is left of the pattern */
    struct arena *arena;
    enum regex_mode mode;
    unsigned depth;
    bool folds;          /* (?i) is on here */
    bool gave_up;        /* something that this walk does not know */
    bool has_condition;  /* ^ $ \b and so on: a text of the set need not match */
    bool has_folded;     /* a letter without regard to case */
    bool has_unfolded;   /* a letter with regard to it */
};

static struct part walk_alternation(struct walker *w);

// ---- parts ----

static struct part part_unknown(void)
{
    return (struct part){.shape = SHAPE_ANY};
}

static struct part part_text(struct walker *w, struct slice text)
{
    return (struct part){.shape = SHAPE_EXACT, .set = texts_one(w->arena, text)};
}

// A condition, or nothing at all: the empty text.
static struct part part_empty(struct walker *w)
{
    return part_text(w, SLICE(""));
}

static struct texts part_need(const struct part *part)
{
    struct texts best = part->need;
    if (part->shape != SHAPE_ANY)
        texts_keep_better(&best, &part->set);
    return best;
}

/* One code point. What is folded to something beyond ASCII (k and the Kelvin sign, s and the long s) is not known, so that
 * ASCII folding is enough for those who compare; and a bad byte of a text matches U+FFFD, but does not contain it. */
static struct part part_rune(struct walker *w, uint32_t rune)
{
    char bytes[4];
    size_t len = utf8_encode(rune, bytes);
    bool is_letter = (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
    bool is_surrogate = rune >= 0xd800 && rune < 0xe000;
    if (rune == 0xfffd || is_surrogate || (w->folds && rune >= 0x80))
        return part_unknown();
    if (w->folds && is_letter) {
        bytes[0] = (char)(bytes[0] | 0x20);
        if (bytes[0] == 'k' || bytes[0] == 's')
            return part_unknown();
        w->has_folded = true;
    } else if (is_letter) {
        w->has_unfolded = true;
    }
    return part_text(w, slice_of(bytes, len));
}

static struct texts part_begins(const struct part *part)
{
    return part->shape == SHAPE_ANY ? part->begins : part->set;
}

// a, then b.
static struct part part_then(struct walker *w, const struct part *a, const struct part *b)
{
    struct part out = {.need = part_need(a)};
    struct texts b_need = part_need(b);
    struct texts joined;
    texts_keep_better(&out.need, &b_need);
    bool joins = a->shape != SHAPE_ANY && b->shape != SHAPE_ANY && texts_product(w->arena, &a->set, &b->set, &joined);
    if (joins)
        texts_keep_better(&out.need, &joined);
    if (joins && a->shape == SHAPE_EXACT && b->shape == SHAPE_EXACT) {
        out.shape = SHAPE_EXACT;
        out.set = joined;
    }
    return out;
}

// One of them.
static struct part part_or(struct walker *w, const struct part *parts, size_t count)
{
    struct part out = part_unknown();
    struct texts *sets = mem_array(count, sizeof(*sets));
    bool all_exact = true;
    bool all_need = true;
    for (size_t i = 0; i < count; i++) {
        all_exact = all_exact && parts[i].shape == SHAPE_EXACT;
        sets[i] = parts[i].set;
    }
    if (all_exact && texts_union(w->arena, sets, count, &out.set))
        out.shape = SHAPE_EXACT;
    for (size_t i = 0; i < count; i++) {
        sets[i] = part_need(&parts[i]);
        all_need = all_need && sets[i].count > 0 && !texts_have_empty(&sets[i]);
    }
    if (all_need && !texts_union(w->arena, sets, count, &out.need))
        out.need = (struct texts){NULL, 0};
    bool all_begin = true;
    for (size_t i = 0; i < count; i++) {
        sets[i] = part_begins(&parts[i]);
        all_begin = all_begin && sets[i].count > 0 && !texts_have_empty(&sets[i]);
    }
    if (all_begin && !texts_union(w->arena, sets, count, &out.begins))
        out.begins = (struct texts){NULL, 0};
    mem_free(sets);
    return out;
}

static struct part part_repeated(struct walker *w, const struct part *part, unsigned least, bool has_most, unsigned most)
{
    struct part out = part_unknown();
    if (has_most && most == 0)
        return part_empty(w);
    if (least == 0) {
        const struct part either[] = {*part, part_empty(w)};
        return has_most && most == 1 && part->shape == SHAPE_EXACT ? part_or(w, either, 2) : out;
    }
    out.need = part_need(part);
    out.begins = part_begins(part);
    if (part->shape != SHAPE_EXACT)
        return out;
    out.shape = SHAPE_ENDS;
    out.set = part->set;
    if (part->set.count != 1 || part->set.items[0].len * least > REPEAT_BYTES_MAX)
        return out;
    struct texts times = part->set;
    for (unsigned i = 1; i < least; i++) {
        struct texts more;
        if (!texts_product(w->arena, &times, &part->set, &more))
            return out;
        times = more;
    }
    out.shape = has_most && most == least ? SHAPE_EXACT : SHAPE_ENDS;
    out.set = times;
    return out;
}

// ---- the pattern's text ----

static bool at_end(const struct walker *w)
{
    return w->in.len == 0;
}

static char peek(const struct walker *w)
{
    return w->in.len == 0 ? '\0' : w->in.ptr[0];
}

static bool take_text(struct walker *w, const char *text)
{
    if (!slice_starts(w->in, slice_str(text)))
        return false;
    w->in = slice_from(w->in, strlen(text));
    return true;
}

static struct part give_up(struct walker *w)
{
    w->gave_up = true;
    w->in.len = 0;
    return part_unknown();
}

static uint32_t take_rune(struct walker *w)
{
    size_t len = 0;
    uint32_t rune = utf8_decode(w->in, &len);
    w->in = slice_from(w->in, len);
    return rune;
}

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// \pN or \p{Name}, behind the p.
static void skip_property(struct walker *w)
{
    if (!at_end(w) && peek(w) != '{') {
        (void)take_rune(w);
        return;
    }
    size_t end = slice_find_byte(w->in, '}');
    w->in = slice_from(w->in, end < w->in.len ? end + 1 : end);
}

// \xHH or \x{...}, behind the x.
static bool take_hex(struct walker *w, uint32_t *out)
{
    struct slice digits = SLICE_NONE;
    if (take_text(w, "{")) {
        size_t end = slice_find_byte(w->in, '}');
        if (end == w->in.len || !slice_take(&w->in, end, &digits) || !take_text(w, "}"))
            return false;
    } else if (!slice_take(&w->in, 2, &digits)) {
        return false;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        uint32_t digit = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
        if (digit > 15 || value > 0x10ffff)
            return false;
        value = value * 16 + digit;
    }
    *out = value;
    return value <= 0x10ffff && digits.len > 0;
}

// The code point of an escape that stands for one, behind the backslash. False: it stands for something else, *w is as it was.
static bool take_escaped_rune(struct walker *w, uint32_t *out)
{
    static const char letters[] = "aftnrv";
    static const char values[] = "\a\f\t\n\r\v";
    char c = peek(w);
    const char *hit = c == '\0' ? NULL : strchr(letters, c);
    struct walker before = *w;
    if (hit != NULL || ((uint8_t)c < 0x80 && c != '\0' && !is_word_byte(c))) {
        *out = hit != NULL ? (uint32_t)values[hit - letters] : (uint32_t)c;
        w->in = slice_from(w->in, 1);
        return true;
    }
    if (take_text(w, "x") && take_hex(w, out))
        return true;
    *w = before;
    return false;
}

static struct part walk_quoted(struct walker *w) // \Q...\E, behind the Q; but one character before a repetition
{
    struct part all = part_empty(w);
    while (!at_end(w) && !take_text(w, "\\E")) {
        struct part one = part_rune(w, take_rune(w));
        all = part_then(w, &all, &one);
    }
    // `\Qab\E+` repeats the b alone.
    return !at_end(w) && strchr("*+?{", peek(w)) != NULL ? give_up(w) : all;
}

static struct part walk_escape(struct walker *w)
{
    uint32_t rune = 0;
    if (at_end(w))
        return give_up(w);
    if (take_escaped_rune(w, &rune))
        return part_rune(w, rune);
    char kind = peek(w);
    w->in = slice_from(w->in, 1);
    switch (kind) {
    case 'd':
    case 'D':
    case 's':
    case 'S':
    case 'w':
    case 'W':
        return part_unknown();
    case 'p':
    case 'P':
        skip_property(w);
        return part_unknown();
    case 'A':
    case 'z':
    case 'b':
    case 'B':
        w->has_condition = true;
        return part_empty(w);
    case 'Q':
        return walk_quoted(w);
    default:
        return give_up(w);
    }
}

// One member of a class: an ASCII character, or false, having passed it all the same.
static bool take_member(struct walker *w, uint32_t *out)
{
    if (slice_starts(w->in, SLICE("[:"))) {
        size_t at = 2;
        while (at + 1 < w->in.len && !(w->in.ptr[at] == ':' && w->in.ptr[at + 1] == ']'))
            at++;
        if (at + 1 < w->in.len) {
            w->in = slice_from(w->in, at + 2);
            return false;
        }
    }
    if (!take_text(w, "\\")) {
        *out = take_rune(w);
        return *out < 0x80;
    }
    if (take_escaped_rune(w, out))
        return *out < 0x80;
    char kind = peek(w);
    if (kind == '\0' || strchr("dDsSwWpP", kind) == NULL) {
        (void)give_up(w);
        return false;
    }
    w->in = slice_from(w->in, 1);
    if (kind == 'p' || kind == 'P')
        skip_property(w);
    return false;
}

static struct part walk_class(struct walker *w) // behind the [
{
    bool known = !take_text(w, "^");
    struct part members[CLASS_MAX];
    size_t count = 0;
    for (bool is_first = true; is_first || peek(w) != ']'; is_first = false) {
        uint32_t first = 0;
        if (at_end(w))
            return give_up(w);
        bool plain = take_member(w, &first);
        uint32_t last = first;
        if (w->in.len >= 2 && peek(w) == '-' && w->in.ptr[1] != ']') {
            w->in = slice_from(w->in, 1);
            plain = take_member(w, &last) && plain;
        }
        known = known && plain && last >= first && count + (last - first) < CLASS_MAX;
        for (uint32_t rune = first; known && rune <= last; rune++)
            members[count++] = part_rune(w, rune);
    }
    if (at_end(w))
        return give_up(w);
    w->in = slice_from(w->in, 1);
    return known && count > 0 ? part_or(w, members, count) : part_unknown();
}

// (?flags) or (?flags: behind the ?. False: neither of them. *is_group: a group follows.
static bool take_flags(struct walker *w, bool *is_group)
{
    bool on = true;
    while (!at_end(w)) {
        char c = peek(w);
        w->in = slice_from(w->in, 1);
        switch (c) {
        case 'i':
            w->folds = on;
            break;
        case 'm':
        case 's':
        case 'U':
            break;
        case '-':
            on = false;
            break;
        case ')':
        case ':':
            *is_group = c == ':';
            return true;
        default:
            return false;
        }
    }
    return false;
}

static struct part walk_group(struct walker *w) // behind the (
{
    bool folded_before = w->folds;
    if (take_text(w, "?P<") || take_text(w, "?<")) {
        size_t end = slice_find_byte(w->in, '>');
        if (end == w->in.len)
            return give_up(w);
        w->in = slice_from(w->in, end + 1);
    } else if (take_text(w, "?")) {
        bool is_group = false;
        if (!take_flags(w, &is_group))
            return give_up(w);
        if (!is_group) { // the flags hold to the end of the group around; a repetition repeats what stands before them
            bool repeats = !at_end(w) && strchr("*+?{", peek(w)) != NULL;
            return repeats ? give_up(w) : part_empty(w);
        }
    }
    if (++w->depth > DEPTH_MAX)
        return give_up(w);
    struct part inner = walk_alternation(w);
    w->depth--;
    if (!take_text(w, ")"))
        return give_up(w);
    w->folds = folded_before;
    return inner;
}

// ^ and $: in an anchored pattern they say nothing at the two ends.
static struct part walk_end(struct walker *w, bool says_nothing)
{
    w->in = slice_from(w->in, 1);
    w->has_condition = w->has_condition || !says_nothing;
    return part_empty(w);
}

static struct part walk_atom(struct walker *w, bool is_first)
{
    bool anchored = w->mode == REGEX_ANCHORED && w->depth == 0;
    switch (peek(w)) {
    case '^':
        return walk_end(w, anchored && is_first);
    case '$':
        return walk_end(w, anchored && (w->in.len == 1 || w->in.ptr[1] == '|'));
    case '.':
        w->in = slice_from(w->in, 1);
        return part_unknown();
    case '(':
        w->in = slice_from(w->in, 1);
        return walk_group(w);
    case '[':
        w->in = slice_from(w->in, 1);
        return walk_class(w);
    case '\\':
        w->in = slice_from(w->in, 1);
        return walk_escape(w);
    case '*':
    case '+':
    case '?':
        return give_up(w); // RE2 would not have compiled it
    default:
        return part_rune(w, take_rune(w));
    }
}

// A number with a zero before it is none, in RE2 as in Go: x{010} is literal.
static bool take_count(struct slice *in, unsigned *out)
{
    if (in->len > 1 && in->ptr[0] == '0' && in->ptr[1] >= '0' && in->ptr[1] <= '9')
        return false;
    unsigned value = 0;
    size_t digits = 0;
    for (; in->len > 0 && in->ptr[0] >= '0' && in->ptr[0] <= '9' && digits < 6; digits++) {
        value = value * 10 + (unsigned)(in->ptr[0] - '0');
        *in = slice_from(*in, 1);
    }
    *out = value;
    return digits > 0;
}

// {n}, {n,} or {n,m}; anything else is a literal brace.
static bool take_braces(struct walker *w, unsigned *least, bool *has_most, unsigned *most)
{
    struct slice in = slice_from(w->in, 1);
    if (!take_count(&in, least))
        return false;
    *has_most = true;
    *most = *least;
    if (in.len > 0 && in.ptr[0] == ',') {
        in = slice_from(in, 1);
        *has_most = take_count(&in, most);
    }
    if (in.len == 0 || in.ptr[0] != '}')
        return false;
    w->in = slice_from(in, 1);
    return true;
}

static struct part walk_repetition(struct walker *w, bool is_first)
{
    struct part part = walk_atom(w, is_first);
    unsigned least = 0;
    unsigned most = 1;
    bool has_most = false;
    char c = peek(w);
    if (c == '*' || c == '+' || c == '?') {
        w->in = slice_from(w->in, 1);
        least = c == '+' ? 1 : 0;
        has_most = c == '?';
    } else if (c != '{' || !take_braces(w, &least, &has_most, &most)) {
        return part;
    }
    (void)take_text(w, "?"); // as few as will do: the same texts
    return part_repeated(w, &part, least, has_most, most);
}

/* A concatenation keeps the run of texts up to here apart from the best that is known: a product with many choices makes
 * the run worse, and then the shorter one of before is what is asked for. */
static struct part walk_concatenation(struct walker *w)
{
    struct part run = part_empty(w);
    struct texts best = {NULL, 0};
    struct texts begins = run.set;
    bool is_exact = true;
    bool begins_all = true; // `begins` is all that was seen so far
    for (bool is_first = true; !at_end(w) && peek(w) != '|' && peek(w) != ')'; is_first = false) {
        struct part next = walk_repetition(w, is_first);
        struct texts next_begins = part_begins(&next);
        struct texts longer = begins;
        begins_all = begins_all && next_begins.count > 0 && texts_product(w->arena, &begins, &next_begins, &longer) &&
                     texts_worth(&longer) >= texts_worth(&begins); // a class of ten digits behind a text would narrow less than the text
        begins = begins_all ? longer : begins;
        begins_all = begins_all && next.shape == SHAPE_EXACT;
        struct part joined = part_then(w, &run, &next);
        struct texts need = part_need(&joined);
        texts_keep_better(&best, &need);
        if (joined.shape == SHAPE_EXACT) {
            run = joined;
            continue;
        }
        is_exact = false;
        run = next.shape == SHAPE_ANY ? part_empty(w) : next;
        run.shape = SHAPE_EXACT; // from here on: what the text before ends with
        run.need = (struct texts){NULL, 0};
    }
    if (!is_exact)
        run = part_unknown();
    run.need = best;
    if (!texts_have_empty(&begins))
        run.begins = begins;
    return run;
}

static struct part walk_alternation(struct walker *w)
{
    struct part all = walk_concatenation(w);
    if (peek(w) != '|')
        return all;
    struct buf parts = BUF_INIT; // all at once: a hundred alternatives are copied once, not a hundred times
    size_t count = 1;
    buf_put(&parts, slice_of(&all, sizeof(all)));
    for (; take_text(w, "|"); count++) {
        struct part next = walk_concatenation(w);
        buf_put(&parts, slice_of(&next, sizeof(next)));
    }
    all = part_or(w, (const struct part *)(const void *)parts.ptr, count);
    buf_fini(&parts);
    return all;
}

// ---- the result ----

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

// Sorted and unique copies in the arena that the caller gave.
static void publish(const struct texts *set, bool lowers, struct arena *arena, struct regex_literals *out)
{
    out->any = ARENA_ARRAY(arena, struct slice, set->count);
    for (size_t i = 0; i < set->count; i++) {
        char *copy = arena_alloc(arena, set->items[i].len, 1);
        for (size_t j = 0; j < set->items[i].len; j++)
            copy[j] = lowers ? lower(set->items[i].ptr[j]) : set->items[i].ptr[j];
        out->any[i] = slice_of(copy, set->items[i].len);
    }
    qsort(out->any, set->count, sizeof(*out->any), by_text);
    for (size_t i = 0; i < set->count; i++) {
        if (out->count == 0 || !slice_eq(out->any[out->count - 1], out->any[i]))
            out->any[out->count++] = out->any[i];
    }
}

void regex_literals_extract(struct slice pattern, enum regex_mode mode, struct arena *arena, struct regex_literals *out)
{
    struct arena scratch = ARENA_INIT;
    struct walker w = {.in = pattern, .arena = &scratch, .mode = mode};
    *out = (struct regex_literals){.any = NULL};
    struct part all = walk_alternation(&w);
    if (!w.gave_up && at_end(&w)) {
        out->is_exact = all.shape == SHAPE_EXACT && !w.has_condition && !(w.has_folded && w.has_unfolded);
        struct texts set = out->is_exact ? all.set : part_need(&all);
        struct texts begins = part_begins(&all);
        bool by_begin = !out->is_exact && mode == REGEX_SEARCH && !w.has_condition && !texts_have_empty(&begins) &&
                        texts_worth(&begins) > 0 && texts_worth(&begins) >= texts_worth(&set);
        if (by_begin) // where one of them stands, and only there, a match may begin
            set = begins;
        out->is_begin = by_begin;
        // The empty text occurs everywhere, and so says nothing, except that an anchored pattern may match it and little else.
        bool says_nothing = set.count == 0 || (texts_have_empty(&set) && !(out->is_exact && mode == REGEX_ANCHORED));
        out->is_exact = out->is_exact && !says_nothing;
        out->ignores_case = w.has_folded && !says_nothing;
        if (!says_nothing)
            publish(&set, w.has_folded, arena, out);
    }
    arena_fini(&scratch);
}
