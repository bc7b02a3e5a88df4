#include "net/codec/rules_yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "core/model/go_text.h"
#include "net/codec/yaml_text.h"

/* ---- reading: the document as a graph of nodes, in which an alias is the node that it names ---- */

struct reading {
    yaml_document_t *document;
    struct arena *arena;
    struct err *err;
};

#define KEYS_MAX 256         /* of one mapping: every pair of keys is compared */
#define MODEL_BYTES_MAX (RULES_FILE_BYTES_MAX * 2) /* of what aliases may unfold to */

static bool refuse(const struct reading *reading, const yaml_node_t *node, const char *what)
{
    return err_set(reading->err, ERR_INVALID, "line %zu: %s", node->start_mark.line + 1, what);
}

static const yaml_node_t *node_at(const struct reading *reading, int index)
{
    return yaml_document_get_node(reading->document, index);
}

static struct slice scalar_of(const yaml_node_t *node)
{
    return slice_of(node->data.scalar.value, node->data.scalar.length);
}

static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq_str(scalar_of(node), words[i]))
            return true;
    }
    return false;
}

static bool read_text(const struct reading *reading, const yaml_node_t *node, struct slice *out)
{
    if (node->type != YAML_SCALAR_NODE)
        return refuse(reading, node, "a text is wanted");
    if (reading->arena->bytes > MODEL_BYTES_MAX)
        return refuse(reading, node, "too large");
    *out = is_null(node) ? SLICE("") : arena_copy(reading->arena, scalar_of(node));
    return true;
}

static bool read_duration(const struct reading *reading, const yaml_node_t *node, int64_t *out_ns)
{
    if (is_null(node))
        return true;
    if (node->type != YAML_SCALAR_NODE || !prom_parse_duration(scalar_of(node), out_ns, reading->err))
        return refuse(reading, node, "a duration is wanted, such as 1m");
    return true;
}

static bool read_count(const struct reading *reading, const yaml_node_t *node, int64_t *out)
{
    if (is_null(node))
        return true;
    if (node->type != YAML_SCALAR_NODE || !go_parse_int(scalar_of(node), out, NULL))
        return refuse(reading, node, "a whole number is wanted");
    return true;
}

/* Calls take for each key of a mapping; null is a mapping of nothing. */
static bool read_mapping(const struct reading *reading, const yaml_node_t *node,
                         bool (*take)(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value), void *self)
{
    if (is_null(node))
        return true;
    if (node->type != YAML_MAPPING_NODE)
        return refuse(reading, node, "a mapping is wanted");
    const yaml_node_pair_t *begin = node->data.mapping.pairs.start;
    const yaml_node_pair_t *end = node->data.mapping.pairs.top;
    if (end - begin > KEYS_MAX)
        return refuse(reading, node, "a mapping of too many keys");
    for (const yaml_node_pair_t *pair = begin; pair < end; pair++) {
        const yaml_node_t *key = node_at(reading, pair->key);
        if (key->type != YAML_SCALAR_NODE)
            return refuse(reading, key, "a key must be a text");
        for (const yaml_node_pair_t *other = begin; other < pair; other++) {
            if (slice_eq(scalar_of(node_at(reading, other->key)), scalar_of(key)))
                return refuse(reading, key, "a key that is already there");
        }
        if (!take(reading, self, scalar_of(key), node_at(reading, pair->value)))
            return false;
    }
    return true;
}

/* Items of a list, null: none; *out_count is checked against max. */
static bool read_list(const struct reading *reading, const yaml_node_t *node, size_t max, size_t *out_count)
{
    *out_count = 0;
    if (is_null(node))
        return true;
    if (node->type != YAML_SEQUENCE_NODE)
        return refuse(reading, node, "a list is wanted");
    *out_count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return *out_count <= max || refuse(reading, node, "a list of too many items");
}

struct pairs {
    struct label *pairs;
    size_t count;
};

static bool take_pair(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value)
{
    struct pairs *pairs = self;
    struct label *pair = &pairs->pairs[pairs->count++];
    pair->name = arena_copy(reading->arena, key);
    return read_text(reading, value, &pair->value);
}

