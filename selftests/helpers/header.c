/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * header - writes and reads PROXY headers with our own code, for tests against that of others.
 *
 *   header write 1|2 SRC DST [--authority S] [--alpn S] [--id S] [--crc] [--ssl CN]
 *	SRC and DST are ADDR:PORT; "-" for both is a connection of our own
 *   header read <FILE
 *
 * What read prints: ok|more|none|bad LENGTH SRC DST KEY=VALUE..., or why it is bad.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "proxy.h"

static uint8_t buf[PROXY_MAX];

static struct proxy_bytes bytes(const char *s)
{
	return (struct proxy_bytes){s, strlen(s)};
}

static void address(const char *text, struct sockaddr_storage *sa)
{
	socklen_t len;

	if (strcmp(text, "-") != 0 && addr_parse(text, sa, &len))
		errx(2, "not an address: %s", text);
}

static int write_header(int argc, char **argv)
{
	static const struct option table[] = {
		{"authority", required_argument, NULL, 'n'}, {"alpn", required_argument, NULL, 'a'},
		{"id", required_argument, NULL, 'i'},	     {"crc", no_argument, NULL, 'c'},
		{"ssl", required_argument, NULL, 's'},	     {0},
	};
	struct proxy_ssl ssl = {
		.client = PROXY_SSL | PROXY_SSL_CERT_CONN,
		.version = bytes("TLSv1.3"),
		.cipher = bytes("TLS_AES_128_GCM_SHA256"),
	};
	struct sockaddr_storage src = {0}, dst = {0}, *from = &src;
	struct proxy_extra x = {0};
	int c, n;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'n':
			x.authority = bytes(optarg);
			break;
		case 'a':
			x.alpn = bytes(optarg);
			break;
		case 'i':
			x.unique_id = bytes(optarg);
			break;
		case 'c':
			x.crc32c = true;
			break;
		case 's':
			ssl.cn = bytes(optarg);
			x.ssl = &ssl;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3)
		errx(2, "write 1|2 SRC DST");
	address(argv[optind + 1], &src);
	address(argv[optind + 2], &dst);
	if (!strcmp(argv[optind + 1], "-"))
		from = NULL;
	n = !strcmp(argv[optind], "1") ? proxy_write_v1(buf, sizeof(buf), from, &dst)
				       : proxy_write_v2(buf, sizeof(buf), from, &dst, &x);
	if (n < 0)
		errx(1, "%s", strerror(-n));
	return fwrite(buf, 1, (size_t)n, stdout) == (size_t)n ? 0 : 1;
}

static void show(const char *key, const struct proxy_range *r)
{
	if (r->off)
		printf(" %s=%.*s", key, (int)r->len, (const char *)buf + r->off);
}

static int read_header(void)
{
	static const char *const verdicts[] = {"ok", "more", "none", "bad"};
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	size_t len = fread(buf, 1, sizeof(buf), stdin);
	struct proxy h;
	enum proxy_verdict v = proxy_read(buf, len, &h);

	printf("%s", verdicts[v]);
	if (v == PROXY_BAD)
		printf(" %s", h.why);
	if (v == PROXY_OK)
		printf(" %u %s %s", h.end, h.has_addr ? addr_text(&h.src, src) : "-",
		       h.has_addr ? addr_text(&h.dst, dst) : "-");
	if (h.has_crc)
		printf(" crc");
	show("authority", &h.authority);
	show("alpn", &h.alpn);
	show("id", &h.unique_id);
	if (h.has_ssl)
		printf(" ssl=%u/%u", h.ssl_client, h.ssl_verify);
	show("version", &h.ssl_version);
	show("cipher", &h.ssl_cipher);
	show("cn", &h.ssl_cn);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "write"))
		return write_header(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "read"))
		return read_header();
	errx(2, "write ... | read");
}
