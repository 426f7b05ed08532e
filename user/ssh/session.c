// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "addr.h"
#include "log.h"

#define PING_MS 5000	/* silence after which the client is asked; it is every 10 s in effect */
#define SILENT_MS 15000 /* ... after which it is gone */
#define TURN_MS 1000
#define ANSWER_MS 2000	     /* for so long after it was asked, it is looked for an answer ... */
#define STEP_MS 50	     /* ... as often as this: libssh may have read it by itself */
#define PACKETS 64	     /* reads from the client in a turn */
#define UNREAD_MAX (1 << 20) /* what a client may send while it does not read */
#define GOODBYE_MS 2000	     /* for the client to close after its exit status */

struct session *session_new(struct gateway *g, ssh_session ssh, int fd,
			    const struct sockaddr_storage *sa)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->buffer = malloc(SESSION_BUFFER);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!s->buffer || s->wake_fd == -1) {
		if (s->wake_fd != -1)
			close(s->wake_fd);
		free(s->buffer);
		free(s);
		return NULL;
	}
	s->gateway = g;
	s->ssh = ssh;
	s->fd = fd;
	s->sa = *sa;
	addr_text(sa, s->from);
	list_init(&s->link);
	list_init(&s->streams);
	mail_init(s);
	request_init(s);
	return s;
}

void session_free(struct session *s)
{
	mail_done(s);
	close(s->wake_fd);
	free(s->buffer);
	free(s);
}

void session_wake(struct session *s)
{
	uint64_t one = 1;

	if (write(s->wake_fd, &one, sizeof(one)) != sizeof(one))
		return; /* it is full of wakes */
}

static bool is_there(struct session *s)
{
	return ssh_is_connected(s->ssh) &&
	       !(ssh_get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/* Any call into libssh may have read something: only TCP knows whether the client has spoken. */
static uint64_t hear(struct session *s, uint64_t now_ms)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);

	if (!getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &ti, &len) &&
	    ti.tcpi_bytes_received != s->received) {
		s->received = ti.tcpi_bytes_received;
		atomic_store(&s->heard_ms, now_ms);
	}
	return atomic_load(&s->heard_ms);
}

/* True: the client is silent for too long. */
static bool keep_alive(struct session *s, uint64_t now_ms)
{
	uint64_t heard_ms = hear(s, now_ms);

	if (now_ms - heard_ms > SILENT_MS)
		return true;
	if (atomic_exchange(&s->probe, false) ||
	    (now_ms - heard_ms >= PING_MS && now_ms - s->pinged_ms >= PING_MS)) {
		s->pinged_ms = now_ms;
		/* libssh keeps one request at a time: the first call may only take an old answer */
		ssh_send_keepalive(s->ssh);
		ssh_send_keepalive(s->ssh);
	}
	return false;
}

static void read_client(struct session *s)
{

	for (int i = 0; i < PACKETS; i++)
		if (ssh_event_dopoll(s->event, 0) != SSH_OK)
			break;
}

/*
 * Each request has an answer, and libssh keeps what the client does not read: who sends and never
 * reads is not heard any more, and with that soon silent.
 */
static short client_events(struct session *s)
{
	if (!(ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING)) {
		s->unread = s->received;
		return POLLIN;
	}
	return s->received - s->unread > UNREAD_MAX ? POLLOUT : POLLIN | POLLOUT;
}

static int timeout_ms(struct session *s)
{
	int ms = order_timeout_ms(s);

	if (ms < 0)
		ms = gateway_now_ms() - s->pinged_ms < ANSWER_MS ? STEP_MS : TURN_MS;
	return ms;
}

static void turn(struct session *s)
{
	struct pollfd fds[2 + gateway_conf(s->gateway)->channels_max];
	uint64_t count;
	int n;

	fds[0] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->fd, .events = client_events(s)};
	n = 2 + streams_poll(s, fds + 2);
	if (poll(fds, (nfds_t)n, timeout_ms(s)) < 0)
		return;
	if (fds[0].revents && read(s->wake_fd, &count, sizeof(count)) < 0)
		log_debug("ssh: a wake without a count");
	if (fds[1].revents & ~POLLOUT)
		read_client(s);
	else if (fds[1].revents)
		ssh_event_dopoll(s->event, 0);
	request_take(s);
	order_run(s);
	streams_accept(s);
	streams_run(s, fds + 2);
}

static void serve(struct session *s)
{
	uint64_t now_ms;

	while (is_there(s) && !s->quit && !atomic_load(&s->evict)) {
		turn(s);
		now_ms = gateway_now_ms();
		if (keep_alive(s, now_ms)) {
			log_info("ssh: session from %s is silent for %d s", s->from,
				 SILENT_MS / 1000);
			return;
		}
		if (atomic_load(&s->stop) && !s->over) {
			struct fault f;

			fault_set(&f, 503, 742, "", "the gateway is being stopped; connect again");
			order_refuse(s, &f);
		}
		if (s->over && now_ms - s->over_ms > GOODBYE_MS)
			return;
	}
}

static void *run(void *arg)
{
	struct session *s = arg;

	atomic_store(&s->heard_ms, gateway_now_ms());
	s->event = ssh_event_new();
	if (s->event && !session_login(s)) {
		log_info("ssh: session from %s key=%s", s->from, s->key);
		serve(s);
		log_info("ssh: session ended: %s key=%s", s->from, s->key);
	}
	streams_close(s);
	forward_refuse(s);
	snisplit_close(s->edge);
	s->edge = NULL;
	if (s->event) {
		ssh_event_remove_session(s->event, s->ssh);
		ssh_event_free(s->event);
	}
	ssh_disconnect(s->ssh);
	ssh_free(s->ssh);
	gateway_ended(s->gateway, s);
	return NULL;
}

int session_start(struct session *s)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 512 << 10);
	err = pthread_create(&s->thread, &attr, run, s);
	pthread_attr_destroy(&attr);
	return -err;
}
