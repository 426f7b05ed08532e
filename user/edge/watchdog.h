/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * watchdog - tells the service manager that we live, as long as all that serve turn: the workers,
 * the tunnel, and main.
 *
 * A thread of its own: main waits for names to resolve in a reload, and for the next daemon in an
 * upgrade, longer than the service manager may wait for a sign of life.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H
#include <stdbool.h>

struct edge;
struct watchdog;

/* NULL: nobody has asked for it, or it cannot be had, which is logged.  All others take NULL, too.
 */
struct watchdog *watchdog_start(struct edge *g);
void watchdog_stop(struct watchdog *w);

/* In main: it turns. */
void watchdog_turned(struct watchdog *w);
/* It begins what may take long, up to ten minutes, or has come to its end. */
void watchdog_busy(struct watchdog *w, bool busy);
#endif
