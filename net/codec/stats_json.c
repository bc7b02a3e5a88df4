#include "net/codec/json_writer.h"
#include "net/codec/result_json.h"

#include "core/base/clock.h"
#include "core/model/go_text.h"

static uint64_t get(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed); // summed up by now
}

static void put_seconds(struct buf *out, const char *key, int64_t ns)
{
    buf_printf(out, "\"%s\":", key);
    go_print_float_f(out, (double)ns / (double)NS_PER_S);
    buf_byte(out, ',');
}

static void put_count(struct buf *out, const char *key, uint64_t value)
{
    buf_byte(out, '"');
    buf_str(out, key);
    buf_str(out, "\":");
    buf_u64(out, value);
    buf_byte(out, ',');
}

/* The comma that the last member left becomes the closing brace. */
static void close_object(struct buf *out)
{
    out->ptr[out->len - 1] = '}';
    buf_byte(out, ',');
}

static void put_summary(struct buf *out, const struct query_stats *stats, int64_t exec_ns, int64_t queue_ns)
{
    uint64_t bytes = get(&stats->bytes_scanned);
    uint64_t lines = get(&stats->lines_scanned);
    double seconds = exec_ns > 0 ? (double)exec_ns / (double)NS_PER_S : 0;
    buf_str(out, "\"summary\":{");
    put_count(out, "bytesProcessedPerSecond", seconds > 0 ? (uint64_t)((double)bytes / seconds) : 0);
    put_count(out, "linesProcessedPerSecond", seconds > 0 ? (uint64_t)((double)lines / seconds) : 0);
    put_count(out, "totalBytesProcessed", bytes);
    put_count(out, "totalLinesProcessed", lines);
    put_seconds(out, "execTime", exec_ns);
    put_seconds(out, "queueTime", queue_ns);
    put_count(out, "subqueries", 0);
    put_count(out, "totalEntriesReturned", get(&stats->entries_returned));
    put_count(out, "splits", 0);
    put_count(out, "shards", 0);
    put_count(out, "totalPostFilterLines", get(&stats->lines_after_filters));
    put_count(out, "totalStructuredMetadataBytesProcessed", get(&stats->metadata_bytes_scanned));
    close_object(out);
}

/* What one side (blocks on disk, heads in memory) read. */
struct side {
    uint64_t chunks, head_bytes, head_lines, bytes, lines, compressed, duplicates, after_filters, metadata_bytes;
};

static void put_store(struct buf *out, const struct side *side)
{
    static const char *const dataobj[] = {
        "prePredicateDecompressedRows", "prePredicateDecompressedBytes", "prePredicateDecompressedStructuredMetadataBytes",
        "postPredicateRows", "postPredicateDecompressedBytes", "postPredicateStructuredMetadataBytes", "postFilterRows",
        "pagesScanned", "pagesDownloaded", "pagesDownloadedBytes", "pageBatches", "totalRowsAvailable", "totalPageDownloadTime"};
    buf_str(out, "\"store\":{");
    put_count(out, "totalChunksRef", side->chunks);
    put_count(out, "totalChunksDownloaded", side->chunks);
    put_count(out, "chunksDownloadTime", 0);
    buf_str(out, "\"queryReferencedStructuredMetadata\":false,\"queryUsedV2Engine\":false,\"chunk\":{");
    put_count(out, "headChunkBytes", side->head_bytes);
    put_count(out, "headChunkLines", side->head_lines);
    put_count(out, "decompressedBytes", side->bytes);
    put_count(out, "decompressedLines", side->lines);
    put_count(out, "compressedBytes", side->compressed);
    put_count(out, "totalDuplicates", side->duplicates);
    put_count(out, "postFilterLines", side->after_filters);
    put_count(out, "headChunkStructuredMetadataBytes", 0);
    put_count(out, "decompressedStructuredMetadataBytes", side->metadata_bytes);
    close_object(out);
    put_count(out, "chunkRefsFetchTime", 0);
    put_count(out, "congestionControlLatency", 0);
    put_count(out, "pipelineWrapperFilteredLines", 0);
    buf_str(out, "\"dataobj\":{");
    for (size_t i = 0; i < LENGTH(dataobj); i++)
        put_count(out, dataobj[i], 0);
    close_object(out);
    close_object(out);
}

static void put_sides(struct buf *out, const struct query_stats *stats, int64_t exec_ns)
{
    uint64_t head_lines = get(&stats->head_lines);
    uint64_t head_bytes = get(&stats->head_bytes);
    uint64_t lines = get(&stats->lines_scanned);
    uint64_t bytes = get(&stats->bytes_scanned);
    struct side disk = {
        .chunks = get(&stats->blocks_read),
        .bytes = bytes > head_bytes ? bytes - head_bytes : 0,
        .lines = lines > head_lines ? lines - head_lines : 0,
        .compressed = get(&stats->compressed_bytes),
        .after_filters = get(&stats->lines_after_filters),
        .metadata_bytes = get(&stats->metadata_bytes_scanned),
    };
    struct side memory = {
        .chunks = get(&stats->head_chunks),
        .head_bytes = head_bytes,
        .head_lines = head_lines,
        .duplicates = get(&stats->duplicates),
    };
    buf_str(out, "\"querier\":{");
    put_store(out, &disk);
    put_seconds(out, "querierExecTime", exec_ns);
    close_object(out);
    buf_str(out, "\"ingester\":{");
    put_count(out, "totalReached", 1);
    put_count(out, "totalChunksMatched", get(&stats->chunks_matched));
    put_count(out, "totalBatches", 0);
    put_count(out, "totalLinesSent", head_lines);
    put_store(out, &memory);
    put_count(out, "recvWaitTime", 0);
    close_object(out);
}

static void put_caches(struct buf *out)
{
    static const char *const caches[] = {"chunk", "index", "result", "statsResult", "volumeResult", "seriesResult",
                                         "labelResult", "instantMetricResult"};
    static const char *const keys[] = {"entriesFound", "entriesRequested", "entriesStored", "bytesReceived",
                                       "bytesSent", "requests", "downloadTime", "queryLengthServed"};
    buf_str(out, "\"cache\":{");
    for (size_t i = 0; i < LENGTH(caches); i++) {
        buf_printf(out, "\"%s\":{", caches[i]);
        for (size_t k = 0; k < LENGTH(keys); k++)
            put_count(out, keys[k], 0);
        close_object(out);
    }
    close_object(out);
}

void stats_json_put(struct buf *out, const struct query_stats *stats, int64_t exec_ns, int64_t queue_ns)
{
    buf_byte(out, '{');
    put_summary(out, stats, exec_ns, queue_ns);
    put_sides(out, stats, exec_ns);
    put_caches(out);
    buf_str(out, "\"index\":{");
    put_count(out, "totalChunks", get(&stats->chunks_matched));
    put_count(out, "postFilterChunks", get(&stats->chunks_matched));
    put_count(out, "shardsDuration", 0);
    buf_str(out, "\"usedBloomFilters\":false,");
    put_count(out, "totalStreams", get(&stats->streams_matched));
    put_count(out, "chunkRefsLookupTime", 0);
    put_count(out, "bloomFilterTime", 0);
    close_object(out);
    out->ptr[out->len - 1] = '}';
}
