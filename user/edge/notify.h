/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notify - what the service manager is told: sd_notify(3), which is one datagram.
 */
#ifndef NOTIFY_H
#define NOTIFY_H
#include <stdint.h>

/* Nothing, when no service manager has asked. */
void notify(const char *state);

/* How often WATCHDOG=1 is due, in ms; 0: not asked for.  Half of what the manager waits. */
unsigned notify_watchdog_ms(void);
#endif
