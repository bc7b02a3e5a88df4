/* websocket_loop.h: inside net/http: the WebSockets of one loop, and their clock. Thread: the loop. */
#pragma once

#include <h2o.h>

struct http_loop;

struct websocket_loop {
    h2o_linklist_t open; /* struct websocket.link */
    h2o_timeout_t timeout;
    h2o_timeout_entry_t tick; /* runs while one is open */
    bool is_stopping;
};

void websocket_loop_init(struct http_loop *loop);
/* Says goodbye to all that are open and to those that come. */
void websocket_loop_stop(struct http_loop *loop);
