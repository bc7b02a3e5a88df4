// The one file that knows RE2, and the one file in C++.
#include <stdint.h>
#include <string.h>

#include <re2/re2.h>
#include <string>
#include <vector>

// regex_literals is a struct and a function, which C keeps apart and C++ calls a constructor hidden.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "core/base/arena.h"
#include "core/model/go_text.h"
#include "core/model/regex.h"
#include "core/model/regex_literals.h"
}
#pragma GCC diagnostic pop

namespace
{

const size_t pattern_bytes_max = 64 << 10;

constexpr size_t captures_bytes_max = size_t{64} << 20;
// RE2 gives a program a quarter of two thirds of max_mem, at 16 bytes an instruction: 6 MiB make 1 MiB of program.
const int64_t re2_memory = INT64_C(6) << 20;

const size_t groups_max = 64; // on the stack; patterns with more take the heap

enum class quick {
    none,
    any,       // everything matches
    not_empty, // everything but the empty text
    literals,  // regex::literals says it all
};

} // namespace

struct regex {
    regex_mode mode;
    quick way;
    struct regex_literals literals;
    arena memory; // of the literals
    RE2 *re2;
    std::vector<std::string> group_names; // from group 1
};

namespace
{

// ---- compiling ----

// Go's words for what RE2 found wrong. RE2 is Go's parser in C++: the kinds are the same, the words are not.
const char *go_words(RE2::ErrorCode code)
{
    switch (code) {
    case RE2::ErrorBadEscape:
        return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
        return "invalid character class";
    case RE2::ErrorBadCharRange:
        return "invalid character class range";
    case RE2::ErrorMissingBracket:
        return "missing closing ]";
    case RE2::ErrorMissingParen:
        return "missing closing )";
    case RE2::ErrorUnexpectedParen:
        return "unexpected )";
    case RE2::ErrorTrailingBackslash:
        return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
        return "invalid repeat count";
    case RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
        return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
        return "invalid named capture";
    case RE2::NoError:
    case RE2::ErrorInternal:
    case RE2::ErrorPatternTooLarge:
        break;
    }
    return "regexp/syntax: internal error";
}

bool refuse(err *err, const char *words, const std::string &part)
{
    return err_set(err, ERR_INVALID, "error parsing regexp: %s: `%s`", words, part.c_str());
}

/* (?<name> becomes (?P<name>, which is all that this RE2 knows, outside of classes, escapes and \Q...\E. Sees \C on the way, which
 * RE2 takes and Go does not. */
void rewrite(const std::string &from, std::string *to, bool *has_byte_escape)
{
    bool in_class = false;
    for (size_t i = 0; i < from.size(); i++) {
        char c = from[i];
        if (c == '\\' && i + 1 < from.size()) {
            char next = from[i + 1];
            *has_byte_escape = *has_byte_escape || next == 'C';
            if (next == 'Q' && !in_class) {
                size_t end = from.find("\\E", i + 2);
                end = end == std::string::npos ? from.size() : end + 2;
                to->append(from, i, end - i);
                i = end - 1;
                continue;
            }
            to->append(from, i, 2);
            i++;
            continue;
        }
        to->push_back(c);
        if (in_class) {
            if (c == '[' && from.compare(i, 2, "[:") == 0) {
                size_t end = from.find(":]", i + 2);
                if (end != std::string::npos) {
                    to->append(from, i + 1, end + 2 - (i + 1));
                    i = end + 1;
                }
            } else if (c == ']') {
                in_class = false;
            }
        } else if (c == '[') {
            in_class = true;
            // A ] that comes first, also after ^, is one of the class.
            if (i + 1 < from.size() && from[i + 1] == '^')
                to->push_back(from[++i]);
            if (i + 1 < from.size() && from[i + 1] == ']')
                to->push_back(from[++i]);
        } else if (c == '(' && from.compare(i, 3, "(?<") == 0) {
            to->append("?P");
            i++; // the question mark
        }
    }
}

// RE2 names the part that it refuses in its own copy: back to what the user wrote.
std::string users_part(const RE2 &re2, const std::string &pattern, const std::string &rewritten)
{
    std::string part = re2.error_arg();
    RE2::ErrorCode code = re2.error_code();
    if (code == RE2::ErrorMissingParen || code == RE2::ErrorUnexpectedParen)
        return pattern;
    if (code == RE2::ErrorTrailingBackslash)
        return "";
    if (code == RE2::ErrorBadUTF8) {
        size_t at = 0;
        for (size_t len = 0; at < pattern.size(); at += len) {
            if (utf8_decode(slice{pattern.data() + at, pattern.size() - at}, &len) == 0xfffd && len == 1)
                break;
        }
        return pattern.substr(at);
    }
    if (code == RE2::ErrorRepeatSize && !part.empty() && part.back() == '?')
        part.pop_back(); // Go leaves the laziness out
    if (part.compare(0, 4, "(?P<") == 0 && rewritten != pattern && pattern.find(part) == std::string::npos)
        return "(?<" + part.substr(4);
    return part == rewritten ? pattern : part;
}

bool is_capture_name(const std::string &name)
{
    for (char c : name) {
        bool ok = c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!ok)
            return false;
    }
    return true;
}

