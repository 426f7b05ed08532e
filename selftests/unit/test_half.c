// SPDX-License-Identifier: GPL-2.0-only
/* half - what was relayed to an upstream that died goes to the next one, once, although the kernel
 * has passed more by then.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi.h"
#include "half.h"
#include "unit.h"

/* A connection over loopback: <ret_ours> and the other side. */
static int connected(int *ret_ours)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sa);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(l, (struct sockaddr *)&sa, len) || listen(l, 1) ||
	    getsockname(l, (struct sockaddr *)&sa, &len) || connect(c, (struct sockaddr *)&sa, len))
		exit(2);
	*ret_ours = accept(l, NULL, NULL);
	close(l);
	return c;
}

/* All <n> bytes are there. */
static void arrived(int fd, size_t n)
{
	char buf[4096];

	CHECK(recv(fd, buf, n, MSG_PEEK | MSG_WAITALL) == (ssize_t)n, "%zu", n);
}

int main(void)
{
	struct pump p = {.buf = malloc(65536), .size = 65536, .soft = 65536};
	struct flow up = {.cookie = 1}, down = {.cookie = 2};
	struct end client = {.fd = -1}, upstream = {.fd = -1};
	int ours, peer, served;
	char got[300] = "", want[300];
	struct half h;

	memset(want, 'a', 100);
	memset(want + 100, 'b', 200);
	peer = connected(&ours);
	end_init(&client, ours);
	client.flow = &up;
	served = connected(&ours);
	end_init(&upstream, ours);
	upstream.flow = &down;
	half_init(&h, &client, &upstream);
	h.mover = MOVER_KERNEL;
	half_keep(&h);

	/* the program has passed 300 bytes, of which 100 are in the socket so far */
	up.passed = 300;
	CHECK(write(peer, want, 100) == 100, "client");
	arrived(client.fd, 100);
	CHECK(half_pump(&h, &p) & HALF_WANT_RETRY && h.unread == 100, "unread %u", h.unread);
	arrived(served, 100);
	CHECK(half_take_back(&h), "refused");
	CHECK(h.pending_len == 100 && !h.unread, "%u, unread %u", h.pending_len, h.unread);

	/* another one */
	close(served);
	close(upstream.fd);
	served = connected(&ours);
	end_init(&upstream, ours);
	upstream.flow = &down;
	up.relayed = 0;
	CHECK(write(peer, want + 100, 200) == 200, "client");
	arrived(client.fd, 200);
	half_pump(&h, &p);
	CHECK(recv(served, got, sizeof(got), MSG_WAITALL) == 300, "bytes");
	CHECK(!memcmp(got, want, 300) && up.relayed == 300 && !h.unread, "relayed %llu",
	      (unsigned long long)up.relayed);
	CHECK(recv(served, got, 1, MSG_DONTWAIT) == -1, "more");
	half_done(&h);
	pump_done(&p);
	close(served);
	close(peer);
	close(client.fd);
	close(upstream.fd);
	return failures != 0;
}
