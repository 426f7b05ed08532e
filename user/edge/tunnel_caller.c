// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_caller - a connection to the tunnel port, until it is known what it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "edge_private.h"
#include "log.h"
#include "pool.h"
#include "tls.h"
#include "tunnel_private.h"

#define CALLERS_MAX 1024	   /* connections that have not said yet what they are */
#define CALLER_NS (10 * SECOND_NS) /* for that */

void channel_free(struct channel *ch)
{
	tls_free(ch->tls);
	close(ch->fd);
	endpoint_put(ch->endpoint);
	free(ch);
}

void caller_watch(struct caller *c)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};

	if (c->out.len || !end_is_flushed(&c->end))
		ev.events |= EPOLLOUT;
	if (ev.events == c->watched)
		return;
	epoll_ctl(c->tunnel->epoll_fd, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->end.fd, &ev);
	c->watched = ev.events;
}

void caller_close(struct caller *c, bool reset)
{
	struct tunnel *t = c->tunnel;

	if (c->dead)
		return;
	c->dead = true;
	list_del(&c->more);
	pthread_mutex_lock(&t->lock);
	list_del(&c->link);
	pthread_mutex_unlock(&t->lock);
	if (c->state == CALLER_CONTROL)
		session_end(c);
	if (!c->welcomed)
		t->n_callers--;
	end_drop(&c->end, reset);
	list_add_tail(&t->graves, &c->link);
}

void caller_free(struct caller *c)
{
	if (c->in)
		explicit_bzero(c->in, c->in_size);
	free(c->in);
	chan_out_done(&c->out);
	free(c->acl);
	free(c);
}

/* It is a channel now, and its worker's. */
static void hand_over(struct caller *c, struct proof *p)
{
	struct tunnel *t = c->tunnel;
	struct channel *ch = calloc(1, sizeof(*ch));
	struct worker *w = &t->edge->workers[p->worker];

	if (!ch) {
		caller_close(c, true);
		return;
	}
	epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, c->end.fd, NULL);
	*ch = (struct channel){.endpoint = endpoint_get(p->endpoint),
			       .fd = c->end.fd,
			       .tls = c->end.tls,
			       .number = p->number,
			       .asked_ns = p->asked_ns,
			       .sa = c->sa};
	c->end.fd = -1;
	c->end.tls = NULL;
	caller_close(c, false);
	if (worker_post(w, pool_on_channel, ch))
		channel_free(ch);
}

static void prove(struct caller *c)
{
	const uint8_t *token;
	uint64_t number;
	struct proof *p;

	if (!chan_proof_read(c->head, &number, &token)) {
		caller_close(c, true);
		return;
	}
	p = proof_take(c->tunnel, number, token);
	explicit_bzero(c->head, sizeof(c->head));
	if (!p) {
		log_debug("a channel without a right proof");
		caller_close(c, true);
		return;
	}
	/* plaintext must not be sent over a bare one; nor is TLS in TLS what the agent expects */
	if (!c->end.tls != !p->endpoint->tls_server)
		caller_close(c, true);
	else
		hand_over(c, p);
	proof_free(p);
}

/* Not a byte more than wanted: what follows belongs to somebody else.  Is it there? */
static bool read_head(struct caller *c, size_t want)
{
	ssize_t n;

	while (c->head_len < want) {
		n = end_read(&c->end, c->head + c->head_len, want - c->head_len);
		if (n == -EAGAIN)
			return false;
		if (n <= 0) {
			caller_close(c, n < 0);
			return false;
		}
		c->head_len += (size_t)n;
	}
	return true;
}

/* For those who have only the fingerprint of our CA: its certificate, which is no secret. */
static void send_root(struct caller *c)
{
	char fingerprint[CA_FINGERPRINT_MAX];
	struct fault f;
	char *pem = certs_root(c->tunnel->edge->terminate.certs, fingerprint, &f);

	if (pem)
		end_write(&c->end, pem, strlen(pem));
	free(pem);
	end_shut(&c->end);
	caller_close(c, false);
}

