// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_load - the client of the TLS benchmark; its upstream is `load server`, behind an edge that
 * terminates TLS.
 *
 *   tls_load full|resumed ADDR:PORT NAME THREADS SECONDS   connect, handshake, 1 kB answer, close
 *   tls_load up|down ADDR:PORT NAME CONNS BYTES            over all connections
 *   tls_load idle ADDR:PORT NAME CONNS SECONDS             opens them, one round trip each, and
 * waits
 *
 * Prints "name value" lines; idle prints "open CONNS" when all are open.  TLS 1.3 with
 * TLS_AES_128_GCM_SHA256 and X25519, so that all subjects do the same work; the certificate's
 * signature is checked, its chain is not.  One thread a connection, blocking.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define ANSWER 1024
#define BUF (256 << 10)
#define THREADS_MAX 64
#define CONNS_MAX 20000

/* What `load server` reads first: a record header of an empty hello, and the order. */
struct order {
	uint8_t hello[5];
	char what;
	char pad[7];
	uint64_t bytes;
} __attribute__((packed));

static struct sockaddr_in target;
static const char *name;
static atomic_bool over;

struct thread {
	pthread_t id;
	SSL_CTX *ctx;
	SSL_SESSION *session; /* to resume with; the newest ticket */
	bool resume, up;
	uint64_t bytes;
	uint64_t done, resumed, failed;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct sockaddr_in parse(const char *text)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	char host[64];
	unsigned port;

	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		errx(1, "not ADDR:PORT: %s", text);
	sa.sin_port = htons((uint16_t)port);
	return sa;
}

static int on_session(SSL *ssl, SSL_SESSION *s)
{
	struct thread *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = s;
	return 1;
}

static SSL_CTX *ctx_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519") != 1)
		errx(1, "OpenSSL");
	SSL_CTX_set_session_cache_mode(ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

/* Connected, the order sent; NULL: it failed. */
static SSL *open_conn(struct thread *t, char what, uint64_t bytes)
{
	struct order o = {.hello = {0x16, 3, 1}, .what = what, .bytes = bytes};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	SSL *ssl;

	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&target, sizeof(target)) == -1) {
		close(fd);
		return NULL;
	}
	ssl = SSL_new(t->ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_app_data(ssl, t);
	SSL_set_tlsext_host_name(ssl, (char *)name);
	if (t->resume && t->session)
		SSL_set_session(ssl, t->session);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, &o, sizeof(o)) == (int)sizeof(o))
		return ssl;
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
	return NULL;
}

static void close_conn(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

static bool read_whole(SSL *ssl, void *buf, size_t len)
{
	size_t got = 0;

	while (got < len) {
		int n = SSL_read(ssl, (char *)buf + got, (int)(len - got));

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

static void *shake(void *arg)
{
	struct thread *t = arg;
	char answer[ANSWER];
	SSL *ssl;

	while (!atomic_load(&over)) {
		ssl = open_conn(t, 'a', ANSWER);
		if (!ssl || !read_whole(ssl, answer, sizeof(answer))) {
			t->failed++;
		} else {
			t->done++;
			t->resumed += SSL_session_reused(ssl) == 1;
		}
		if (ssl)
			close_conn(ssl);
	}
	return NULL;
}

static void handshakes(struct thread *t, unsigned n, unsigned seconds, bool resume)
{
	uint64_t done = 0, resumed = 0, failed = 0;
	double start = now();

	for (unsigned i = 0; i < n; i++) {
		t[i].resume = resume;
		pthread_create(&t[i].id, NULL, shake, &t[i]);
	}
	sleep(seconds);
	atomic_store(&over, true);
	for (unsigned i = 0; i < n; i++) {
		pthread_join(t[i].id, NULL);
		done += t[i].done;
		resumed += t[i].resumed;
		failed += t[i].failed;
	}
	if (resume && resumed * 10 < done * 9)
		errx(1, "only %llu of %llu were resumed", (unsigned long long)resumed,
		     (unsigned long long)done);
	printf("count %llu\nper_s %.1f\nfailed %llu\n", (unsigned long long)done,
	       (double)done / (now() - start), (unsigned long long)failed);
}

static void *carry(void *arg)
{
	SSL *ssl = open_conn(arg, ((struct thread *)arg)->up ? 'u' : 'd',
			     ((struct thread *)arg)->bytes);
	struct thread *t = arg;
	char *buf = calloc(1, BUF);
	uint64_t left = t->bytes, total = 0;
	int n;

	if (!ssl)
		errx(1, "no connection");
	while (left) {
		n = left < BUF ? (int)left : BUF;
		n = t->up ? SSL_write(ssl, buf, n) : SSL_read(ssl, buf, n);
		if (n <= 0)
			errx(1, "cut off with %llu bytes to go", (unsigned long long)left);
		left -= (uint64_t)n;
	}
	if (t->up && (!read_whole(ssl, &total, sizeof(total)) || total != t->bytes))
		errx(1, "the upstream got %llu bytes", (unsigned long long)total);
	close_conn(ssl);
	free(buf);
	return NULL;
}

static void bulk(struct thread *t, unsigned n, uint64_t bytes, bool up)
{
	double start = now();

	for (unsigned i = 0; i < n; i++) {
		t[i].up = up;
		t[i].bytes = bytes / n;
		pthread_create(&t[i].id, NULL, carry, &t[i]);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(t[i].id, NULL);
	printf("count %llu\ngbps %.3f\n", (unsigned long long)bytes,
	       (double)bytes * 8 / 1e9 / (now() - start));
}

static void idle(struct thread *t, unsigned n, unsigned seconds)
{
	static SSL *all[CONNS_MAX];
	char byte = 'x';

	for (unsigned i = 0; i < n; i++) {
		all[i] = open_conn(t, 'e', 0);
		if (!all[i] || SSL_write(all[i], &byte, 1) != 1 || !read_whole(all[i], &byte, 1))
			errx(1, "connection %u failed", i);
	}
	printf("open %u\n", n);
	fflush(stdout);
	sleep(seconds);
}

int main(int argc, char **argv)
{
	static struct thread threads[THREADS_MAX];
	unsigned n;
	bool many;

	if (argc != 6)
		errx(1, "usage: see the head of tls_load.c");
	signal(SIGPIPE, SIG_IGN);
	target = parse(argv[2]);
	name = argv[3];
	n = (unsigned)atoi(argv[4]);
	many = !strcmp(argv[1], "idle");
	if (!n || n > (many ? CONNS_MAX : THREADS_MAX))
		errx(1, "too many connections");
	for (unsigned i = 0; i < (many ? 1 : n); i++)
		threads[i].ctx = ctx_new();
	if (!strcmp(argv[1], "full") || !strcmp(argv[1], "resumed"))
		handshakes(threads, n, (unsigned)atoi(argv[5]), argv[1][0] == 'r');
	else if (!strcmp(argv[1], "up") || !strcmp(argv[1], "down"))
		bulk(threads, n, strtoull(argv[5], NULL, 10), argv[1][0] == 'u');
	else if (many)
		idle(threads, n, (unsigned)atoi(argv[5]));
	else
		errx(1, "usage: see the head of tls_load.c");
	return 0;
}
