#include "net/ruler/remote_batch.h"

#include <snappy-c.h>

#include "remote_write.pb-c.h"

static ProtobufCBinaryData binary(struct slice text)
{
    return (ProtobufCBinaryData){text.len, (uint8_t *)(uintptr_t)text.ptr};
}

static void series_fill(Logi__RemoteSeries *series, const struct remote_point *point, struct arena *arena)
{
    struct label label;
    size_t count = 0;
    for (struct slice rest = point->labels; label_next(&rest, &label);)
        count++;
    series->labels = ARENA_ARRAY(arena, Logi__RemoteLabel *, count);
    for (struct slice rest = point->labels; label_next(&rest, &label);) {
        Logi__RemoteLabel *to = ARENA_NEW(arena, Logi__RemoteLabel);
        logi__remote_label__init(to);
        to->name = binary(label.name);
        to->value = binary(label.value);
        series->labels[series->n_labels++] = to;
    }
    Logi__RemoteSample *sample = ARENA_NEW(arena, Logi__RemoteSample);
    logi__remote_sample__init(sample);
    sample->value = point->value;
    sample->timestamp = point->ts_ms;
    series->samples = ARENA_NEW(arena, Logi__RemoteSample *);
    series->samples[0] = sample;
    series->n_samples = 1;
}

void remote_batch_put(struct buf *out, const struct remote_point *points, size_t count)
{
    struct arena arena = ARENA_INIT;
    Logi__RemoteWriteRequest request = LOGI__REMOTE_WRITE_REQUEST__INIT;
    request.timeseries = ARENA_ARRAY(&arena, Logi__RemoteSeries *, count);
    for (size_t i = 0; i < count; i++) {
        Logi__RemoteSeries *series = ARENA_NEW(&arena, Logi__RemoteSeries);
        logi__remote_series__init(series);
        series_fill(series, &points[i], &arena);
        request.timeseries[request.n_timeseries++] = series;
    }
    size_t plain_bytes = logi__remote_write_request__get_packed_size(&request);
    uint8_t *plain = arena_alloc(&arena, plain_bytes + 1, 1);
    (void)logi__remote_write_request__pack(&request, plain);
    size_t packed_bytes = snappy_max_compressed_length(plain_bytes);
    char *packed = buf_room(out, packed_bytes);
    if (snappy_compress((const char *)plain, plain_bytes, packed, &packed_bytes) == SNAPPY_OK)
        buf_took(out, packed_bytes);
    arena_fini(&arena);
}