static void on_magic(struct caller *c)
{
	if (c->end.tls && !memcmp(c->head, CHAN_MAGIC_CONTROL, CHAN_MAGIC_LEN)) {
		if (session_begin(c))
			caller_close(c, true);
		else
			session_on_ready(c);
	} else if (!memcmp(c->head, CHAN_MAGIC_CHANNEL, CHAN_MAGIC_LEN)) {
		c->state = CALLER_PROOF;
		if (read_head(c, CHAN_PROOF_LEN))
			prove(c);
	} else if (!c->end.tls && !memcmp(c->head, CHAN_MAGIC_ROOT, CHAN_MAGIC_LEN)) {
		send_root(c);
	} else {
		caller_close(c, true);
	}
}

static void shake(struct caller *c)
{
	switch (tls_handshake(c->end.tls)) {
	case TLS_DONE:
		c->state = CALLER_MAGIC;
		if (read_head(c, CHAN_MAGIC_LEN))
			on_magic(c);
		else if (!c->dead)
			caller_watch(c);
		return;
	case TLS_FAILED:
		log_debug("an agent's TLS: %s", tls_why(c->end.tls));
		caller_close(c, false);
		return;
	default:
		caller_watch(c);
	}
}

static void on_first_byte(struct caller *c)
{
	uint8_t byte;
	ssize_t n = recv(c->end.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 1 && byte == 0x16) {
		c->end.tls =
			tls_accept(c->tunnel->server, c->end.fd, NULL, 0, CHAN_SERVER_NAME, NULL);
		c->state = CALLER_HANDSHAKE;
		if (c->end.tls)
			shake(c);
		else
			caller_close(c, true);
	} else if (n == 1 && byte == CHAN_MAGIC_CHANNEL[0]) {
		c->state = CALLER_MAGIC;
		/* all of a channel's at once; of others there is no more than the magic */
		if (read_head(c, CHAN_PROOF_LEN) || (!c->dead && c->head_len >= CHAN_MAGIC_LEN))
			on_magic(c);
	} else {
		caller_close(c, n < 0);
	}
}

void caller_on_ready(struct caller *c)
{
	switch (c->state) {
	case CALLER_NEW:
		on_first_byte(c);
		return;
	case CALLER_HANDSHAKE:
		shake(c);
		return;
	case CALLER_MAGIC:
		if (read_head(c, CHAN_MAGIC_LEN))
			on_magic(c);
		return;
	case CALLER_PROOF:
		if (read_head(c, CHAN_PROOF_LEN))
			prove(c);
		return;
	case CALLER_CONTROL:
		session_on_ready(c);
		return;
	}
}

/* Who has waited longest without a word makes room. */
static void make_room(struct tunnel *t)
{
	if (t->n_callers >= CALLERS_MAX)
		caller_close(list_of(t->callers.next, struct caller, link), true);
}

static void caller_new(struct tunnel *t, int fd, const struct sockaddr_storage *sa)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	make_room(t);
	end_init(&c->end, fd);
	c->tunnel = t;
	c->sa = *sa;
	c->until_ns = t->now_ns + CALLER_NS;
	list_init(&c->link);
	list_init(&c->more);
	list_add_tail(&t->callers, &c->link);
	t->n_callers++;
	caller_watch(c);
}

void tunnel_on_listener(struct tunnel *t)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd;

	while ((fd = accept4(t->listen_fd, (struct sockaddr *)&sa, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		caller_new(t, fd, &sa);
		len = sizeof(sa);
	}
	if (errno != EMFILE && errno != ENFILE)
		return;
	/* out of descriptors: the spare one takes it, so that it does not hang in the queue */
	close(t->spare_fd);
	fd = accept(t->listen_fd, NULL, NULL);
	if (fd != -1)
		close(fd);
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}
