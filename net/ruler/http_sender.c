#include "net/ruler/http_sender.h"

#include <curl/curl.h>
#include <pthread.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define ANSWER_BYTES_KEPT ((size_t)300) /* of an error's text, for the log */

struct http_sender {
    CURL *curl;
    const atomic_bool *abort;
    struct buf answer;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *self)
{
    struct http_sender *sender = self;
    size_t all = size * count;
    size_t room = ANSWER_BYTES_KEPT - sender->answer.len;
    buf_put(&sender->answer, slice_of(bytes, all < room ? all : room));
    return all;
}

static int is_aborted(void *self, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    const struct http_sender *sender = self;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return atomic_load(sender->abort) ? 1 : 0;
}

struct http_sender *http_sender_create(const atomic_bool *abort)
{
    (void)pthread_once(&curl_once, curl_begin);
    struct http_sender *sender = mem_zero(sizeof(*sender));
    sender->abort = abort;
    sender->curl = curl_easy_init();
    return sender;
}

void http_sender_destroy(struct http_sender *sender)
{
    if (sender == NULL)
        return;
    curl_easy_cleanup(sender->curl);
    buf_fini(&sender->answer);
    mem_free(sender);
}

static void options_set(struct http_sender *sender, const char *url, const struct curl_slist *list, struct slice body, int64_t timeout_ns)
{
    CURL *curl = sender->curl;
    curl_easy_reset(curl); // keeps the connection
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "logi");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / NS_PER_MS));
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_aborted);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sender);
}

enum send_outcome http_sender_post(struct http_sender *sender, const char *url, const char *const *headers, size_t count, struct slice body,
                                   int64_t timeout_ns, struct err *err)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); // no round trip before the body
    long status = 0;
    if (sender->curl == NULL) {
        err_fill(err, ERR_UNAVAILABLE, "libcurl has no memory");
        curl_slist_free_all(list);
        return SEND_RETRY;
    }
    for (size_t i = 0; i < count; i++)
        list = curl_slist_append(list, headers[i]);
    buf_reset(&sender->answer);
    options_set(sender, url, list, body, timeout_ns);
    CURLcode code = curl_easy_perform(sender->curl);
    curl_slist_free_all(list);
    if (code != CURLE_OK) {
        err_fill(err, ERR_UNAVAILABLE, "%s", curl_easy_strerror(code));
        return SEND_RETRY;
    }
    (void)curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return SEND_OK;
    bool is_later = status == 429 || status >= 500;
    err_fill(err, is_later ? ERR_UNAVAILABLE : ERR_INVALID, "status %ld: %.*s", status, SLICE_ARG(slice_trim(buf_slice(&sender->answer))));
    return is_later ? SEND_RETRY : SEND_REFUSED;
}

const char *url_without_password(struct slice url, struct arena *arena)
{
    const char *scheme_end = url.len == 0 ? NULL : memmem(url.ptr, url.len, "://", 3);
    size_t begin = scheme_end == NULL ? 0 : (size_t)(scheme_end - url.ptr) + 3;
    struct slice rest = slice_from(url, begin);
    size_t host = 0;
    for (size_t i = 0; i < slice_find_byte(rest, '/'); i++)
        host = rest.ptr[i] == '@' ? i + 1 : host;
    return arena_printf(arena, "%.*s%.*s", (int)begin, url.ptr, SLICE_ARG(slice_from(rest, host))).ptr;
}
