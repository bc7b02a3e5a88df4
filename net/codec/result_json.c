#include "net/codec/result_json.h"

#include "core/model/go_text.h"
#include "net/codec/json_writer.h"

void labels_json_put(struct buf *out, const struct result_label *labels, size_t count)
{
    buf_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_put_string(out, labels[i].name);
        buf_byte(out, ':');
        json_put_string(out, labels[i].value);
    }
    buf_byte(out, '}');
}

void categories_json_put(struct buf *out, const struct result_entry *entry)
{
    buf_str(out, ",{");
    if (entry->metadata_count > 0) {
        buf_str(out, "\"structuredMetadata\":");
        labels_json_put(out, entry->metadata, entry->metadata_count);
    }
    if (entry->parsed_count > 0) {
        buf_str(out, entry->metadata_count > 0 ? ",\"parsed\":" : "\"parsed\":");
        labels_json_put(out, entry->parsed, entry->parsed_count);
    }
    buf_byte(out, '}');
}

static void put_streams(struct buf *out, const struct query_result *result, bool categorize)
{
    for (size_t i = 0; i < result->stream_count; i++) {
        const struct result_stream *stream = &result->streams[i];
        buf_str(out, i > 0 ? ",{\"stream\":" : "{\"stream\":");
        labels_json_put(out, stream->labels, stream->label_count);
        buf_str(out, ",\"values\":[");
        for (size_t k = 0; k < stream->entry_count; k++) {
            const struct result_entry *entry = &stream->entries[k];
            buf_str(out, k > 0 ? ",[\"" : "[\"");
            buf_i64(out, entry->ts_ns);
            buf_str(out, "\",");
            json_put_string(out, entry->line);
            if (categorize)
                categories_json_put(out, entry);
            buf_byte(out, ']');
        }
        buf_str(out, "]}");
    }
}

static void put_point(struct buf *out, const struct result_point *point)
{
    buf_byte(out, '[');
    json_put_ms(out, point->ts_ms);
    buf_str(out, ",\"");
    go_print_float_f(out, point->value);
    buf_str(out, "\"]");
}

static void put_series(struct buf *out, const struct query_result *result)
{
    for (size_t i = 0; i < result->series_count; i++) {
        const struct result_series *series = &result->series[i];
        buf_str(out, i > 0 ? ",{\"metric\":" : "{\"metric\":");
        labels_json_put(out, series->labels, series->label_count);
        if (result->kind == RESULT_VECTOR) {
            buf_str(out, ",\"value\":");
            put_point(out, &series->points[0]);
        } else {
            buf_str(out, ",\"values\":[");
            for (size_t k = 0; k < series->point_count; k++) {
                if (k > 0)
                    buf_byte(out, ',');
                put_point(out, &series->points[k]);
            }
            buf_byte(out, ']');
        }
        buf_byte(out, '}');
    }
}

static void put_result(struct buf *out, const struct query_result *result, bool categorize)
{
    if (result->kind == RESULT_SCALAR) {
        put_point(out, &result->scalar);
        return;
    }
    buf_byte(out, '[');
    if (result->kind == RESULT_STREAMS)
        put_streams(out, result, categorize);
    else
        put_series(out, result);
    buf_byte(out, ']');
}

static void put_text_list(struct buf *out, const char *key, const struct slice *texts, size_t count)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_byte(out, ',');
        json_put_string(out, texts[i]);
    }
    buf_str(out, "],");
}

void result_json_put(struct buf *out, const struct query_result *result, const struct query_stats *stats,
                     const struct result_json_options *options)
{
    static const char *const kinds[] = {
        [RESULT_STREAMS] = "streams", [RESULT_MATRIX] = "matrix", [RESULT_VECTOR] = "vector", [RESULT_SCALAR] = "scalar"};
    buf_str(out, "{\"status\":\"success\",");
    if (result->warning_count > 0)
        put_text_list(out, "warnings", result->warnings, result->warning_count);
    buf_printf(out, "\"data\":{\"resultType\":\"%s\",", kinds[result->kind]);
    if (result->kind == RESULT_STREAMS && options->flag_count > 0)
        put_text_list(out, "encodingFlags", options->encoding_flags, options->flag_count);
    buf_str(out, "\"result\":");
    put_result(out, result, options->categorize);
    buf_str(out, ",\"stats\":");
    stats_json_put(out, stats, options->exec_ns, options->queue_ns);
    buf_str(out, "}}");
    if (result->kind == RESULT_STREAMS || result->kind == RESULT_SCALAR)
        buf_byte(out, '\n');
}

void label_text_json_put(struct buf *out, const struct result_label *labels, size_t count)
{
    struct buf text = BUF_INIT;
    buf_byte(&text, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_str(&text, ", ");
        buf_put(&text, labels[i].name);
        buf_byte(&text, '=');
        go_quote(&text, labels[i].value);
    }
    buf_byte(&text, '}');
    json_put_string(out, buf_slice(&text));
    buf_fini(&text);
}

void result_json_legacy_put(struct buf *out, const struct query_result *result, const struct query_stats *stats,
                            const struct result_json_options *options)
{
    buf_str(out, "{\"streams\":[");
    for (size_t i = 0; i < result->stream_count; i++) {
        const struct result_stream *stream = &result->streams[i];
        buf_str(out, i > 0 ? ",{\"labels\":" : "{\"labels\":");
        label_text_json_put(out, stream->labels, stream->label_count);
        buf_str(out, ",\"entries\":[");
        for (size_t k = 0; k < stream->entry_count; k++) {
            buf_str(out, k > 0 ? ",{\"ts\":\"" : "{\"ts\":\"");
            rfc3339_print(out, stream->entries[k].ts_ns, true);
            buf_str(out, "\",\"line\":");
            json_put_string(out, stream->entries[k].line);
            buf_byte(out, '}');
        }
        buf_str(out, "]}");
    }
    buf_str(out, "],\"stats\":");
    stats_json_put(out, stats, options->exec_ns, options->queue_ns);
    buf_str(out, "}\n");
}
