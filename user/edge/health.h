/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * health - asks the upstreams of endpoints with a health_check whether they are alive: one thread,
 * by connects that wait for nobody, with a TLS hello where that was asked for.
 *
 * <fall> failures in a row make one dead: it gets no connection while another of its name is
 * alive.  <rise> answers in a row make it alive again.
 */
#ifndef HEALTH_H
#define HEALTH_H

struct edge;
struct health;

struct health *health_start(struct edge *g); /* NULL: cannot, logged */
void health_stop(struct health *h);	     /* NULL is fine */
#endif
