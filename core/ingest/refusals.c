#include "core/ingest/refusals.h"

const char *discard_reason_text(enum discard_reason reason)
{
    static const char *const texts[DISCARD_REASON_COUNT] = {
#define DISCARD_TEXT(name) [DISCARD_##name] = #name,
        DISCARD_REASONS(DISCARD_TEXT)
#undef DISCARD_TEXT
    };
    return texts[reason];
}

void refusals_mark(struct refusals *refusals, size_t ordinal, enum discard_reason reason, size_t bytes)
{
    if (refusals->is_refused == NULL)
        refusals->is_refused = ARENA_ARRAY(refusals->arena, uint8_t, refusals->entry_count);
    if (refusals->is_refused[ordinal] != 0)
        return;
    refusals->is_refused[ordinal] = 1;
    refusals->count++;
    refusals->out->discarded[reason].lines++;
    refusals->out->discarded[reason].bytes += bytes;
}

void refusals_add_text(struct refusals *refusals, struct slice text)
{
    if (refusals->texts == NULL)
        refusals->texts = ARENA_ARRAY(refusals->arena, struct refusal_text, REFUSAL_TEXTS_MAX);
    for (size_t i = refusals->text_count; i-- > 0;) { // the newest first: errors come in rows
        if (slice_eq(refusals->texts[i].text, text)) {
            refusals->texts[i].count++;
            return;
        }
    }
    if (refusals->text_count == REFUSAL_TEXTS_MAX)
        refusals->texts[REFUSAL_TEXTS_MAX - 1].count++;
    else
        refusals->texts[refusals->text_count++] = (struct refusal_text){text, 1};
}

static struct slice texts_join(const struct refusals *refusals)
{
    if (refusals->text_count == 1 && refusals->texts[0].count == 1)
        return refusals->texts[0].text;
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < refusals->text_count; i++) {
        buf_printf(&joined, "%s%llu errors like: ", i == 0 ? "" : "; ", (unsigned long long)refusals->texts[i].count);
        buf_put(&joined, refusals->texts[i].text);
    }
    struct slice text = arena_copy(refusals->arena, buf_slice(&joined));
    buf_fini(&joined);
    return text;
}

void refusals_finish(const struct refusals *refusals)
{
    struct ingest_outcome *out = refusals->out;
    if (refusals->count > 0) {
        out->refused = ARENA_ARRAY(refusals->arena, uint32_t, refusals->count);
        for (size_t i = 0; i < refusals->entry_count; i++) {
            if (refusals->is_refused[i] != 0)
                out->refused[out->refused_count++] = (uint32_t)i;
        }
    }
    out->status = 204;
    out->text = SLICE("");
    if (refusals->storing.len > 0) {
        out->status = refusals->storing_status;
        out->text = refusals->storing;
    } else if (refusals->text_count > 0) {
        out->status = 400;
        out->text = texts_join(refusals);
    } else if (refusals->block.len > 0 && refusals->block_status != 200) {
        out->status = refusals->block_status;
        out->text = refusals->block;
    }
}
