/* fold.c: two legs to one binary operation, or to a literal when both are. */
#include <math.h>

#include "core/logql/parser_internal.h"

static bool leg_check(const struct expr *leg, const char *side, enum binary_op op, struct err *err)
{
    bool is_set = op == BINARY_AND || op == BINARY_OR || op == BINARY_UNLESS;
    if (leg->kind == EXPR_LOG)
        return parser_semantic(err, "unexpected type for %s leg of binary operation (%s): %s", side, binary_op_text(op),
                               leg->log.stage_count > 0 ? "*syntax.PipelineExpr" : "*syntax.MatchersExpr");
    if (is_set && leg->kind == EXPR_LITERAL)
        return parser_semantic(err, "unexpected literal for %s leg of logical/set binary operation (%s): %f", side, binary_op_text(op),
                               leg->literal);
    return true;
}

/* Division and modulo by zero give NaN, as in Loki. */
static double fold(enum binary_op op, double a, double b)
{
    switch (op) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUB:
        return a - b;
    case BINARY_MUL:
        return a * b;
    case BINARY_DIV:
        return b == 0 ? NAN : a / b;
    case BINARY_MOD:
        return b == 0 ? NAN : fmod(a, b);
    case BINARY_POW:
        return pow(a, b);
    case BINARY_EQ:
        return a == b;
    case BINARY_NEQ:
        return a != b;
    case BINARY_GT:
        return a > b;
    case BINARY_GTE:
        return a >= b;
    case BINARY_LT:
        return a < b;
    case BINARY_LTE:
        return a <= b;
    case BINARY_AND:
    case BINARY_OR:
    case BINARY_UNLESS:
        break; // refused by leg_check
    }
    return NAN;
}

bool binary_join(struct parser *parser, struct expr *binary, struct expr **out, struct err *err)
{
    if (!leg_check(binary->left, "left", binary->binary_op, err) || !leg_check(binary->right, "right", binary->binary_op, err))
        return false;
    *out = binary;
    if (!parser_stack(parser, binary->left->height, binary->right->height, &binary->height, err))
        return false;
    if (binary->left->kind == EXPR_LITERAL && binary->right->kind == EXPR_LITERAL) {
        struct expr *folded = ARENA_NEW(parser->arena, struct expr);
        folded->kind = EXPR_LITERAL;
        folded->literal = fold(binary->binary_op, binary->left->literal, binary->right->literal);
        *out = folded;
    }
    return true;
}
