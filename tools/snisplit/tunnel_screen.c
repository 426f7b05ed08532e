// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"
#include "out.h"
#include "tunnel_state.h"

void tunnel_screen_open(void)
{
	/* the other screen, so that what was there comes back */
	fputs("\033[?1049h\033[?25l", stdout);
	fflush(stdout);
}

void tunnel_screen_close(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

static void line(FILE *to, unsigned width, const char *text)
{
	char shown[600];

	log_escape(text, strlen(text), shown, sizeof(shown));
	fprintf(to, "%.*s\033[K\r\n", (int)width, shown);
}

static void row(FILE *to, unsigned width, const char *name, const char *text)
{
	char all[800];

	snprintf(all, sizeof(all), "%-16s %s", name, text);
	line(to, width, all);
}

static void draw_session(FILE *to, unsigned width, struct tunnel_state *s)
{
	struct snisplit_status st;
	char text[300];

	snisplit_status(s->session, &st);
	row(to, width, "Session", st.online ? "online" : s->status);
	snprintf(text, sizeof(text), "%s %s", s->conf->server, st.edge);
	row(to, width, "Edge", text);
	if (st.rtt_us) {
		snprintf(text, sizeof(text), "%.1f ms", st.rtt_us / 1000.0);
		row(to, width, "Latency", text);
	}
	snprintf(text, sizeof(text), "%s (%.250s)", st.datapath, st.datapath_why);
	row(to, width, "Datapath", text);
	if (*s->web)
		row(to, width, "Web interface", s->web);
}

static void draw_tunnels(FILE *to, unsigned width, struct tunnel_state *s)
{
	struct snisplit_listener_status st;
	char text[700], addr[300];

	for (unsigned i = 0; i < s->conf->n_tunnels; i++) {
		if (!s->listeners[i])
			continue;
		snisplit_listener_status(s->listeners[i], &st);
		snprintf(text, sizeof(text), "%s -> %s%s", st.url,
			 tunnel_addr_shown(&s->conf->tunnels[i], addr),
			 st.online ? "" : "  (offline)");
		row(to, width, "Forwarding", text);
	}
}

static void draw_recent(FILE *to, unsigned width, unsigned rows, struct tunnel_state *s)
{
	struct tm tm;
	char text[500], when[16], in[16], out[16];

	for (unsigned i = 0; i < TUNNEL_RECENT && i < s->n_recent && i < rows; i++) {
		const struct tunnel_recent *r = &s->recent[(s->n_recent - 1 - i) % TUNNEL_RECENT];

		localtime_r(&r->when.tv_sec, &tm);
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
		snprintf(text, sizeof(text), "%s  %-22s %-28s %8s %8s  %s", when, r->client,
			 r->name, r->closed ? out_bytes(r->in, in) : "",
			 r->closed ? out_bytes(r->out, out) : "", r->closed ? r->reason : "open");
		line(to, width, text);
	}
}

void tunnel_screen_draw(struct tunnel_state *s)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};
	struct snisplit_status st;
	char text[100], *all = NULL;
	size_t size;
	FILE *to = open_memstream(&all, &size);

	if (!to)
		return;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	fputs("\033[H", to);
	line(to, ws.ws_col, "snisplit                                          (Ctrl+C to quit)");
	line(to, ws.ws_col, "");
	pthread_mutex_lock(&s->lock);
	draw_session(to, ws.ws_col, s);
	draw_tunnels(to, ws.ws_col, s);
	if (*s->notice)
		row(to, ws.ws_col, "Notice", s->notice);
	line(to, ws.ws_col, "");
	snisplit_status(s->session, &st);
	snprintf(text, sizeof(text), "%llu in all, %u open, %u channels ready",
		 (unsigned long long)st.conns_total, st.conns_open, st.channels_idle);
	row(to, ws.ws_col, "Connections", text);
	draw_recent(to, ws.ws_col, ws.ws_row > 15 ? ws.ws_row - 14 : 1, s);
	pthread_mutex_unlock(&s->lock);
	fputs("\033[J", to);
	if (!fclose(to)) {
		fwrite(all, 1, size, stdout);
		fflush(stdout);
	}
	free(all);
}