RE2 *compile(const std::string &pattern, regex_mode mode, err *err)
{
    std::string rewritten;
    bool has_byte_escape = false;
    rewrite(pattern, &rewritten, &has_byte_escape);
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(re2_memory);
    options.set_dot_nl(mode == REGEX_ANCHORED);
    RE2 *re2 = new RE2(rewritten, options);
    if (!re2->ok()) {
        if (re2->error_code() == RE2::ErrorPatternTooLarge)
            err_fill(err, ERR_LIMIT, "error parsing regexp: the compiled expression is over 1 MiB: use fewer or smaller repetitions");
        else
            (void)refuse(err, go_words(re2->error_code()), users_part(*re2, pattern, rewritten));
        delete re2;
        return nullptr;
    }
    if (has_byte_escape) {
        (void)refuse(err, "invalid escape sequence", "\\C");
        delete re2;
        return nullptr;
    }
    for (const auto &group : re2->CapturingGroupNames()) {
        if (!is_capture_name(group.second)) {
            bool is_short = pattern.find("(?<" + group.second) != std::string::npos;
            (void)refuse(err, "invalid named capture", (is_short ? "(?<" : "(?P<") + group.second + ">");
            delete re2;
            return nullptr;
        }
    }
    return re2;
}

quick quick_way(const std::string &pattern, const regex *r)
{
    if (pattern == ".*" || (pattern.empty() && r->mode == REGEX_SEARCH))
        return quick::any;
    if (pattern == ".+" && r->mode == REGEX_ANCHORED)
        return quick::not_empty;
    // Of many literals RE2's automaton finds the first faster than one search each.
    size_t searches_max = r->mode == REGEX_SEARCH ? 1 : SIZE_MAX;
    if (r->literals.is_exact && !r->literals.ignores_case && r->literals.count <= searches_max)
        return quick::literals;
    return quick::none;
}

// ---- matching ----

bool is_one_of(const struct regex_literals &literals, slice text)
{
    size_t low = 0;
    size_t high = literals.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(literals.any[middle], text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool literals_match(const regex *r, slice text)
{
    if (r->mode == REGEX_ANCHORED)
        return is_one_of(r->literals, text);
    const slice &needle = r->literals.any[0];
    return text.len >= needle.len && memmem(text.ptr, text.len, needle.ptr, needle.len) != nullptr;
}

RE2::Anchor anchor_of(const regex *r)
{
    return r->mode == REGEX_ANCHORED ? RE2::ANCHOR_BOTH : RE2::UNANCHORED;
}

re2::StringPiece piece(slice text)
{
    return re2::StringPiece(text.ptr == nullptr ? "" : text.ptr, text.len);
}

// Go reads each bad byte as U+FFFD; RE2 lets no expression match it. So bad texts are matched with U+FFFD in their places.
struct mended {
    std::string text;
    std::vector<size_t> origin; // of each byte of text; and one for its end

    explicit mended(slice raw)
    {
        text.reserve(raw.len + 16);
        origin.reserve(raw.len + 17);
        for (size_t at = 0; at < raw.len;) {
            size_t len = 0;
            uint32_t rune = utf8_decode(slice_from(raw, at), &len);
            char bytes[4];
            size_t count = utf8_encode(rune, bytes);
            text.append(bytes, count);
            origin.insert(origin.end(), count, at);
            if (count == len)
                for (size_t i = 1; i < len; i++)
                    origin[origin.size() - len + i] = at + i;
            at += len;
        }
        origin.push_back(raw.len);
    }

    // Where a position of the raw text is here.
    size_t place_of(size_t raw_at) const
    {
        size_t at = 0;
        while (at < text.size() && origin[at] < raw_at)
            at++;
        return at;
    }
};

bool captures(const regex *r, slice text, size_t offset, slice *groups, size_t count)
{
    re2::StringPiece few[groups_max];
    std::vector<re2::StringPiece> many(count > groups_max ? count : 0);
    re2::StringPiece *found = count > groups_max ? many.data() : few;
    if (!r->re2->Match(piece(text), offset, text.len, anchor_of(r), found, static_cast<int>(count)))
        return false;
    for (size_t i = 0; i < count; i++)
        groups[i] = slice{found[i].data(), found[i].size()};
    return true;
}

bool captures_mended(const regex *r, slice text, size_t offset, slice *groups, size_t count)
{
    mended good(text);
    slice all = {good.text.data(), good.text.size()};
    if (!captures(r, all, good.place_of(offset), groups, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].ptr == nullptr)
            continue;
        size_t start = static_cast<size_t>(groups[i].ptr - all.ptr);
        size_t end = start + groups[i].len;
        groups[i] = slice{text.ptr + good.origin[start], good.origin[end] - good.origin[start]};
    }
    return true;
}

} // namespace

