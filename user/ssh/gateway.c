// SPDX-License-Identifier: GPL-2.0-only
#include "gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "admission.h"
#include "host_key.h"
#include "log.h"
#include "session.h"

#define STOP_MS 5000  /* for the sessions to say goodbye */
#define PROBE_MS 1500 /* for a client to answer */
#define ENDED_MS 1500 /* for its session to end */
#define STEP_MS 20

struct gateway {
	struct gateway_conf conf;
	int fd;
	ssh_bind bind;
	pthread_mutex_t lock;
	struct list sessions;
	unsigned n_sessions;
	struct admission admission;
	uint64_t warned_ms;
};

uint64_t gateway_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

const struct gateway_conf *gateway_conf(const struct gateway *g)
{
	return &g->conf;
}

/* ---- open ---- */

static const struct {
	enum ssh_bind_options_e option;
	const char *value;
} options[] = {
	{SSH_BIND_OPTIONS_KEY_EXCHANGE,
	 "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
	 "ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
	 "diffie-hellman-group14-sha256"},
	{SSH_BIND_OPTIONS_CIPHERS_C_S, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
				       "chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"},
	{SSH_BIND_OPTIONS_CIPHERS_S_C, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
				       "chacha20-poly1305@openssh.com,aes256-ctr,aes128-ctr"},
	{SSH_BIND_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
				    "hmac-sha2-256,hmac-sha2-512"},
	{SSH_BIND_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
				    "hmac-sha2-256,hmac-sha2-512"},
	{SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519,rsa-sha2-512,rsa-sha2-256"},
	{SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
	 "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
	 "rsa-sha2-256"},
};

static int make_bind(struct gateway *g, struct fault *f)
{
	ssh_key keys[HOST_KEYS];
	bool no = false;
	int err = 0;

	if (host_keys_open(g->conf.state_dir, keys, f))
		return -1;
	g->bind = ssh_bind_new();
	if (!g->bind)
		return fault_set(f, 500, 0, "", "out of memory");
	ssh_bind_options_set(g->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (ssh_bind_options_set(g->bind, options[i].option, options[i].value))
			err = fault_set(f, 500, 0, "", "libssh does not take %s", options[i].value);
	for (int i = 0; i < HOST_KEYS; i++) /* theirs from now on */
		if (ssh_bind_options_set(g->bind, SSH_BIND_OPTIONS_IMPORT_KEY, keys[i]))
			err = fault_set(f, 500, 0, "", "libssh does not take the host key");
	return err;
}

static int make_listener(struct gateway *g, struct fault *f)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int one = 1;

	if (addr_parse(g->conf.listen, &sa, &len))
		return fault_set(f, 400, 0, "listen", "must be IP:PORT, got '%.64s'",
				 g->conf.listen);
	g->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (g->fd == -1 || setsockopt(g->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(g->fd, (struct sockaddr *)&sa, len) || listen(g->fd, 128))
		return fault_set(f, 500, 0, "", "cannot listen on %s: %s", g->conf.listen,
				 strerror(errno));
	return 0;
}

int gateway_open(const struct gateway_conf *conf, struct gateway **ret_g, struct fault *f)
{
	struct gateway *g = calloc(1, sizeof(*g));

	if (!g)
		return fault_set(f, 500, 0, "", "out of memory");
	g->conf = *conf;
	g->fd = -1;
	pthread_mutex_init(&g->lock, NULL);
	list_init(&g->sessions);
	admission_init(&g->admission, conf->waiting_begin, conf->waiting_full);
	if (make_bind(g, f) || make_listener(g, f)) {
		gateway_close(g);
		return -1;
	}
	*ret_g = g;
	return 0;
}

void gateway_close(struct gateway *g)
{
	if (g->fd != -1)
		close(g->fd);
	ssh_bind_free(g->bind);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* ---- connections ---- */

/* A flood is told of once a minute. */
static void warn(struct gateway *g, uint64_t now_ms, const char *what,
		 const struct sockaddr_storage *sa)
{
	char text[ADDR_TEXT_MAX];

	if (g->warned_ms && now_ms - g->warned_ms < 60000)
		return;
	g->warned_ms = now_ms;
	log_warn("ssh: refused, %s: from=%s (said once a minute)", what, addr_text(sa, text));
}

static bool admit(struct gateway *g, const struct sockaddr_storage *sa)
{
	static const char *const why[] = {
		[ADMISSION_CROWDED] = "too many that have not logged in",
		[ADMISSION_PENALTY] = "too many failures",
	};
	uint64_t now_ms = gateway_now_ms();
	enum admission_verdict v;
	uint32_t dice = 0;

	if (getrandom(&dice, sizeof(dice), 0) != sizeof(dice))
		dice = 0; /* which refuses */
	pthread_mutex_lock(&g->lock);
	v = g->n_sessions >= g->conf.sessions_max
		    ? ADMISSION_CROWDED
		    : admission_enter(&g->admission, sa, now_ms, dice);
	pthread_mutex_unlock(&g->lock);
	if (v != ADMISSION_IN)
		warn(g, now_ms, why[v], sa);
	return v == ADMISSION_IN;
}

static struct session *make_session(struct gateway *g, int fd, const struct sockaddr_storage *sa)
{
	ssh_session ssh = ssh_new();
	struct session *s;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!ssh)
		return NULL;
	if (ssh_bind_accept_fd(g->bind, ssh, fd) != SSH_OK) {
		ssh_free(ssh);
		return NULL;
	}
	s = session_new(g, ssh, fd, sa);
	if (!s)
		ssh_free(ssh); /* closes <fd> */
	return s;
}

static void begin(struct gateway *g, int fd, const struct sockaddr_storage *sa)
{
	struct session *s;

	if (!admit(g, sa)) {
		close(fd);
		return;
	}
	s = make_session(g, fd, sa);
	pthread_mutex_lock(&g->lock);
	if (s) {
		s->waiting = true;
		list_add_tail(&g->sessions, &s->link);
		g->n_sessions++;
	} else {
		admission_leave(&g->admission);
	}
	pthread_mutex_unlock(&g->lock);
	if (s && session_start(s)) {
		log_err("ssh: no thread for %s", s->from);
		ssh_free(s->ssh);
		gateway_ended(g, s);
	}
}

static void take(struct gateway *g)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd;

	while ((fd = accept4(g->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK)) !=
	       -1) {
		begin(g, fd, &sa);
		len = sizeof(sa);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		poll(NULL, 0, 100); /* else this would spin until somebody leaves */
}

static void stop_all(struct gateway *g)
{
	uint64_t until_ms = gateway_now_ms() + STOP_MS;
	struct list *it;
	unsigned n;

	do {
		pthread_mutex_lock(&g->lock);
		list_for_each(it, &g->sessions) {
			struct session *s = list_of(it, struct session, link);

			atomic_store(&s->stop, true);
			session_wake(s);
		}
		n = g->n_sessions;
		pthread_mutex_unlock(&g->lock);
		if (n)
			poll(NULL, 0, STEP_MS);
	} while (n && gateway_now_ms() < until_ms);
}

void gateway_run(struct gateway *g, int stop_fd, int life_fd)
{
	struct pollfd fds[3] = {{.fd = g->fd, .events = POLLIN},
				{.fd = stop_fd, .events = POLLIN},
				{.fd = life_fd, .events = POLLIN}};

	while (!fds[1].revents && !fds[2].revents)
		if (poll(fds, 3, -1) > 0 && fds[0].revents)
			take(g);
	close(g->fd);
	g->fd = -1;
	stop_all(g);
}

/* ---- sessions ---- */

bool gateway_logged_in(struct gateway *g, struct session *s)
{
	unsigned n = 0;
	struct list *it;

	pthread_mutex_lock(&g->lock);
	s->waiting = false;
	admission_leave(&g->admission);
	list_for_each(it, &g->sessions) {
		struct session *other = list_of(it, struct session, link);

		n += !other->waiting && !strcmp(other->key, s->key);
	}
	pthread_mutex_unlock(&g->lock);
	return n <= g->conf.sessions_per_key;
}

void gateway_punish(struct gateway *g, struct session *s, unsigned cost_ms)
{
	pthread_mutex_lock(&g->lock);
	admission_punish(&g->admission, &s->sa, gateway_now_ms(), cost_ms);
	pthread_mutex_unlock(&g->lock);
}

void gateway_ended(struct gateway *g, struct session *s)
{
	pthread_mutex_lock(&g->lock);
	list_del(&s->link);
	g->n_sessions--;
	if (s->waiting)
		admission_leave(&g->admission);
	session_free(s); /* under the lock: nobody wakes it any more */
	pthread_mutex_unlock(&g->lock);
}

/* Under the lock. */
static struct session *find_holder(struct gateway *g, const struct session *s, const char *url)
{
	struct list *it;

	list_for_each(it, &g->sessions) {
		struct session *other = list_of(it, struct session, link);

		if (other == s || other->waiting || strcmp(other->key, s->key) != 0)
			continue;
		for (unsigned i = 0; i < SESSION_FORWARDS_MAX; i++)
			if (!strcmp(other->forwards[i].url, url))
				return other;
	}
	return NULL;
}

void gateway_set_url(struct gateway *g, char *to, size_t size, const char *url)
{
	pthread_mutex_lock(&g->lock);
	snprintf(to, size, "%s", url);
	pthread_mutex_unlock(&g->lock);
}

enum holder { HOLDER_GONE, HOLDER_ALIVE, HOLDER_SILENT };

/* Waits for the holder's answer, or with <stop> for its end. */
static enum holder watch(struct gateway *g, struct session *s, const char *url, bool stop)
{
	uint64_t since_ms = gateway_now_ms(), limit_ms = stop ? ENDED_MS : PROBE_MS;
	enum holder is = HOLDER_SILENT;
	bool first = true;

	do {
		struct session *other;

		pthread_mutex_lock(&g->lock);
		other = find_holder(g, s, url);
		if (!other) {
			is = HOLDER_GONE;
		} else if (first) {
			atomic_store(stop ? &other->evict : &other->probe, true);
			session_wake(other);
		} else if (!stop && atomic_load(&other->heard_ms) >= since_ms) {
			is = HOLDER_ALIVE;
		}
		pthread_mutex_unlock(&g->lock);
		first = false;
		if (is == HOLDER_SILENT)
			poll(NULL, 0, STEP_MS);
	} while (is == HOLDER_SILENT && gateway_now_ms() - since_ms < limit_ms);
	return is;
}

bool gateway_take_over(struct gateway *g, struct session *s, const char *url)
{
	enum holder is = watch(g, s, url, false);

	if (is == HOLDER_SILENT)
		is = watch(g, s, url, true);
	return is == HOLDER_GONE;
}
