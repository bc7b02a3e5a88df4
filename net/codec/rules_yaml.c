#include "net/codec/rules_yaml.h"

#include "core/model/go_text.h"
#include "net/codec/yaml_text.h"
#include "net/codec/yaml_tree.h"

/* ---- reading ---- */

struct reading {
    struct arena *arena;
    size_t bytes_max; /* that aliases may unfold to */
    struct err *err;
};

#define KEYS_MAX 256         /* of one mapping: every pair of keys is compared */

static bool refuse(const struct reading *reading, const struct yaml_tree *node, const char *what)
{
    return err_set(reading->err, ERR_INVALID, "line %zu: %s", node->line, what);
}

static bool is_null(const struct yaml_tree *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != YAML_TEXT || !node->is_plain)
        return false;
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (slice_eq_str(node->text, words[i]))
            return true;
    }
    return false;
}

static bool read_text(const struct reading *reading, const struct yaml_tree *node, struct slice *out)
{
    if (node->kind != YAML_TEXT)
        return refuse(reading, node, "a text is wanted");
    if (reading->arena->bytes > reading->bytes_max)
        return refuse(reading, node, "too large");
    *out = is_null(node) ? SLICE("") : arena_copy(reading->arena, node->text);
    return true;
}

static bool read_duration(const struct reading *reading, const struct yaml_tree *node, int64_t *out_ns)
{
    if (is_null(node))
        return true;
    if (node->kind != YAML_TEXT || !prom_parse_duration(node->text, out_ns, reading->err))
        return refuse(reading, node, "a duration is wanted, such as 1m");
    return true;
}

static bool read_count(const struct reading *reading, const struct yaml_tree *node, int64_t *out)
{
    if (is_null(node))
        return true;
    if (node->kind != YAML_TEXT || !go_parse_int(node->text, out, NULL))
        return refuse(reading, node, "a whole number is wanted");
    return true;
}

/* Calls take for each key of a mapping; null is a mapping of nothing. */
static bool read_mapping(const struct reading *reading, const struct yaml_tree *node,
                         bool (*take)(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value), void *self)
{
    if (is_null(node))
        return true;
    if (node->kind != YAML_MAP)
        return refuse(reading, node, "a mapping is wanted");
    if (node->count > 2 * KEYS_MAX)
        return refuse(reading, node, "a mapping of too many keys");
    for (size_t i = 0; i < node->count; i += 2) {
        const struct yaml_tree *key = node->items[i];
        if (key->kind != YAML_TEXT)
            return refuse(reading, key, "a key must be a text");
        for (size_t other = 0; other < i; other += 2) { // texts all: they were looked at
            if (slice_eq(node->items[other]->text, key->text))
                return refuse(reading, key, "a key that is already there");
        }
        if (!take(reading, self, key->text, node->items[i + 1]))
            return false;
    }
    return true;
}

/* Items of a list, null: none; *out_count is checked against max. */
static bool read_list(const struct reading *reading, const struct yaml_tree *node, size_t max, size_t *out_count)
{
    *out_count = 0;
    if (is_null(node))
        return true;
    if (node->kind != YAML_LIST)
        return refuse(reading, node, "a list is wanted");
    *out_count = node->count;
    return *out_count <= max || refuse(reading, node, "a list of too many items");
}

struct pairs {
    struct label *pairs;
    size_t count;
};

static bool take_pair(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value)
{
    struct pairs *pairs = self;
    struct label *pair = &pairs->pairs[pairs->count++];
    pair->name = arena_copy(reading->arena, key);
    return read_text(reading, value, &pair->value);
}

/* By insertion: yaml.v3's order of keys is none in the strict sense (a < b < c does not give a < c for all), and this leaves what it has sorted as it is. */
static void pairs_sort(struct label *pairs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct label pair = pairs[i];
        size_t at = i;
        for (; at > 0 && yaml_key_order(pairs[at - 1].name, pair.name) > 0; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = pair;
    }
}

static bool read_pairs(const struct reading *reading, const struct yaml_tree *node, struct label **out, size_t *out_count)
{
    size_t count = node->kind == YAML_MAP ? node->count / 2 : 0;
    if (count > RULE_PAIRS_MAX)
        return refuse(reading, node, "too many labels or annotations");
    struct pairs pairs = {.pairs = ARENA_ARRAY(reading->arena, struct label, count)};
    if (!read_mapping(reading, node, take_pair, &pairs))
        return false;
    pairs_sort(pairs.pairs, pairs.count);
    *out = pairs.pairs;
    *out_count = pairs.count;
    return true;
}

static bool take_rule_key(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value)
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

static bool read_rules(const struct reading *reading, const struct yaml_tree *node, struct rule_group *group)
{
    if (!read_list(reading, node, RULES_OF_GROUP_MAX, &group->rule_count))
        return false;
    group->rules = ARENA_ARRAY(reading->arena, struct rule, group->rule_count);
    for (size_t i = 0; i < group->rule_count; i++) {
        if (!read_mapping(reading, node->items[i], take_rule_key, &group->rules[i]))
            return false;
    }
    return true;
}

static bool take_group_key(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value)
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

static bool take_file_key(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value)
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
        if (!read_mapping(reading, value->items[i], take_group_key, &file->groups[i]))
            return false;
    }
    return true;
}

static bool read_document(struct slice text, size_t bytes_max, struct arena *arena,
                          bool (*take)(const struct reading *reading, void *self, struct slice key, const struct yaml_tree *value), void *out,
                          struct err *err)
{
    struct arena tree = ARENA_INIT;
    const struct yaml_tree *root = NULL;
    const struct reading reading = {arena, arena->bytes + 8 * bytes_max, err};
    if (text.len > bytes_max)
        return err_set(err, ERR_INVALID, "%zu bytes, at most %zu are taken", text.len, bytes_max);
    bool ok = yaml_tree_read(text, &tree, &root, err) && (root == NULL || read_mapping(&reading, root, take, out));
    arena_fini(&tree);
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
