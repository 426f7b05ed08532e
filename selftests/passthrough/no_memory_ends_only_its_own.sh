# passthrough/no_memory_ends_only_its_own.sh - While one allocation in ten fails, connections may be refused but streams that are open lose nothing, and afterwards all is as before.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 200
. "$LIB"
need jq cc
cat >"$TMP/scarce.c" <<'C'
/* malloc() that fails once in as many times as the shared byte says; 0: never. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
static volatile unsigned char *once_in;
static unsigned calls;
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
__attribute__((constructor)) static void begin(void)
{
	int fd = open(getenv("SCARCE"), O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	once_in = p == MAP_FAILED ? NULL : p;
	unsetenv("LD_PRELOAD");
}
static int none(void)
{
	if (!once_in || !*once_in || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % *once_in)
		return 0;
	errno = ENOMEM;
	return 1;
}
void *malloc(size_t n) { return none() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t m) { return none() ? NULL : __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { return none() ? NULL : __libc_realloc(p, n); }
C
cc -shared -fPIC -O1 -o "$TMP/scarce.so" "$TMP/scarce.c" -ldl
printf '\0' >"$TMP/scarce"
start_upstream stream 9000
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/scarce.so" SCARCE="$TMP/scarce" <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
stream app.test --up 2m --down 2m --read-rate 700 --server-read-rate 700 --conns 10 --parallel 10 --timeout 60 &
client=$!
wait_for eval '[ "$(live_conns)" = 10 ]'
printf '\12' | dd of="$TMP/scarce" conv=notrunc status=none
served=0
for _ in {1..60}; do [ "$(fetch python.test --max-time 3 2>/dev/null)" != "hello from python" ] || served=$((served + 1)); done
printf '\0' | dd of="$TMP/scarce" conv=notrunc status=none
echo "served $served of 60"
wait $client || fail "an open stream was hurt: $(cat "$TMP/stream.log")"
for _ in {1..5}; do same "the page" "$(fetch python.test)" "hello from python"; done
wait_for eval '[ "$(live_conns)" = 0 ]'
cli --json status | jq -c '[.counters[] | select(.value > 0 and (.name | test("failed|internal|enrolled"))) | {(.name): .value}]'
# one that could not even be held is counted apart; an event that could not be written down is lost
same "events and lost ones" "$(($(event_count) + $(cli --json status | jq .events.lost)))" \
	"$(cli --json status | jq '[.counters[] | select(.name == "accepted") | .value] | add')"
stop_snisplitd
