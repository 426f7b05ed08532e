// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_ssh_session - a session of the gateway over a socketpair, with an edge that is made up.  The
 * input is what a client sends before it has logged in, as it is; or what libssh as a client does
 * after it.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "session.h"

#define CHANNELS 4
#define STEPS 48

/* ---- the gateway ---- */

struct gateway {
	struct gateway_conf conf;
	ssh_bind bind;
	ssh_key key;
	sem_t ended;
};
static struct gateway gw = {
	.conf = {.server = "edge", .secret = "secret", .channels_max = 3, .sessions_per_key = 9}};

const struct gateway_conf *gateway_conf(const struct gateway *g)
{
	return &g->conf;
}

bool gateway_logged_in(struct gateway *g, struct session *s)
{
	(void)g, (void)s;
	return true;
}

void gateway_punish(struct gateway *g, struct session *s, unsigned cost_ms)
{
	(void)g, (void)s, (void)cost_ms;
}

void gateway_ended(struct gateway *g, struct session *s)
{
	session_free(s);
	sem_post(&g->ended);
}

bool gateway_take_over(struct gateway *g, struct session *s, const char *url)
{
	(void)g, (void)s, (void)url;
	return false;
}

void gateway_set_url(struct gateway *g, char *to, size_t size, const char *url)
{
	(void)g;
	snprintf(to, size, "%s", url);
}

uint64_t gateway_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the edge ---- */

struct snisplit {
	struct list listeners;
};

struct snisplit_listener {
	struct list link;
	char url[CMDLINE_URL_MAX];
	int fds[2]; /* the clients' ends */
	int n;
};

struct snisplit *snisplit_open(const struct snisplit_conf *conf, struct snisplit_error *err)
{
	struct snisplit_event e = {.type = SNISPLIT_ONLINE, .text = ""};
	struct snisplit *a = calloc(1, sizeof(*a));

	(void)err;
	list_init(&a->listeners);
	conf->on_event(conf->arg, &e);
	return a;
}

void snisplit_unlisten(struct snisplit_listener *l)
{
	list_del(&l->link);
	while (l->n)
		close(l->fds[--l->n]);
	free(l);
}

void snisplit_close(struct snisplit *a)
{
	while (a && !list_empty(&a->listeners))
		snisplit_unlisten(list_of(a->listeners.next, struct snisplit_listener, link));
	free(a);
}

struct snisplit_listener *snisplit_listen(struct snisplit *a, const struct snisplit_endpoint *e,
					  struct snisplit_error *err)
{
	struct snisplit_listener *l;