// ---- the C face ----

bool regex_compile(slice pattern, regex_mode mode, regex **out, err *err)
{
    if (pattern.len > pattern_bytes_max)
        return err_set(err, ERR_LIMIT, "regular expression of %zu bytes, the limit is %zu", pattern.len, pattern_bytes_max);
    std::string text(pattern.len == 0 ? "" : pattern.ptr, pattern.len);
    RE2 *re2 = compile(text, mode, err);
    if (re2 == nullptr)
        return false;
    regex *r = new regex();
    r->mode = mode;
    r->re2 = re2;
    r->group_names.resize(static_cast<size_t>(re2->NumberOfCapturingGroups()));
    for (const auto &group : re2->CapturingGroupNames())
        r->group_names[static_cast<size_t>(group.first) - 1] = group.second;
    regex_literals_extract(pattern, mode, &r->memory, &r->literals);
    r->way = quick_way(text, r);
    *out = r;
    return true;
}

void regex_free(regex *regex)
{
    if (regex == nullptr)
        return;
    delete regex->re2;
    arena_fini(&regex->memory);
    delete regex;
}

bool regex_matches(const regex *regex, slice text)
{
    switch (regex->way) {
    case quick::any:
        return true;
    case quick::not_empty:
        return text.len > 0;
    case quick::literals:
        return literals_match(regex, text);
    case quick::none:
        break;
    }
    if (regex->re2->Match(piece(text), 0, text.len, anchor_of(regex), nullptr, 0))
        return true;
    // Looked at only now: most texts are good, and where RE2 matches a bad one Go does too.
    return !utf8_is_valid(text) && captures_mended(regex, text, 0, nullptr, 0);
}

bool regex_matches_at(const regex *regex, slice text, size_t at)
{
    return regex->re2->Match(piece(text), at, text.len, RE2::ANCHOR_START, nullptr, 0) ||
           (!utf8_is_valid(text) && captures_mended(regex, text, 0, nullptr, 0));
}

bool regex_captures(const regex *regex, slice text, size_t offset, slice *groups, size_t count_max)
{
    if (offset > text.len)
        return false;
    for (size_t i = 0; i < count_max; i++)
        groups[i] = slice{nullptr, 0};
    size_t known = regex->group_names.size() + 1;
    size_t count = count_max < known ? count_max : known;
    return utf8_is_valid(text) ? captures(regex, text, offset, groups, count)
                               : captures_mended(regex, text, offset, groups, count);
}

bool regex_check_captures(const regex *regex, struct err *err)
{
    size_t a_thread = 2 * sizeof(char *) * (regex->group_names.size() + 1);
    if (a_thread * static_cast<size_t>(regex->re2->ProgramSize()) <= captures_bytes_max)
        return true;
    return err_set(err, ERR_INVALID, "error parsing regexp: expression too large");
}

size_t regex_group_count(const regex *regex)
{
    return regex->group_names.size();
}

slice regex_group_name(const regex *regex, size_t group)
{
    if (group == 0 || group > regex->group_names.size())
        return slice{"", 0};
    const std::string &name = regex->group_names[group - 1];
    return slice{name.data(), name.size()};
}

const struct regex_literals *regex_literals(const regex *regex)
{
    return &regex->literals;
}
