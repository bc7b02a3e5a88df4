#include "core/plan/label_class.h"

#include "core/base/mem.h"
#include "core/plan/label_key.h"

static size_t put_category(struct result_label *out, const struct row_label *labels, size_t count, enum label_category category)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (labels[i].category == category)
            out[n++] = (struct result_label){labels[i].name, labels[i].value};
    return n;
}

static struct label_class *class_create(struct label_classes *classes, const struct row_label *borrowed, size_t count)
{
    struct arena *arena = &classes->memory.arena;
    struct row_label *labels = ARENA_ARRAY(arena, struct row_label, count);
    struct label *full = ARENA_ARRAY(arena, struct label, count);
    for (size_t i = 0; i < count; i++) {
        labels[i] = (struct row_label){arena_copy(arena, borrowed[i].name), arena_copy(arena, borrowed[i].value), borrowed[i].category};
        full[i] = (struct label){labels[i].name, labels[i].value};
    }
    struct label_class *class = ARENA_NEW(arena, struct label_class);
    class->full = class->stream = (struct label_set){full, count};
    if (!classes->categorize)
        return class;

    struct result_label *metadata = ARENA_ARRAY(arena, struct result_label, count);
    class->metadata_count = (uint32_t)put_category(metadata, labels, count, LABEL_METADATA);
    class->metadata = metadata;
    struct result_label *parsed = ARENA_ARRAY(arena, struct result_label, count);
    class->parsed_count = (uint32_t)put_category(parsed, labels, count, LABEL_PARSED);
    class->parsed = parsed;
    struct label *stream = ARENA_ARRAY(arena, struct label, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (labels[i].category == LABEL_STREAM)
            stream[n++] = full[i];
    class->stream = (struct label_set){stream, n};
    return class;
}

struct label_class *label_classes_intern(struct label_classes *classes, const struct row_label *labels, size_t count)
{
    buf_reset(&classes->key);
    for (size_t i = 0; i < count; i++) {
        if (classes->categorize)
            buf_byte(&classes->key, (char)('0' + labels[i].category));
        label_key_put(&classes->key, labels[i].name, labels[i].value);
    }
    bool is_new = false;
    size_t i = key_table_add(&classes->keys, buf_slice(&classes->key), &classes->memory.arena, &is_new);
    if (!is_new)
        return classes->items[i];
    if (i >= classes->cap) {
        classes->cap = classes->cap == 0 ? 16 : 2 * classes->cap;
        classes->items = mem_grow(classes->items, classes->cap, sizeof(struct label_class *));
    }
    classes->items[i] = class_create(classes, labels, count);
    return classes->items[i];
}

void label_classes_fini(struct label_classes *classes, struct query_control *control)
{
    key_table_fini(&classes->keys);
    mem_free(classes->items);
    buf_fini(&classes->key);
    charged_arena_fini(&classes->memory, control);
}

int label_class_cmp_stream(const struct label_class *a, const struct label_class *b)
{
    return a == b ? 0 : label_set_cmp_text(&a->stream, &b->stream);
}

int label_class_cmp_full(const struct label_class *a, const struct label_class *b)
{
    return a == b ? 0 : label_set_cmp_text(&a->full, &b->full);
}
