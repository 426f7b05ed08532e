// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello_bench - what one ClientHello costs: hello.h natively and in the kernel, and OpenSSL.
 *
 * hello_bench OBJECT FILE...: OBJECT is the program of selftests/kernel, "-" leaves the kernel out.
 * Prints a row per file: bytes, then nanoseconds per hello, the best of ROUNDS rounds of each in
 * turn.  What is in a figure:
 *  native   hello_parse() and hello_name()
 *  sni      the slow path: sni_init, one sni_feed, sni_done
 *  ja4      ja4_write(), apart
 *  kernel   the same two calls in BPF, from the kernel's own clock, an empty program subtracted
 *  openssl  SSL_new, the bytes through a memory BIO, SSL_accept up to the client-hello callback,
 * which reads the name and stops, SSL_free ssl_new  SSL_new and SSL_free alone, to subtract from
 * the former
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <openssl/ssl.h>

#include "hello_work.h"
#include "ja4.h"
#include "sni.h"

#define ROUNDS 7
#define ROUND_NS 20000000
#define KERNEL_REPEAT 20000

enum subject { NATIVE, SLOW, JA4, KERNEL, OPENSSL, SSL_ALONE, SUBJECT_MAX };

static const char *const names[SUBJECT_MAX] = {"native", "sni",	    "ja4",
					       "kernel", "openssl", "ssl_new"};

static struct {
	__u8 data[HELLO_MAX];
	__u32 len;
	struct hello hello;
	struct bpf_object *object;
	struct hello_work *work;
	int parse_fd, nothing_fd;
	SSL_CTX *ctx;
	volatile unsigned long sink, reached;
} b;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void run_native(void)
{
	char key[HELLO_KEY_LEN];
	struct hello h;

	if (hello_parse(b.data, b.len, &h) == HELLO_OK)
		b.sink += hello_name(b.data, &h, key);
}

static void run_sni(void)
{
	struct sni s;

	sni_init(&s, HELLO_MESSAGE_MAX);
	b.sink += sni_feed(&s, b.data, b.len);
	sni_done(&s);
}

static void run_ja4(void)
{
	char out[JA4_LEN + 1];

	ja4_write(b.data, &b.hello, out);
	b.sink += out[0];
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *name;
	size_t len;

	(void)alert;
	(void)arg;
	b.reached++;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &name, &len))
		b.sink += len;
	return SSL_CLIENT_HELLO_RETRY;
}

static void run_openssl(void)
{
	SSL *ssl = SSL_new(b.ctx);
	BIO *in = BIO_new_mem_buf(b.data, b.len);

	SSL_set_bio(ssl, in, BIO_new(BIO_s_mem()));
	b.sink += SSL_accept(ssl);
	SSL_free(ssl);
}

static void run_ssl_new(void)
{
	SSL *ssl = SSL_new(b.ctx);

	SSL_set_bio(ssl, BIO_new_mem_buf(b.data, b.len), BIO_new(BIO_s_mem()));
	SSL_free(ssl);
}

static double time_user(void (*run)(void))
{
	uint64_t start = now_ns(), end;
	unsigned long n = 0;
	int i;

	do {
		for (i = 0; i < 16; i++)
			run();
		n += 16;
		end = now_ns();
	} while (end - start < ROUND_NS);
	return (double)(end - start) / n;
}

static double time_prog(int fd)
{
	static const char frame[14];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = KERNEL_REPEAT);

	if (bpf_prog_test_run_opts(fd, &opts) || opts.retval)
		return -1;
	return opts.duration;
}

static double time_kernel(void)
{
	double parse, nothing;

	if (!b.object)
		return -1;
	memcpy(b.work->buf, b.data, b.len);
	b.work->len = b.len;
	parse = time_prog(b.parse_fd);
	nothing = time_prog(b.nothing_fd);
	return parse < 0 || nothing < 0 ? -1 : parse - nothing;
}

static double time_subject(enum subject s)
{
	switch (s) {
	case NATIVE:
		return time_user(run_native);
	case SLOW:
		return time_user(run_sni);
	case JA4:
		return time_user(run_ja4);
	case KERNEL:
		return time_kernel();
	case OPENSSL:
		return time_user(run_openssl);
	default:
		return time_user(run_ssl_new);
	}
}

static int prog_fd(const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(b.object, name);

	return prog ? bpf_program__fd(prog) : -1;
}

static int load(const char *path)
{
	struct bpf_map *works;

	b.object = bpf_object__open_file(path, NULL);
	if (!b.object || bpf_object__load(b.object))
		return -errno;
	works = bpf_object__find_map_by_name(b.object, "works");
	b.parse_fd = prog_fd("on_parse");
	b.nothing_fd = prog_fd("on_nothing");
	if (!works || b.parse_fd < 0 || b.nothing_fd < 0)
		return -ENOENT;
	b.work = mmap(NULL, bpf_map__value_size(works), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(works), 0);
	return b.work == MAP_FAILED ? -errno : 0;
}

static int read_hello(const char *path)
{
	enum hello_verdict v;
	FILE *f;

	f = fopen(path, "rb");
	if (!f)
		return -errno;
	b.len = fread(b.data, 1, sizeof(b.data), f);
	fclose(f);
	v = hello_parse(b.data, b.len, &b.hello);
	if (v != HELLO_OK && v != HELLO_NO_SNI)
		return -EINVAL;
	b.reached = 0;
	run_openssl();
	return b.reached ? 0 : -EPROTO;
}

static void bench(const char *path)
{
	double best[SUBJECT_MAX], ns;
	const char *base;
	int round, s;

	for (round = 0; round < ROUNDS; round++) {
		for (s = 0; s < SUBJECT_MAX; s++) {
			ns = time_subject(s);
			if (!round || ns < best[s])
				best[s] = ns;
		}
	}
	base = strrchr(path, '/');
	printf("%s\t%u", base ? base + 1 : path, b.len);
	for (s = 0; s < SUBJECT_MAX; s++) {
		if (best[s] < 0)
			printf("\t-");
		else
			printf("\t%.0f", best[s]);
	}
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int i, err;

	if (argc < 3) {
		fprintf(stderr, "usage: %s OBJECT|- HELLO...\n", argv[0]);
		return 1;
	}
	if (strcmp(argv[1], "-") != 0) {
		err = load(argv[1]);
		if (err) {
			fprintf(stderr, "%s: %s\n", argv[1], strerror(-err));
			return 1;
		}
	}
	b.ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_client_hello_cb(b.ctx, on_hello, NULL);
	printf("hello\tbytes");
	for (i = 0; i < SUBJECT_MAX; i++)
		printf("\t%s", names[i]);
	printf("\n");
	for (i = 2; i < argc; i++) {
		err = read_hello(argv[i]);
		if (err)
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-err));
		else
			bench(argv[i]);
	}
	SSL_CTX_free(b.ctx);
	bpf_object__close(b.object);
	return 0;
}
