/* sweeper.h: inside net/http: looks at a loop's connections ten times a second and cuts those that are too slow or too greedy: a head that does not end, a body
 * that trickles, bytes without end (chunk extensions), and, when all bodies together are over budget, the largest.
 * Thread: the loop. */
#pragma once

#include "net/http/loop.h"

struct sweeper;
struct sweeper *sweeper_create(struct http_loop *loop) MUST_CHECK;
void sweeper_destroy(struct sweeper *sweeper);