	if (e->url && strchr(e->url, 'x')) {
		*err = (struct snisplit_error){.status = 409, .code = 334, .msg = "taken"};
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	snprintf(l->url, sizeof(l->url), "%s",
		 !e->url		     ? "tls://made.up"
		 : !strcmp(e->url, "tcp://") ? "tcp://up:20001"
					     : e->url);
	list_init(&l->link);
	list_add_tail(&a->listeners, &l->link);
	return l;
}

const char *snisplit_url(const struct snisplit_listener *l)
{
	return l->url;
}

int snisplit_accept(struct snisplit_listener *l, struct snisplit_conn *c, int timeout_ms)
{
	int fds[2];

	(void)timeout_ms;
	if (l->n == 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -EAGAIN;
	memset(c, 0, sizeof(*c));
	strcpy(c->client, "192.0.2.1:5");
	strcpy(c->server, "192.0.2.2:443");
	l->fds[l->n++] = fds[0];
	if (write(fds[0], "hello", 5) != 5)
		abort();
	if (l->n == 2)
		shutdown(fds[0], SHUT_WR);
	return fds[1];
}

void snisplit_status(struct snisplit *a, struct snisplit_status *ret_s)
{
	(void)a;
	memset(ret_s, 0, sizeof(*ret_s));
	strcpy(ret_s->domain, "edge.test");
}

/* ---- the client ---- */

struct input {
	const uint8_t *at;
	size_t left;
	char text[300];
};

static uint8_t byte(struct input *in)
{
	return in->left ? (in->left--, *in->at++) : 0;
}

static const char *text(struct input *in)
{
	size_t n = byte(in) % sizeof(in->text);

	if (n > in->left)
		n = in->left;
	memcpy(in->text, in->at, n);
	in->text[n] = '\0';
	in->at += n;
	in->left -= n;
	return in->text;
}

static void on_channel(ssh_channel ch, uint8_t what, struct input *in)
{
	const char *s = text(in);

	switch (what) {
	case 0:
		ssh_channel_request_exec(ch, s);
		return;
	case 1:
		ssh_channel_request_shell(ch);
		return;
	case 2:
		ssh_channel_request_pty(ch);
		return;
	case 3:
		ssh_channel_request_env(ch, s, s);
		return;
	case 4:
		ssh_channel_request_subsystem(ch, s);
		return;
	case 5:
		ssh_channel_request_send_signal(ch, s);
		return;
	case 6:
		ssh_channel_send_eof(ch);
		return;
	case 7:
		ssh_channel_close(ch);
		return;
	default:
		ssh_channel_write(ch, s, (uint32_t)strlen(s));
	}
}

static void step(ssh_session ssh, ssh_event ev, ssh_channel *channels, struct input *in)
{
	uint8_t what = byte(in), which = byte(in) % CHANNELS;
	ssh_channel *ch = &channels[which];
	int port = byte(in) << 8 | byte(in);

	switch (what % 8) {
	case 0:
		if (!*ch)
			*ch = ssh_channel_new(ssh);
		ssh_channel_open_session(*ch);
		break;
	case 1:
		ssh_channel_listen_forward(ssh, text(in), port, NULL);
		break;
	case 2:
		ssh_channel_cancel_forward(ssh, text(in), port);
		break;
	case 3:
		if (!*ch)
			*ch = ssh_channel_open_forward_port(ssh, 0, NULL, NULL, NULL);
		break;
	case 4:
		if (!*ch)
			*ch = ssh_channel_new(ssh);
		ssh_channel_open_forward(*ch, text(in), port, "a", 1);
		break;
	default:
		if (*ch && ssh_channel_is_open(*ch))
			on_channel(*ch, what / 8 % 9, in);
	}
	for (int i = 0; i < 3; i++)
		ssh_event_dopoll(ev, what & 1);
}

static void act(int fd, struct input *in)
{
	ssh_channel channels[CHANNELS] = {NULL};
	ssh_session ssh = ssh_new();
	ssh_event ev = ssh_event_new();
	bool no = false;
	long seconds = 5;

	ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(ssh, SSH_OPTIONS_HOST, "gateway");
	ssh_options_set(ssh, SSH_OPTIONS_USER, byte(in) & 1 ? "v2" : "v9");
	ssh_options_set(ssh, SSH_OPTIONS_TIMEOUT, &seconds);
	ssh_options_set(ssh, SSH_OPTIONS_FD, &fd);
	if (ssh_connect(ssh) == SSH_OK &&
	    ssh_userauth_publickey(ssh, NULL, gw.key) == SSH_AUTH_SUCCESS) {
		ssh_set_blocking(ssh, 0);
		ssh_event_add_session(ev, ssh);
		for (int i = 0; i < STEPS && in->left && ssh_is_connected(ssh); i++)
			step(ssh, ev, channels, in);
		ssh_event_remove_session(ev, ssh);
	}
	ssh_event_free(ev);
	ssh_disconnect(ssh);
	ssh_free(ssh); /* and its channels */
}

/* What OpenSSL keeps until the process ends: the same after one run and after thousands. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bool no = false;
	ssh_key host = NULL;

	(void)argc, (void)argv;
	log_set_level(LOG_LEVEL_ERR);
	signal(SIGPIPE, SIG_IGN);
	sem_init(&gw.ended, 0, 0);
	if (ssh_init() || ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &host) ||
	    ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &gw.key))
		abort();
	gw.bind = ssh_bind_new();
	ssh_bind_options_set(gw.bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	ssh_bind_options_set(gw.bind, SSH_BIND_OPTIONS_IMPORT_KEY, host);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage sa = {.ss_family = AF_INET};
	struct input in = {.at = data, .left = size};
	bool raw = byte(&in) & 1;
	ssh_session ssh = ssh_new();
	struct session *s;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	if (ssh_bind_accept_fd(gw.bind, ssh, fds[0]) != SSH_OK)
		abort();
	s = session_new(&gw, ssh, fds[0], &sa);
	if (!s || session_start(s))
		abort();
	if (raw) {
		if (send(fds[1], in.at, in.left, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			log_debug("not all of it");
		close(fds[1]);
	} else {
		act(fds[1], &in);
	}
	sem_wait(&gw.ended);
	return 0;
}
