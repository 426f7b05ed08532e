// SPDX-License-Identifier: GPL-2.0-only
/*
 * sink_webhook - JSON arrays of events, POSTed.
 *
 * A batch is sent until the server takes it.  What it refuses (4xx, but for 408, 425 and 429) is
 * not sent again; what it fails at (5xx) a dozen times is given up, so that one event cannot hold
 * up all others.  A reply may get lost: then a batch is sent twice, and the event_id tells.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "sink.h"

#define BATCH_LINES 500
#define CONNECT_MS 5000L
#define REPLY_MS 15000L
#define TRIES_MAX 12U
#define RETRY_AFTER_MAX_S 60

struct webhook {
	struct sink sink;
	CURL *curl;
	struct curl_slist *headers;
	char *url;
	char shown[TARGET_TEXT_MAX]; /* without a password */
	char error[CURL_ERROR_SIZE];
};

enum outcome { TAKEN, REFUSED, FAILED, UNREACHABLE };

static size_t ignore_reply(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct webhook *w = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return patience_is_over(w->sink.patience);
}

static void webhook_close(struct sink *sink)
{
	struct webhook *w = (struct webhook *)sink;

	curl_easy_cleanup(w->curl);
	curl_slist_free_all(w->headers);
	free(w->url);
	free(w);
}

static void set_up(struct webhook *w)
{
	curl_easy_setopt(w->curl, CURLOPT_URL, w->url);
	curl_easy_setopt(w->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(w->curl, CURLOPT_USERAGENT, "snisplitd/" VERSION);
	curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, w->headers);
	curl_easy_setopt(w->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(w->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(w->curl, CURLOPT_TIMEOUT_MS, REPLY_MS);
	curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, ignore_reply);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFODATA, w);
	curl_easy_setopt(w->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(w->curl, CURLOPT_ERRORBUFFER, w->error);
	/* events go to where the operator said, not to a proxy of the environment */
	curl_easy_setopt(w->curl, CURLOPT_PROXY, "");
}

static int webhook_open(const struct target *t, struct sink **ret_s)
{
	struct webhook *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->url = strdup(t->address);
	target_text(t, w->shown);
	w->headers = curl_slist_append(NULL, "Content-Type: application/json");
	w->curl = curl_easy_init();
	if (!w->url || !w->headers || !w->curl) {
		webhook_close(&w->sink);
		return -ENOMEM;
	}
	set_up(w);
	*ret_s = &w->sink;
	return 0;
}

/* One try. */
static enum outcome post(struct webhook *w, const char *body, size_t len)
{
	CURLcode code;
	long status = 0;

	w->error[0] = '\0';
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	code = curl_easy_perform(w->curl);
	if (code != CURLE_OK) {
		sink_failed(&w->sink, "%.90s: %.100s", w->shown,
			    *w->error ? w->error : curl_easy_strerror(code));
		return UNREACHABLE;
	}
	curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300) {
		sink_works(&w->sink);
		return TAKEN;
	}
	sink_failed(&w->sink, "%.90s: answered %ld", w->shown, status);
	if (status == 408 || status == 425 || status == 429 || status >= 500)
		return FAILED;
	return REFUSED;
}

static int pause_ms(const struct webhook *w, unsigned tries)
{
	curl_off_t after = 0;

	curl_easy_getinfo(w->curl, CURLINFO_RETRY_AFTER, &after);
	if (after > RETRY_AFTER_MAX_S)
		after = RETRY_AFTER_MAX_S;
	return after > 0 ? (int)after * 1000 : sink_backoff_ms(tries);
}

/* Until it is taken or given up. */
static bool deliver(struct webhook *w, const char *body, size_t len)
{
	unsigned tries = 0, failures = 0;

	for (;;) {
		enum outcome o = post(w, body, len);

		if (o == TAKEN || o == REFUSED)
			return o == TAKEN;
		failures += o == FAILED;
		if (failures == TRIES_MAX || patience_is_ending(w->sink.patience))
			return false;
		patience_pause(w->sink.patience, pause_ms(w, ++tries));
	}
}

/* Up to BATCH_LINES of <lines> as a JSON array in <body>; returns the bytes of <lines> used. */
static size_t gather(const char *lines, size_t len, char *body, size_t *ret_len, size_t *ret_n)
{
	const char *p = lines, *end = lines + len, *newline;
	size_t at = 0, n = 0;

	body[at++] = '[';
	for (; n < BATCH_LINES && p < end; p = newline + 1, n++) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (!newline)
			break;
		if (n)
			body[at++] = ',';
		memcpy(body + at, p, (size_t)(newline - p));
		at += (size_t)(newline - p);
	}
	body[at++] = ']';
	*ret_len = at;
	*ret_n = n;
	return (size_t)(p - lines);
}

static size_t webhook_write(struct sink *sink, const char *lines, size_t len)
{
	struct webhook *w = (struct webhook *)sink;
	size_t used, body_len, n, lost = 0;
	char *body = malloc(len + 2); /* a newline becomes a comma */

	if (!body)
		return sink_count_lines(lines, len);
	for (; len; lines += used, len -= used) {
		used = gather(lines, len, body, &body_len, &n);
		if (!used)
			break;
		if (patience_is_over(sink->patience) || !deliver(w, body, body_len))
			lost += n;
	}
	free(body);
	return lost;
}

const struct sink_ops sink_webhook = {webhook_open, webhook_write, NULL, webhook_close};
