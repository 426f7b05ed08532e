// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "sink.h"
#include "log.h"

#define TELL_EVERY_S 10
#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 30000

static const struct sink_ops *const ops_of[TARGET_KIND_MAX] = {
	[TARGET_FILE] = &sink_file,	  [TARGET_UNIX] = &sink_stream,
	[TARGET_TCP] = &sink_stream,	  [TARGET_SYSLOG] = &sink_syslog,
	[TARGET_WEBHOOK] = &sink_webhook,
};

int sink_open(const struct target *t, const struct patience *p, struct sink **ret_s)
{
	const struct sink_ops *ops = ops_of[t->kind];
	struct sink *s;
	int err = ops->open(t, &s);

	if (err) {
		log_err("events: cannot open %s: %s", t->address, strerror(-err));
		return err;
	}
	s->ops = ops;
	s->patience = p;
	pthread_mutex_init(&s->lock, NULL);
	*ret_s = s;
	return 0;
}

void sink_close(struct sink *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	s->ops->close(s);
}

void sink_why(struct sink *s, char out[200])
{
	pthread_mutex_lock(&s->lock);
	strcpy(out, s->why);
	pthread_mutex_unlock(&s->lock);
}

size_t sink_count_lines(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

void sink_failed(struct sink *s, const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	pthread_mutex_lock(&s->lock);
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (s->told_of_this || (s->told && now.tv_sec - s->told < TELL_EVERY_S))
		return;
	log_err("events: %s", s->why);
	s->told = now.tv_sec ? now.tv_sec : 1;
	s->told_of_this = true;
}

void sink_works(struct sink *s)
{
	if (s->told_of_this)
		log_info("events: works again: %s", s->why);
	s->told_of_this = false;
	pthread_mutex_lock(&s->lock);
	s->why[0] = '\0';
	pthread_mutex_unlock(&s->lock);
}

int sink_backoff_ms(unsigned n)
{
	unsigned ms = n < 9 ? BACKOFF_FIRST_MS << (n - 1) : BACKOFF_LAST_MS;
	unsigned char chance = 128;

	if (ms > BACKOFF_LAST_MS)
		ms = BACKOFF_LAST_MS;
	if (getrandom(&chance, 1, GRND_NONBLOCK) < 0)
		chance = 128;
	return (int)(ms * 3 / 4 + ms * chance / 512); /* 75 to 125 % */
}
