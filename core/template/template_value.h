/* template_value.h: what a template computes with. Texts and lists live in the run's scratch arena or longer. */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/clock.h"

enum value_kind {
    VALUE_NIL, VALUE_STRING, VALUE_INT, VALUE_FLOAT, VALUE_BOOL, VALUE_TIME, VALUE_LIST, VALUE_MAP,
    VALUE_LABELS, /* the label map: the dot at the start */
};

struct value {
    enum value_kind kind;
    struct slice text;      /* STRING */
    int64_t number;         /* INT; TIME: whole seconds since 1970 UTC */
    int32_t nanosecond;     /* TIME */
    double real;            /* FLOAT */
    bool truth;             /* BOOL */
    bool is_boxed;          /* behind Go's interface {}: an item of a list or a map, until a pipeline has ended on it */
    bool is_wide;           /* INT that is an int64 in Go, not an int: what arithmetic gives */
    const struct zone *zone; /* TIME; NULL: offset_s tells */
    int32_t offset_s;        /* TIME: east of Greenwich, of a text that named it; 0: UTC */
    const struct template_labels *labels; /* LABELS */
    const struct value *items; /* LIST; MAP: values, by keys */
    const struct slice *keys;  /* MAP: sorted */
    size_t count;
};

/* Go's zero time: year 1. */
#define TIME_ZERO_S (-62135596800)

#define VALUE_NONE ((struct value){.kind = VALUE_NIL})

static inline struct value value_text(struct slice text)
{
    return (struct value){.kind = VALUE_STRING, .text = text};
}
static inline struct value value_int(int64_t number)
{
    return (struct value){.kind = VALUE_INT, .number = number};
}
static inline struct value value_time(int64_t ns)
{
    const int64_t s = ns / NS_PER_S - (ns % NS_PER_S < 0);
    return (struct value){.kind = VALUE_TIME, .number = s, .nanosecond = (int32_t)(ns - s * NS_PER_S)};
}
static inline struct value value_float(double real)
{
    return (struct value){.kind = VALUE_FLOAT, .real = real};
}
static inline struct value value_bool(bool truth)
{
    return (struct value){.kind = VALUE_BOOL, .truth = truth};
}

/* Go's truth: false, 0, "", empty and nil are not. */
bool value_truth(const struct value *value);
/* Go's %v. */
void value_print(const struct value *value, struct buf *out);
/* A TIME by a layout, as clocks in its zone show it. */
void value_time_print(const struct value *value, struct slice layout, struct buf *out);
struct slice value_string(const struct value *value, struct arena *arena);
/* The type's name in messages: string, int, float64, bool, ... */
const char *value_type_name(const struct value *value);

/* spf13/cast's lenient conversions: 0 on failure. */
int64_t value_to_int(const struct value *value);
double value_to_float(const struct value *value);
