/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_log - the agent's log, in three forms; any thread.
 */
#ifndef TUNNEL_LOG_H
#define TUNNEL_LOG_H
#include <stdbool.h>

enum tunnel_level { TUNNEL_CRIT, TUNNEL_ERROR, TUNNEL_WARN, TUNNEL_INFO, TUNNEL_DEBUG };

/*
 * <where>: a path, stdout, stderr, false; <format>: term, logfmt, json; <level>: crit to debug.
 * False after a message.
 */
bool tunnel_log_open(const char *where, const char *format, const char *level);
void tunnel_log_close(void);

/* One line: the message, and pairs of name and text up to a NULL; NULL texts are left out. */
void tunnel_log(enum tunnel_level level, const char *msg, ...) __attribute__((sentinel));
#endif