static int pair_order(const void *a, const void *b)
{
    return yaml_key_order(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static bool read_pairs(const struct reading *reading, const yaml_node_t *node, struct label **out, size_t *out_count)
{
    size_t count = node->type == YAML_MAPPING_NODE ? (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start) : 0;
    if (count > RULE_PAIRS_MAX)
        return refuse(reading, node, "too many labels or annotations");
    struct pairs pairs = {.pairs = ARENA_ARRAY(reading->arena, struct label, count)};
    if (!read_mapping(reading, node, take_pair, &pairs))
        return false;
    if (pairs.count > 0)
        qsort(pairs.pairs, pairs.count, sizeof(*pairs.pairs), pair_order);
    *out = pairs.pairs;
    *out_count = pairs.count;
    return true;
}

static bool take_rule_key(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value)
{
    struct rule *rule = self;
    if (slice_eq(key, SLICE("record")))
        return read_text(reading, value, &rule->record);
    if (slice_eq(key, SLICE("alert")))
        return read_text(reading, value, &rule->alert);
    if (slice_eq(key, SLICE("expr")))
        return read_text(reading, value, &rule->expr);
    if (slice_eq(key, SLICE("for")))
        return read_duration(reading, value, &rule->for_ns);
    if (slice_eq(key, SLICE("keep_firing_for")))
        return read_duration(reading, value, &rule->keep_firing_ns);
    if (slice_eq(key, SLICE("labels")))
        return read_pairs(reading, value, &rule->labels, &rule->label_count);
    if (slice_eq(key, SLICE("annotations")))
        return read_pairs(reading, value, &rule->annotations, &rule->annotation_count);
    return true;
}

static bool read_rules(const struct reading *reading, const yaml_node_t *node, struct rule_group *group)
{
    if (!read_list(reading, node, RULES_OF_GROUP_MAX, &group->rule_count))
        return false;
    group->rules = ARENA_ARRAY(reading->arena, struct rule, group->rule_count);
    for (size_t i = 0; i < group->rule_count; i++) {
        if (!read_mapping(reading, node_at(reading, node->data.sequence.items.start[i]), take_rule_key, &group->rules[i]))
            return false;
    }
    return true;
}

static bool take_group_key(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value)
{
    struct rule_group *group = self;
    if (slice_eq(key, SLICE("name")))
        return read_text(reading, value, &group->name) &&
               (group->name.len <= RULE_GROUP_NAME_BYTES_MAX || refuse(reading, value, "a name that is too long"));
    if (slice_eq(key, SLICE("interval")))
        return read_duration(reading, value, &group->interval_ns);
    if (slice_eq(key, SLICE("query_offset"))) {
        group->has_offset = !is_null(value);
        return read_duration(reading, value, &group->offset_ns);
    }
    if (slice_eq(key, SLICE("limit")))
        return read_count(reading, value, &group->limit);
    if (slice_eq(key, SLICE("rules")))
        return read_rules(reading, value, group);
    return true;
}

static bool take_file_key(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value)
{
    struct rules_file *file = self;
    if (slice_eq(key, SLICE("namespace")))
        return read_text(reading, value, &file->rule_namespace);
    if (!slice_eq(key, SLICE("groups")))
        return true;
    if (!read_list(reading, value, RULES_FILE_GROUPS_MAX, &file->count))
        return false;
    file->groups = ARENA_ARRAY(reading->arena, struct rule_group, file->count);
    for (size_t i = 0; i < file->count; i++) {
        if (!read_mapping(reading, node_at(reading, value->data.sequence.items.start[i]), take_group_key, &file->groups[i]))
            return false;
    }
    return true;
}

static bool read_document(struct slice text, size_t bytes_max, struct arena *arena,
                          bool (*take)(const struct reading *reading, void *self, struct slice key, const yaml_node_t *value), void *out,
                          struct err *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (text.len > bytes_max)
        return err_set(err, ERR_INVALID, "%zu bytes, at most %zu are taken", text.len, bytes_max);
    if (yaml_parser_initialize(&parser) == 0)
        return err_set(err, ERR_UNAVAILABLE, "no memory for a YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len == 0 ? "" : text.ptr), text.len);
    bool ok = yaml_parser_load(&parser, &document) != 0;
    if (ok) {
        const struct reading reading = {&document, arena, err};
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        ok = root == NULL || read_mapping(&reading, root, take, out);
        yaml_document_delete(&document);
    } else {
        err_fill(err, ERR_INVALID, "line %zu: %s", parser.problem_mark.line + 1, parser.problem != NULL ? parser.problem : "bad YAML");
    }
    yaml_parser_delete(&parser);
    return ok;
}

bool rules_yaml_read_group(struct slice text, struct arena *arena, struct rule_group *out, struct err *err)
{
    *out = (struct rule_group){.name = SLICE("")};
    return read_document(text, RULE_GROUP_BYTES_MAX, arena, take_group_key, out, err);
}

bool rules_yaml_read_file(struct slice text, struct arena *arena, struct rules_file *out, struct err *err)
{
    *out = (struct rules_file){.rule_namespace = SLICE("")};
    return read_document(text, RULES_FILE_BYTES_MAX, arena, take_file_key, out, err);
}

/* ---- writing ---- */

/* The column of what stands inside of a mapping at `column`: yaml.v3 aligns it to steps of four. */
static size_t deeper(size_t column)
{
    return (column + 4) / 4 * 4;
}

static void put_key(struct buf *out, size_t column, const char *key)
{
    for (size_t i = 0; i < column; i++)
        buf_byte(out, ' ');
    buf_str(out, key);
}

/* spaces: before the key, none where it stands behind a dash; column: where it stands. */
static void put_text_line(struct buf *out, size_t spaces, size_t column, const char *key, struct slice text)
{
    put_key(out, spaces, key);
    yaml_put_text(out, text, deeper(column));
    buf_byte(out, '\n');
}

static void put_duration_line(struct buf *out, size_t column, const char *key, int64_t ns)
{
    put_key(out, column, key);
    prom_print_duration(out, ns);
    buf_byte(out, '\n');
}

static void put_pairs(struct buf *out, size_t column, const char *key, const struct label *pairs, size_t count)
{
    if (count == 0)
        return;
    put_key(out, column, key);
    for (size_t i = 0; i < count; i++) {
        put_key(out, deeper(column), "");
        yaml_put_key(out, pairs[i].name);
        buf_str(out, ": ");
        yaml_put_text(out, pairs[i].value, deeper(deeper(column)));
        buf_byte(out, '\n');
    }
}

/* The first key of an item stands behind its dash: its column is written by the caller. */
static void put_rule(struct buf *out, size_t column, const struct rule *rule)
{
    size_t spaces = 0;
    if (rule->record.len > 0) {
        put_text_line(out, spaces, column, "record: ", rule->record);
        spaces = column;
    }
    if (rule->alert.len > 0) {
        put_text_line(out, spaces, column, "alert: ", rule->alert);
        spaces = column;
    }
    put_text_line(out, spaces, column, "expr: ", rule->expr);
    if (rule->for_ns != 0)
        put_duration_line(out, column, "for: ", rule->for_ns);
    if (rule->keep_firing_ns != 0)
        put_duration_line(out, column, "keep_firing_for: ", rule->keep_firing_ns);
    put_pairs(out, column, "labels:\n", rule->labels, rule->label_count);
    put_pairs(out, column, "annotations:\n", rule->annotations, rule->annotation_count);
}

static void put_group(struct buf *out, size_t spaces, size_t column, const struct rule_group *group)
{
    put_text_line(out, spaces, column, "name: ", group->name);
    if (group->interval_ns != 0)
        put_duration_line(out, column, "interval: ", group->interval_ns);
    if (group->has_offset)
        put_duration_line(out, column, "query_offset: ", group->offset_ns);
    if (group->limit != 0) {
        put_key(out, column, "limit: ");
        buf_i64(out, group->limit);
        buf_byte(out, '\n');
    }
    put_key(out, column, group->rule_count == 0 ? "rules: []\n" : "rules:\n");
    for (size_t i = 0; i < group->rule_count; i++) {
        put_key(out, deeper(column), "- ");
        put_rule(out, deeper(column) + 2, &group->rules[i]);
    }
}

void rules_yaml_put_group(struct buf *out, const struct rule_group *group)
{
    put_group(out, 0, 0, group);
}

void rules_yaml_put_namespace(struct buf *out, struct slice name)
{
    yaml_put_key(out, name);
    buf_str(out, ":\n");
}

void rules_yaml_put_item(struct buf *out, const struct rule_group *group)
{
    buf_str(out, "    - ");
    put_group(out, 0, 6, group);
}

void rules_yaml_put_file(struct buf *out, const struct rules_file *file)
{
    put_text_line(out, 0, 0, "namespace: ", file->rule_namespace);
    buf_str(out, "groups:\n");
    for (size_t i = 0; i < file->count; i++)
        rules_yaml_put_item(out, &file->groups[i]);
}
