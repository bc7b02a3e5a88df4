#include "core/plan/binary_eval.h"

#include <math.h>

#include "core/base/mem.h"

bool binary_op_compares(enum binary_op op)
{
    return op >= BINARY_EQ && op <= BINARY_LTE;
}

bool binary_value(enum binary_op op, double left, double right, double *out)
{
    *out = left;
    switch (op) {
    case BINARY_ADD:
        *out = left + right;
        return true;
    case BINARY_SUB:
        *out = left - right;
        return true;
    case BINARY_MUL:
        *out = left * right;
        return true;
    case BINARY_DIV:
        *out = right == 0 ? NAN : left / right;
        return true;
    case BINARY_MOD:
        *out = right == 0 ? NAN : fmod(left, right);
        return true;
    case BINARY_POW:
        *out = pow(left, right);
        return true;
    case BINARY_EQ:
        return left == right;
    case BINARY_NEQ:
        return left != right;
    case BINARY_GT:
        return left > right;
    case BINARY_GTE:
        return left >= right;
    case BINARY_LT:
        return left < right;
    case BINARY_LTE:
        return left <= right;
    case BINARY_AND:
    case BINARY_OR:
    case BINARY_UNLESS:
        break;
    }
    return false;
}

/* The value of one pair; false: no point. */
static bool pair_value(const struct expr *binary, double left, double right, double kept, double *out)
{
    bool holds = binary_value(binary->binary_op, left, right, out);
    if (!binary_op_compares(binary->binary_op))
        return holds;
    *out = binary->returns_bool ? (holds ? 1 : 0) : kept;
    return holds || binary->returns_bool;
}

static bool with_scalar(const struct expr *binary, const struct series_set *set, double scalar, bool scalar_is_left, struct series_set *out,
                        struct err *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct series *from = set->items[i];
        struct series *to = series_set_append(out, from->key, err);
        if (to == NULL)
            return false;
        for (size_t step = 0; step < out->eval->steps.count; step++) {
            double v = from->values[step];
            double value = 0;
            if (series_has(from, step) && pair_value(binary, scalar_is_left ? scalar : v, scalar_is_left ? v : scalar, v, &value))
                series_put(to, step, value);
        }
    }
    return true;
}

/* ---- vectors: series by signature ---- */

struct signatures {
    struct key_table keys;
    size_t *of_left, *of_right; /* signature of each series */
    const struct series **one;  /* by signature, at this step: the series of the one side */
    size_t *one_stamp;          /* step + 1 */
    size_t *used_stamp;
};

static size_t signature_of(struct signatures *signatures, struct eval_context *eval, const struct vector_matching *matching, const struct series *series)
{
    struct label_choice choice = {.mode = CHOOSE_ALL, .drops_empty = true}; // x="" and no x are one signature, as in Loki
    if (matching->is_present) {
        choice.mode = matching->on ? CHOOSE_BY : CHOOSE_WITHOUT;
        choice.names = matching->labels;
        choice.name_count = matching->label_count;
    }
    buf_reset(&eval->key);
    label_key_put_set(&eval->key, &series->labels, &choice);
    bool is_new = false;
    return key_table_add(&signatures->keys, buf_slice(&eval->key), &eval->memory.arena, &is_new);
}

static void signatures_init(struct signatures *signatures, const struct expr *binary, const struct series_set *left, const struct series_set *right)
{
    *signatures = (struct signatures){
        .of_left = mem_array(left->count, sizeof(size_t)),
        .of_right = mem_array(right->count, sizeof(size_t)),
    };
    for (size_t i = 0; i < left->count; i++)
        signatures->of_left[i] = signature_of(signatures, left->eval, &binary->matching, left->items[i]);
    for (size_t i = 0; i < right->count; i++)
        signatures->of_right[i] = signature_of(signatures, left->eval, &binary->matching, right->items[i]);
    signatures->one = mem_array(signatures->keys.count, sizeof(const struct series *));
    signatures->one_stamp = mem_array(signatures->keys.count, sizeof(size_t));
    signatures->used_stamp = mem_array(signatures->keys.count, sizeof(size_t));
}

