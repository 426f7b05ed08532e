/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_screen - what a person sees at a terminal while tunnels run.
 */
#ifndef TUNNEL_SCREEN_H
#define TUNNEL_SCREEN_H
#include <stdbool.h>

#include "snisplit.h"

struct tunnel_state;

void tunnel_screen_open(void);
void tunnel_screen_draw(struct tunnel_state *s);
void tunnel_screen_close(void);
#endif
