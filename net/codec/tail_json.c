#include "net/codec/tail_json.h"

#include "core/model/go_text.h"
#include "net/codec/json_writer.h"
#include "net/codec/result_json.h"

void tail_json_labels_put(struct buf *out, const struct tail_form *form, const struct result_label *labels, size_t count)
{
    if (form->is_legacy)
        label_text_json_put(out, labels, count);
    else
        labels_json_put(out, labels, count);
}

void tail_json_entry_put(struct buf *out, const struct tail_form *form, const struct result_entry *entry)
{
    if (form->is_legacy) {
        buf_str(out, ",\"entries\":[{\"ts\":\"");
        rfc3339_print(out, entry->ts_ns, true);
        buf_str(out, "\",\"line\":");
        json_put_string(out, entry->line);
        buf_str(out, "}]}");
        return;
    }
    buf_str(out, ",\"values\":[[\"");
    buf_i64(out, entry->ts_ns);
    buf_str(out, "\",");
    json_put_string(out, entry->line);
    if (form->categorize)
        categories_json_put(out, entry);
    buf_str(out, "]]}");
}

void tail_json_begin(struct buf *out)
{
    buf_str(out, "{\"streams\":[");
}

void tail_json_stream_begin(struct buf *out, const struct tail_form *form)
{
    buf_str(out, form->is_legacy ? "{\"labels\":" : "{\"stream\":");
}

void tail_json_dropped_put(struct buf *out, const struct tail_form *form, int64_t ts_ns, struct slice labels_json)
{
    buf_str(out, "{\"timestamp\":\"");
    if (form->is_legacy)
        rfc3339_print(out, ts_ns, true);
    else
        buf_i64(out, ts_ns);
    buf_str(out, "\",\"labels\":");
    buf_put(out, labels_json);
    buf_byte(out, '}');
}

void tail_json_end(struct buf *out, const struct tail_form *form, struct slice dropped)
{
    buf_byte(out, ']');
    if (dropped.len > 0) {
        buf_str(out, ",\"dropped_entries\":[");
        buf_put(out, dropped);
        buf_byte(out, ']');
    } else if (form->is_legacy) {
        buf_str(out, ",\"dropped_entries\":null");
    }
    if (!form->is_legacy && form->flag_count > 0) {
        buf_str(out, ",\"encodingFlags\":[");
        for (size_t i = 0; i < form->flag_count; i++) {
            if (i > 0)
                buf_byte(out, ',');
            json_put_string(out, form->encoding_flags[i]);
        }
        buf_byte(out, ']');
    }
    buf_str(out, form->is_legacy ? "}\n" : "}");
}
