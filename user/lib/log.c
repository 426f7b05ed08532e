// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static enum log_level threshold = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	const char *journal; /* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERR] = {"error", "<3>"},
	[LOG_LEVEL_WARN] = {"warning", "<4>"},
	[LOG_LEVEL_INFO] = {"info", "<6>"},
	[LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_level(void)
{
	return threshold;
}

static void emit(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void emit(enum log_level level, const char *fmt, va_list ap)
{
	char line[2048];
	size_t n;
	int len;

	if (level > threshold)
		return;
	if (getenv("JOURNAL_STREAM"))
		n = (size_t)snprintf(line, sizeof(line), "%s", levels[level].journal);
	else
		n = (size_t)snprintf(line, sizeof(line), "%s: ", levels[level].name);
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (len < 0)
		return;
	n += (size_t)len;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* (what a damaged file says may be anything) */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nowhere left to say so */
}

#define DEFINE_LOG(name, level)         \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
		va_start(ap, fmt);      \
		emit(level, fmt, ap);   \
		va_end(ap);             \
	}
DEFINE_LOG(log_err, LOG_LEVEL_ERR)
DEFINE_LOG(log_warn, LOG_LEVEL_WARN)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

const char *log_escape(const void *bytes, size_t len, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *b = bytes;
	size_t n = 0, i;

	if (!size)
		return out;
	for (i = 0; i < len; i++) {
		if (b[i] == '\\' && n + 2 < size) {
			out[n++] = '\\';
			out[n++] = '\\';
		} else if (b[i] >= 0x20 && b[i] < 0x7f && b[i] != '\\' && n + 1 < size) {
			out[n++] = (char)b[i];
		} else if (n + 4 < size) {
			out[n++] = '\\';
			out[n++] = 'x';
			out[n++] = hex[b[i] >> 4];
			out[n++] = hex[b[i] & 15];
		} else {
			break;
		}
	}
	out[n] = '\0';
	return out;
}
