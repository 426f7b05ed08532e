/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kill - connections of this daemon that an operator ends; edge.h has those of earlier ones, too.
 */
#ifndef KILL_H
#define KILL_H
#include "handover.h"

struct edge;

/* <what>: one of HANDOVER_ASK_KILL_ that goes by an id.  How many were ended. */
unsigned kill_here(struct edge *g, enum handover_ask what, const char *id);
/* Those of <n> sorted ids (strcmp()), because of an IP policy. */
unsigned kill_denied_here(struct edge *g, char (*ids)[64], size_t n);
#endif
