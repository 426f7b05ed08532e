// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_log.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stamp.h"

static const char *const levels[] = {"crit", "error", "warn", "info", "debug"};
static const char *const shorts[] = {"crit", "eror", "warn", "info", "dbug"}; /* logfmt's usual */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *out;
static enum { TERM, LOGFMT, JSON } form = TERM;
static enum tunnel_level most = TUNNEL_INFO;

bool tunnel_log_open(const char *where, const char *format, const char *level)
{
	if (format && strcmp(format, "term") && strcmp(format, "logfmt") &&
	    strcmp(format, "json")) {
		fprintf(stderr, "snisplit: --log-format: must be term, logfmt or json, got '%s'\n",
			format);
		return false;
	}
	form = !format ? TERM : !strcmp(format, "json") ? JSON : *format == 'l' ? LOGFMT : TERM;
	for (int i = TUNNEL_CRIT; level && i <= TUNNEL_DEBUG; i++) {
		if (!strcmp(level, levels[i])) {
			most = (enum tunnel_level)i;
			level = NULL;
		}
	}
	if (level) {
		fprintf(stderr,
			"snisplit: --log-level: must be crit, error, warn, info or debug, got "
			"'%s'\n",
			level);
		return false;
	}
	if (!strcmp(where, "false"))
		return true;
	out = !strcmp(where, "stdout")	 ? stdout
	      : !strcmp(where, "stderr") ? stderr
					 : fopen(where, "ae");
	if (out)
		return true;
	fprintf(stderr, "snisplit: --log: %s: %s\n", where, strerror(errno));
	return false;
}

void tunnel_log_close(void)
{
	if (out && out != stdout && out != stderr)
		fclose(out);
	out = NULL;
}

static void json_line(const char *time, enum tunnel_level level, const char *msg, va_list ap)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "t", time, "lvl", levels[level], "msg", msg);
	const char *name, *text;

	while ((name = va_arg(ap, const char *))) {
		text = va_arg(ap, const char *);
		if (text && *text && j)
			json_object_set_new(j, name, json_string(text));
	}
	if (j)
		json_dumpf(j, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(j);
}

/* In quotes where it would not be one word. */
static void value(const char *text)
{
	char shown[1200];

	log_escape(text, strlen(text), shown, sizeof(shown));
	if (*shown && !strpbrk(shown, " =\""))
		fputs(shown, out);
	else
		for (fputc('"', out), text = shown;; text++) {
			if (!*text) {
				fputc('"', out);
				break;
			}
			if (*text == '"')
				fputc('\\', out);
			fputc(*text, out);
		}
}

static void text_line(const char *time, enum tunnel_level level, const char *msg, va_list ap)
{
	const char *name, *text;
	char shown[1200];

	if (form == LOGFMT) {
		fprintf(out, "t=%s lvl=%s msg=", time, shorts[level]);
		value(msg);
	} else {
		fprintf(out, "%.8s %-5s %s", time + 11, levels[level],
			log_escape(msg, strlen(msg), shown, sizeof(shown)));
	}
	while ((name = va_arg(ap, const char *))) {
		text = va_arg(ap, const char *);
		if (!text || !*text)
			continue;
		fprintf(out, " %s=", name);
		value(text);
	}
	fputc('\n', out);
}

void tunnel_log(enum tunnel_level level, const char *msg, ...)
{
	struct timespec now = stamp_now();
	char time[STAMP_TEXT_MAX];
	va_list ap;

	if (!out || level > most)
		return;
	stamp_text(&now, time);
	va_start(ap, msg);
	pthread_mutex_lock(&lock);
	if (form == JSON)
		json_line(time, level, msg, ap);
	else
		text_line(time, level, msg, ap);
	fflush(out);
	pthread_mutex_unlock(&lock);
	va_end(ap);
}