static void signatures_fini(struct signatures *signatures)
{
    key_table_fini(&signatures->keys);
    mem_free(signatures->of_left);
    mem_free(signatures->of_right);
    mem_free(signatures->one);
    mem_free(signatures->one_stamp);
    mem_free(signatures->used_stamp);
}

static bool keep_points(struct series_set *out, const struct series *from, const size_t signature, const size_t *partner_steps, bool wants_partner,
                        struct err *err)
{
    size_t steps = out->eval->steps.count;
    struct series *to = series_set_append(out, from->key, err);
    if (to == NULL)
        return false;
    for (size_t step = 0; step < steps; step++)
        if (series_has(from, step) && (partner_steps[signature * steps + step] != 0) == wants_partner)
            series_put(to, step, from->values[step]);
    return true;
}

/* How many series of a signature have a point at a step. */
static size_t *count_partners(const struct signatures *signatures, const struct series_set *set, const size_t *signature_of_series)
{
    size_t steps = set->eval->steps.count;
    size_t *counts = mem_array(signatures->keys.count * steps, sizeof(*counts));
    for (size_t i = 0; i < set->count; i++)
        for (size_t step = 0; step < steps; step++)
            counts[signature_of_series[i] * steps + step] += series_has(set->items[i], step);
    return counts;
}

static bool set_operation(const struct expr *binary, const struct series_set *left, const struct series_set *right, struct series_set *out,
                          struct err *err)
{
    struct signatures signatures;
    signatures_init(&signatures, binary, left, right);
    size_t bytes = signatures.keys.count * left->eval->steps.count * sizeof(size_t);
    bool ok = query_control_charge(left->eval->control, bytes, err);
    if (ok) {
        bool is_or = binary->binary_op == BINARY_OR;
        size_t *counts = is_or ? count_partners(&signatures, left, signatures.of_left) : count_partners(&signatures, right, signatures.of_right);
        size_t *none = mem_array(left->eval->steps.count, sizeof(*none));
        for (size_t i = 0; ok && i < left->count; i++)
            ok = is_or ? keep_points(out, left->items[i], 0, none, false, err)
                       : keep_points(out, left->items[i], signatures.of_left[i], counts, binary->binary_op == BINARY_AND, err);
        for (size_t i = 0; ok && is_or && i < right->count; i++)
            ok = keep_points(out, right->items[i], signatures.of_right[i], counts, false, err);
        mem_free(none);
        mem_free(counts);
        query_control_refund(left->eval->control, bytes);
    }
    signatures_fini(&signatures);
    return ok;
}

/* ---- arithmetic and comparison between vectors ---- */

/* Key of the result of a pair. many: the series whose labels stay; one: where included labels come from. */
static struct slice result_key(struct eval_context *eval, const struct expr *binary, const struct series *many, const struct series *one)
{
    const struct vector_matching *matching = &binary->matching;
    struct label_choice choice = {.mode = CHOOSE_ALL, .drops_empty = true};
    if (matching->is_present && matching->group == GROUP_NONE) {
        choice.mode = matching->on ? CHOOSE_BY : CHOOSE_WITHOUT;
        choice.names = matching->labels;
        choice.name_count = matching->label_count;
    }
    buf_reset(&eval->key);
    if (matching->group == GROUP_NONE || matching->include_count == 0) {
        label_key_put_set(&eval->key, &many->labels, &choice);
        return buf_slice(&eval->key);
    }
    struct label_choice included = {CHOOSE_BY, matching->include, matching->include_count, true};
    struct label *labels = mem_array(many->labels.count + one->labels.count, sizeof(*labels));
    size_t count = 0;
    for (size_t i = 0; i < many->labels.count; i++)
        if (!label_choice_takes(&included, many->labels.labels[i].name, SLICE("x")))
            labels[count++] = many->labels.labels[i];
    for (size_t i = 0; i < one->labels.count; i++)
        if (label_choice_takes(&included, one->labels.labels[i].name, one->labels.labels[i].value))
            labels[count++] = one->labels.labels[i];
    count = label_sort(labels, count, true);
    label_key_put_set(&eval->key, &(struct label_set){labels, count}, &choice);
    mem_free(labels);
    return buf_slice(&eval->key);
}

struct matching_run {
    const struct expr *binary;
    const struct series_set *many, *one;
    const size_t *of_many, *of_one;
    struct signatures *signatures;
    struct series **results;     /* of each many-side series, with the one-side series it was made for */
    const struct series **result_for;
    struct series_set *out;
    bool many_is_right;
};

