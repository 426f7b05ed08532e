/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log - one line to stderr per message, for the operator.
 *
 * "level: message key=value ..." when stderr is a terminal or a pipe; under
 * systemd (JOURNAL_STREAM set) the level becomes the "<n>" prefix that journald
 * reads.  Thread safe: one write(2) a line.  Bytes from the network go through
 * log_escape() first; control characters of anything else become '?'.
 */
#ifndef LOG_H
#define LOG_H
#include <stddef.h>

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Writes <len> foreign bytes to <out> as printable ASCII: others become \xNN,
 * the backslash is doubled.  Always terminated, cut to fit.  Returns <out>.
 */
const char *log_escape(const void *bytes, size_t len, char *out, size_t size);
#endif
