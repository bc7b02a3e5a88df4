#include "core/plan/log_result.h"

#include <stdlib.h>

#include "core/base/mem.h"

static int order_of_classes(const void *a, const void *b)
{
    const struct label_class *x = *(struct label_class *const *)a;
    const struct label_class *y = *(struct label_class *const *)b;
    int order = label_class_cmp_stream(x, y);
    return order != 0 ? order : (x > y) - (x < y);
}

static struct result_label *copy_labels(struct arena *arena, const struct result_label *labels, size_t count)
{
    struct result_label *copy = ARENA_ARRAY(arena, struct result_label, count);
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct result_label){arena_copy(arena, labels[i].name), arena_copy(arena, labels[i].value)};
    return copy;
}

struct class_copy { /* what the entries of one class share */
    const struct result_label *metadata, *parsed;
};

void log_result_build(const struct candidates *entries, struct arena *arena, struct query_result *out)
{
    size_t count = entries->count;
    struct label_class **classes = mem_array(count, sizeof(struct label_class *));
    for (size_t i = 0; i < count; i++)
        classes[i] = entries->items[i].class;
    if (count > 1)
        qsort(classes, count, sizeof(struct label_class *), order_of_classes);
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        if (distinct == 0 || classes[distinct - 1] != classes[i])
            classes[distinct++] = classes[i];

    struct result_stream *streams = ARENA_ARRAY(arena, struct result_stream, distinct);
    struct class_copy *copies = mem_array(distinct, sizeof(*copies));
    size_t *stream_of = mem_array(distinct, sizeof(*stream_of));
    size_t stream_count = 0;
    for (size_t i = 0; i < distinct; i++) {
        struct label_class *class = classes[i];
        if (i == 0 || label_class_cmp_stream(classes[i - 1], class) != 0) {
            struct result_label *labels = ARENA_ARRAY(arena, struct result_label, class->stream.count);
            for (size_t k = 0; k < class->stream.count; k++)
                labels[k] = (struct result_label){arena_copy(arena, class->stream.labels[k].name), arena_copy(arena, class->stream.labels[k].value)};
            streams[stream_count++] = (struct result_stream){.labels = labels, .label_count = class->stream.count};
        }
        class->group = i;
        stream_of[i] = stream_count - 1;
        copies[i] = (struct class_copy){copy_labels(arena, class->metadata, class->metadata_count),
                                        copy_labels(arena, class->parsed, class->parsed_count)};
    }
    for (size_t i = 0; i < count; i++)
        streams[stream_of[entries->items[i].class->group]].entry_count++;
    for (size_t i = 0; i < stream_count; i++) {
        streams[i].entries = ARENA_ARRAY(arena, struct result_entry, streams[i].entry_count);
        streams[i].entry_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct candidate *entry = &entries->items[i];
        const struct class_copy *copy = &copies[entry->class->group];
        struct result_stream *stream = &streams[stream_of[entry->class->group]];
        stream->entries[stream->entry_count++] = (struct result_entry){
            .ts_ns = entry->ts_ns,
            .line = arena_copy(arena, entry->line),
            .metadata = copy->metadata,
            .parsed = copy->parsed,
            .metadata_count = entry->class->metadata_count,
            .parsed_count = entry->class->parsed_count,
        };
    }
    out->streams = streams;
    out->stream_count = stream_count;
    mem_free(classes);
    mem_free(copies);
    mem_free(stream_of);
}