static bool match_one(struct matching_run *run, size_t i, size_t step, struct err *err)
{
    const struct series *many = run->many->items[i];
    struct signatures *signatures = run->signatures;
    size_t signature = run->of_many[i];
    if (!series_has(many, step) || signatures->one_stamp[signature] != step + 1)
        return true;
    const struct series *one = signatures->one[signature];
    bool is_grouped = run->binary->matching.group != GROUP_NONE;
    if (!is_grouped && signatures->used_stamp[signature] == step + 1)
        return err_set(err, ERR_INVALID, "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
    signatures->used_stamp[signature] = step + 1;
    const struct series *left = run->many_is_right ? one : many;
    const struct series *right = run->many_is_right ? many : one;
    double value = 0;
    if (!pair_value(run->binary, left->values[step], right->values[step], left->values[step], &value))
        return true;
    if (run->results[i] == NULL || run->result_for[i] != one) {
        run->results[i] = series_set_get(run->out, result_key(run->out->eval, run->binary, many, one), err);
        run->result_for[i] = one;
        if (run->results[i] == NULL)
            return false;
    }
    if (series_has(run->results[i], step))
        return err_set(err, ERR_INVALID, "multiple matches for labels: grouping labels must ensure unique matches");
    series_put(run->results[i], step, value);
    return true;
}

static bool match_step(struct matching_run *run, size_t step, struct err *err)
{
    struct signatures *signatures = run->signatures;
    for (size_t i = 0; i < run->one->count; i++) {
        if (!series_has(run->one->items[i], step))
            continue;
        size_t signature = run->of_one[i];
        if (signatures->one_stamp[signature] == step + 1)
            return err_set(err, ERR_INVALID,
                           "found duplicate series on the %s hand-side;many-to-many matching not allowed: matching labels must be unique on one side",
                           run->many_is_right ? "left" : "right");
        signatures->one_stamp[signature] = step + 1;
        signatures->one[signature] = run->one->items[i];
    }
    for (size_t i = 0; i < run->many->count; i++)
        if (!match_one(run, i, step, err))
            return false;
    return step % 64 != 0 || query_control_check(run->out->eval->control, err);
}

static bool match_vectors(const struct expr *binary, const struct series_set *left, const struct series_set *right, struct series_set *out,
                          struct err *err)
{
    struct signatures signatures;
    signatures_init(&signatures, binary, left, right);
    bool many_is_right = binary->matching.group == GROUP_RIGHT;
    struct matching_run run = {
        .binary = binary,
        .many = many_is_right ? right : left,
        .one = many_is_right ? left : right,
        .of_many = many_is_right ? signatures.of_right : signatures.of_left,
        .of_one = many_is_right ? signatures.of_left : signatures.of_right,
        .signatures = &signatures,
        .out = out,
        .many_is_right = many_is_right,
    };
    run.results = mem_array(run.many->count, sizeof(struct series *));
    run.result_for = mem_array(run.many->count, sizeof(const struct series *));
    bool ok = true;
    for (size_t step = 0; ok && step < out->eval->steps.count; step++)
        ok = match_step(&run, step, err);
    mem_free(run.results);
    mem_free(run.result_for);
    signatures_fini(&signatures);
    return ok;
}

bool binary_eval(const struct expr *binary, const struct eval_value *left, const struct eval_value *right, struct series_set *out,
                 struct eval_value *out_value, struct err *err)
{
    *out_value = (struct eval_value){.set = out};
    if (left->is_scalar && right->is_scalar) {
        out_value->is_scalar = true;
        bool holds = binary_value(binary->binary_op, left->scalar, right->scalar, &out_value->scalar);
        if (binary_op_compares(binary->binary_op))
            out_value->scalar = holds ? 1 : 0;
        return true;
    }
    if (left->is_scalar)
        return with_scalar(binary, right->set, left->scalar, true, out, err);
    if (right->is_scalar)
        return with_scalar(binary, left->set, right->scalar, false, out, err);
    if (binary->binary_op >= BINARY_AND)
        return set_operation(binary, left->set, right->set, out, err);
    return match_vectors(binary, left->set, right->set, out, err);
}
