/* SPDX-License-Identifier: GPL-2.0-only */
/* proxies.h - PROXY headers and what is to be read in them, for the tests of proxy.h. */
#ifndef PROXIES_H
#define PROXIES_H

#include "proxy.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\2\1\xc6\x33\x64\2\xc3\x51\1\xbb" /* 192.0.2.1:50001 198.51.100.2:443 */
#define V4_TEXT "192.0.2.1:50001 198.51.100.2:443"
#define DB8_1 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define DB8_2 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define PORTS "\xc3\x51\1\xbb"
#define V6 DB8_1 DB8_2 PORTS
#define V6_TEXT "[2001:db8::1]:50001 [2001:db8::2]:443"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

#define B(s) (const uint8_t *)(s), sizeof(s) - 1

/* <text>: addresses, then TLVs, as describe() has it.  <at>: when it is decided, 0: at its end. */
static const struct proxy_case {
	const char *name;
	const uint8_t *bytes;
	size_t len;
	enum proxy_verdict want;
	const char *text;
	size_t at;
} proxy_cases[] = {
	/* sent by haproxy 2.6 */
	{"haproxy send-proxy, v4", B("PROXY TCP4 127.0.0.9 127.0.0.1 50001 7001\r\n"), PROXY_OK,
	 "127.0.0.9:50001 127.0.0.1:7001", 0},
	{"haproxy send-proxy, v6", B("PROXY TCP6 ::1 ::1 50002 7002\r\n"), PROXY_OK,
	 "[::1]:50002 [::1]:7002", 0},
	{"haproxy send-proxy, unix", B("PROXY UNKNOWN\r\n"), PROXY_OK, "-", 0},
	{"haproxy send-proxy-v2, v4", B(SIG "!\x11\0\x0c\x7f\0\0\x09\x7f\0\0\x01\xc3S\x1b["),
	 PROXY_OK, "127.0.0.9:50003 127.0.0.1:7003", 0},
	{"haproxy send-proxy-v2, v6",
	 B(SIG "!!\0$\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xc3T\x1b\\"),
	 PROXY_OK, "[::1]:50004 [::1]:7004", 0},
	{"haproxy send-proxy-v2, v4 on a v6 socket",
	 B(SIG "!!\0$\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x09\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0"
	       "\x01\xc3U\x1b"
	       "a"),
	 PROXY_OK, "127.0.0.9:50005 127.0.0.1:7009", 0},
	{"haproxy send-proxy-v2, all options, v4",
	 B(SIG "!\x11\0u\x7f\0\0\x09\x7f\0\0\x01\xc3V\x1b]\x03\0\x04\xfd\xa5\x95@\x01\0\x02h2\x02\0"
	       "\x08"
	       "app.test\x05\0\x16"
	       "7F000009:C356_6B0283E5 \0"
	       "6\x07\0\0\0\0!\0\x07TLSv1.3\"\0\x0b"
	       "client.test#\0\x16TLS_AES_256_GCM_SHA384"),
	 PROXY_OK,
	 "127.0.0.9:50006 127.0.0.1:7005 crc authority=app.test alpn=h2 "
	 "id=7F000009:C356_6B0283E5 ssl=7/0 TLSv1.3 TLS_AES_256_GCM_SHA384 client.test",
	 0},
	{"haproxy send-proxy-v2, all options, v6",
	 B(SIG "!!\0\x92\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xc3W"
	       "\x1b^\x03\0\x04\xb4"
	       "a\xfc\x9e\x02\0\x08"
	       "app.test\x05\0.00000000000000000000000000000001:C357_6B0283E6 \0(\x01\0\0\0\0!\0"
	       "\x07TLSv1.3#\0\x16TLS_AES_256_GCM_SHA384"),
	 PROXY_OK,
	 "[::1]:50007 [::1]:7006 crc authority=app.test "
	 "id=00000000000000000000000000000001:C357_6B0283E6 ssl=1/0 TLSv1.3 "
	 "TLS_AES_256_GCM_SHA384",
	 0},
	{"haproxy send-proxy-v2, unix", B(SIG " \0\0\x07\x03\0\x04\xa9\xb8~\x8f"), PROXY_OK, "-",
	 0},

	/* no header */
	{"nothing", B(""), PROXY_MORE, "", 0},
	{"TLS", B("\x16\3\1\2\0"), PROXY_NONE, "", 1},
	{"HTTP POST", B("POST / HTTP/1.1"), PROXY_NONE, "", 2},
	{"PROXX", B("PROXX TCP4"), PROXY_NONE, "", 5},
	{"proxy in lower case", B("proxy TCP4"), PROXY_NONE, "", 1},
	{"blank lines", B("\r\n\r\n\r\n\r\nGET /"), PROXY_NONE, "", 5},
	{"v2's signature but its last byte", B("\r\n\r\n\0\r\nQUIT\r "), PROXY_NONE, "", 12},

	/* v1 */
	{"v1 v4", B("PROXY TCP4 192.0.2.1 198.51.100.2 50001 443\r\n"), PROXY_OK, V4_TEXT, 0},
	{"v1 v6", B("PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 50001 443\r\n"), PROXY_OK, V6_TEXT,
	 0},
	{"v1 v6, mapped", B("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 50001 443\r\n"), PROXY_OK,
	 V4_TEXT, 0},
	{"v1 longest v4", B("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), PROXY_OK,
	 "255.255.255.255:65535 255.255.255.255:65535", 0},
	{"v1 longest v6",
	 B("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	 PROXY_OK,
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 "
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	 0},
	{"v1 ports 0", B("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), PROXY_OK, "0.0.0.0:0 0.0.0.0:0", 0},
	{"v1 unknown, 107 bytes",
	 B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	 PROXY_OK, "-", 0},
	{"v1 unknown, 108 bytes",
	 B("PROXY UNKNOWN  ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	 PROXY_BAD, "", 106},
	{"v1 unknown, a space", B("PROXY UNKNOWN \r\n"), PROXY_OK, "-", 0},
	{"v1 unknown, anything", B("PROXY UNKNOWN \0\xff TCP4 1.2.3.4 \t\r\n"), PROXY_OK, "-", 0},
	{"v1 unknown, no space", B("PROXY UNKNOWNS\r\n"), PROXY_BAD, "", 14},
	{"v1 unknown, LF", B("PROXY UNKNOWN\n"), PROXY_BAD, "", 0},
	{"v1 unknown, CR", B("PROXY UNKNOWN\rx\r\n"), PROXY_BAD, "", 15},
	{"v1 unknown, CR CR LF", B("PROXY UNKNOWN\r\r\n"), PROXY_BAD, "", 15},
	{"v1 unknown, LF on the way", B("PROXY UNKNOWN a\nb\r\n"), PROXY_BAD, "", 16},
	{"v1 no end", B("PROXY TCP4 " FIFTY FIFTY), PROXY_BAD, "", 106},
	{"v1 nothing but PROXY", B("PROXY\r\n"), PROXY_BAD, "", 6},
	{"v1 no kind", B("PROXY \r\n"), PROXY_BAD, "", 7},
	{"v1 tab", B("PROXY\tTCP4 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 6},
	{"v1 two spaces", B("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 7},
	{"v1 lower case", B("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 7},
	{"v1 UDP4", B("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 8},
	{"v1 TCP5", B("PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 10},
	{"v1 TCP4 without more", B("PROXY TCP4\r\n"), PROXY_BAD, "", 11},
	{"v1 TCP4 and a space", B("PROXY TCP4 \r\n"), PROXY_BAD, "", 0},
	{"v1 LF", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n"), PROXY_BAD, "", 0},
	{"v1 CR", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n"), PROXY_BAD, "", 32},
	{"v1 a byte of no address", B("PROXY TCP4 1.2.3.4g"), PROXY_BAD, "", 0},
	{"v1 NUL", B("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 19},
	{"v1 two spaces between", B("PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 a space in front", B("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 a space behind", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n"), PROXY_BAD, "", 0},
	{"v1 a port too few", B("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), PROXY_BAD, "", 0},
	{"v1 a port too many", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 an address too few", B("PROXY TCP4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6 in TCP4", B("PROXY TCP4 ::1 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v4 in TCP6", B("PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 one of each", B("PROXY TCP6 ::1 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 leading zero, address", B("PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 leading zero, port", B("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n"), PROXY_BAD, "", 0},
	{"v1 zero twice, port", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r\n"), PROXY_BAD, "", 0},
	{"v1 port 65536", B("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n"), PROXY_BAD, "", 0},
	{"v1 port of 6 digits", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 100000\r\n"), PROXY_BAD, "", 0},
	{"v1 port in hexadecimal", B("PROXY TCP4 1.2.3.4 1.2.3.4 1 ff\r\n"), PROXY_BAD, "", 0},
	{"v1 port, minus", B("PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n"), PROXY_BAD, "", 28},
	{"v1 octet 256", B("PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 three octets", B("PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 five octets", B("PROXY TCP4 1.2.3.4.5 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 a number", B("PROXY TCP4 16909060 1.2.3.4 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, five digits", B("PROXY TCP6 2001:0db8::00001 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, nine groups", B("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, seven groups", B("PROXY TCP6 1:2:3:4:5:6:7 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, :: twice", B("PROXY TCP6 1::2::3 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, :::", B("PROXY TCP6 1:::2 ::1 1 1\r\n"), PROXY_BAD, "", 0},
	{"v1 v6, brackets", B("PROXY TCP6 [::1] ::1 1 1\r\n"), PROXY_BAD, "", 12},
	{"v1 v6, zone", B("PROXY TCP6 fe80::1%lo ::1 1 1\r\n"), PROXY_BAD, "", 19},

	/* v2: version, command, family, transport, length */
	{"v2 v4", B(SIG "\x21\x11\0\14" V4), PROXY_OK, V4_TEXT, 0},
	{"v2 v6", B(SIG "\x21\x21\0\44" V6), PROXY_OK, V6_TEXT, 0},
	{"v2 v6, one side mapped",
	 B(SIG "\x21\x21\0\44" DB8_1 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" PORTS), PROXY_OK,
	 "[2001:db8::1]:50001 192.0.2.1:443", 0},
	{"v2 version 1", B(SIG "\x11\x11\0\14" V4), PROXY_BAD, "", 13},
	{"v2 version 3", B(SIG "\x31\x11\0\14" V4), PROXY_BAD, "", 13},
	{"v2 command 2", B(SIG "\x22\x11\0\14" V4), PROXY_BAD, "", 13},
	{"v2 command 15", B(SIG "\x2f\x11\0\14" V4), PROXY_BAD, "", 13},
	{"v2 family 4", B(SIG "\x21\x41\0\14" V4), PROXY_BAD, "", 14},
	{"v2 transport 3", B(SIG "\x21\x13\0\14" V4), PROXY_BAD, "", 14},
	{"v2 UDP over v4", B(SIG "\x21\x12\0\14" V4), PROXY_OK, "-", 0},
	{"v2 UDP over v6", B(SIG "\x21\x22\0\44" V6), PROXY_OK, "-", 0},
	{"v2 unix stream",
	 B(SIG "\x21\x31\0\xdf" FIFTY FIFTY FIFTY FIFTY "0123456789abcdef\2\0\4name"), PROXY_OK,
	 "- authority=name", 0},
	{"v2 unix datagram", B(SIG "\x21\x32\0\xd8" FIFTY FIFTY FIFTY FIFTY "0123456789abcdef"),
	 PROXY_OK, "-", 0},
	{"v2 unspec", B(SIG "\x21\0\0\0"), PROXY_OK, "-", 0},
	{"v2 unspec, TLV", B(SIG "\x21\0\0\7\2\0\4name"), PROXY_OK, "- authority=name", 0},
	{"v2 unspec, anything", B(SIG "\x21\0\0\7abcdefg"), PROXY_OK, "-", 0},
	{"v2 unspec, stream", B(SIG "\x21\1\0\2ab"), PROXY_OK, "-", 0},
	{"v2 v4, unspec transport", B(SIG "\x21\x10\0\2ab"), PROXY_OK, "-", 0},
	{"v2 local", B(SIG "\x20\0\0\0"), PROXY_OK, "-", 0},
	{"v2 local with addresses", B(SIG "\x20\x11\0\14" V4), PROXY_OK, "-", 0},
	{"v2 local, no such family", B(SIG "\x20\xff\0\3abc"), PROXY_OK, "-", 0},
	{"v2 length 0", B(SIG "\x21\x11\0\0"), PROXY_BAD, "", 16},
	{"v2 v4 length 11", B(SIG "\x21\x11\0\13" V4), PROXY_BAD, "", 16},
	{"v2 v6 length 35", B(SIG "\x21\x21\0\43" V6), PROXY_BAD, "", 16},
	{"v2 v6 length 12", B(SIG "\x21\x21\0\14" V4), PROXY_BAD, "", 16},
	{"v2 unix length 215", B(SIG "\x21\x31\0\xd7"), PROXY_BAD, "", 16},
	{"v2 never ends", B(SIG "\x21\x11\xff\xff" V4), PROXY_MORE, "", 0},

	/* v2: TLVs */
	{"no TLV, two bytes", B(SIG "\x21\x11\0\16" V4 "\4\0"), PROXY_BAD, "", 0},
	{"TLV one too long", B(SIG "\x21\x11\0\20" V4 "\4\0\2a"), PROXY_BAD, "", 0},
	{"TLV far too long",
	 B(SIG "\x21\x11\0\20" V4 "\4\xff\xff"
	       "a"),
	 PROXY_BAD, "", 0},
	{"TLV with a byte behind", B(SIG "\x21\x11\0\21" V4 "\4\0\1ab"), PROXY_BAD, "", 0},
	{"noop", B(SIG "\x21\x11\0\17" V4 "\4\0\0"), PROXY_OK, V4_TEXT, 0},
	{"noops", B(SIG "\x21\x11\0\24" V4 "\4\0\0\4\0\2xx"), PROXY_OK, V4_TEXT, 0},
	{"unknown, custom, experimental, future",
	 B(SIG "\x21\x11\0\35" V4 "\x99\0\1a\xea\0\1b\xf0\0\1c\xff\0\2de"), PROXY_OK, V4_TEXT, 0},
	{"all texts", B(SIG "\x21\x11\0\36" V4 "\1\0\2h2\2\0\4name\5\0\3uid"), PROXY_OK,
	 V4_TEXT " authority=name alpn=h2 id=uid", 0},
	{"empty authority", B(SIG "\x21\x11\0\17" V4 "\2\0\0"), PROXY_OK, V4_TEXT " authority=", 0},
	{"authority twice", B(SIG "\x21\x11\0\24" V4 "\2\0\1a\2\0\1b"), PROXY_OK,
	 V4_TEXT " authority=a", 0},
	{"unique id of 128",
	 B(SIG "\x21\x11\0\x8f" V4 "\5\0\x80" FIFTY FIFTY "0123456789012345678901234567"), PROXY_OK,
	 V4_TEXT " id=" FIFTY FIFTY "0123456789012345678901234567", 0},
	{"unique id of 129",
	 B(SIG "\x21\x11\0\x90" V4 "\5\0\x81" FIFTY FIFTY "01234567890123456789012345678"),
	 PROXY_BAD, "", 0},
	{"ssl", B(SIG "\x21\x11\0\27" V4 "\x20\0\10\5\0\0\1\2\x21\0\0"), PROXY_OK,
	 V4_TEXT " ssl=5/258 ", 0},
	{"ssl, no TLV", B(SIG "\x21\x11\0\24" V4 "\x20\0\5\1\0\0\0\1"), PROXY_OK,
	 V4_TEXT " ssl=1/1 ", 0},
	{"ssl, algorithms", B(SIG "\x21\x11\0\34" V4 "\x20\0\15\1\0\0\0\1\x24\0\1S\x25\0\1K"),
	 PROXY_OK, V4_TEXT " ssl=1/1 ", 0},
	{"ssl too short", B(SIG "\x21\x11\0\23" V4 "\x20\0\4\1\0\0\0"), PROXY_BAD, "", 0},
	{"ssl, TLV too long", B(SIG "\x21\x11\0\33" V4 "\x20\0\11\1\0\0\0\1\x21\0\2a\4\0\0"),
	 PROXY_BAD, "", 0},
	{"ssl, half a TLV", B(SIG "\x21\x11\0\26" V4 "\x20\0\7\1\0\0\0\1\x21\0"), PROXY_BAD, "", 0},
	{"crc right", B(SIG "\x21\x11\0\23" V4 "\3\0\4\x63\xa2\x7c\x14"), PROXY_OK, V4_TEXT " crc",
	 0},
	{"crc wrong", B(SIG "\x21\x11\0\23" V4 "\3\0\4\x63\xa2\x7c\x15"), PROXY_BAD, "", 0},
	{"crc zero", B(SIG "\x21\x11\0\23" V4 "\3\0\4\0\0\0\0"), PROXY_BAD, "", 0},
	{"crc of 3 bytes", B(SIG "\x21\x11\0\22" V4 "\3\0\3\0\0\0"), PROXY_BAD, "", 0},
	{"crc of 5 bytes", B(SIG "\x21\x11\0\24" V4 "\3\0\5\0\0\0\0\0"), PROXY_BAD, "", 0},
	{"crc twice, each right",
	 B(SIG "\x21\x11\0\32" V4 "\3\0\4\x3d\x20\x6a\x21\3\0\4\x43\x3c\xc8\x64"), PROXY_BAD, "",
	 0},
	{"crc wrong, unspec", B(SIG "\x21\0\0\7\3\0\4\0\0\0\0"), PROXY_BAD, "", 0},
	{"crc wrong, local: the block is skipped", B(SIG "\x20\0\0\7\3\0\4\0\0\0\0"), PROXY_OK, "-",
	 0},
};

#endif
