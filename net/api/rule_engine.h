/* rule_engine.h: what evaluates rules: the queries of users, their turns and their limits. Thread: any. */
#pragma once

#include "net/api/api.h"
#include "net/ruler/ruler.h"

/* api outlives the ruler. */
struct rule_engine rule_engine_of(struct api *api);
