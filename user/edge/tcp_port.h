/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tcp_port - the ports that TCP endpoints listen at.
 *
 * A port belongs to one tcp://HOST:PORT.  Every endpoint of that URL, or that is about to take
 * another's place, holds a reference from when it is made until it goes offline: so a port never
 * closes between an endpoint and its successor.  Any thread; locked inside.
 */
#ifndef TCP_PORT_H
#define TCP_PORT_H
#include "fault.h"

struct edge;
struct endpoint_spec;
struct tcp_port;
struct tcp_ports;

struct tcp_ports *tcp_ports_new(struct edge *g); /* NULL: out of memory */
/* Before the workers end: listeners are theirs from now on, and go with them. */
void tcp_ports_stop(struct tcp_ports *t);
void tcp_ports_free(struct tcp_ports *t); /* NULL is fine; there are no references left */

/* Listens for <host>, unless it does: nothing is accepted yet.  NULL with <f>: 400, 334, in use. */
struct tcp_port *tcp_port_get(struct tcp_ports *t, const char *host, struct fault *f);
int tcp_port_accept(struct tcp_port *p); /* 0 or -ENOMEM */
void tcp_port_put(struct tcp_port *p);	 /* NULL is fine; the last one closes it */

/*
 * Completes a URL of the form tcp://[HOST][:PORT] in <s>: the host is tcp.host then, the port one
 * of tcp.ports that is free.  Leaves all others.  0, or -1 with <f>.
 */
int tcp_ports_complete(struct tcp_ports *t, struct endpoint_spec *s, struct fault *f);
#endif
