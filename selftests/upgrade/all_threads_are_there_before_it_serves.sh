# upgrade/all_threads_are_there_before_it_serves.sh - A new daemon that cannot make the last of its threads is refused before it has touched a connection: streams go on with the old one, whose pins stay.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq cc
cat >"$TMP/few.c" <<'C'
/* pthread_create() that fails once, after as many times as the file says; none there: never. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static int left = -1;
__attribute__((constructor)) static void begin(void)
{
	FILE *f = fopen(getenv("FEW"), "r");
	if (f && fscanf(f, "%d", &left) != 1)
		left = -1;
	if (f)
		fclose(f);
}
int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	if (left >= 0 && !left--)
		return EAGAIN;
	return real(t, a, fn, arg);
}
C
cc -shared -fPIC -O1 -o "$TMP/few.so" "$TMP/few.c" -ldl
start_upstream stream 9000
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/few.so" FEW="$TMP/few" <<-CONF
	workers: 1
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
pins() { find "$PINS" -type f 2>/dev/null | sort || true; }
pins=$(pins)
stream app.test --up 2m --down 2m --conns 20 --parallel 20 --read-rate 150 --server-read-rate 150 --timeout 90 &
client=$!
wait_for eval '[ "$(live_conns)" = 20 ]'
first=$DAEMON refused=0
# (before these, in the self-test and elsewhere, it is refused long before it matters)
for ((n = $([ "$DATAPATH" = kernel ] && echo 6 || echo 4); n < 30; n++)); do
	echo "$n" >"$TMP/few"
	if upgrade; then break; fi
	same "what it says" "$(tail -n 1 "$TMP/upgrade.log" | grep -c "pid $OLD goes on")" 1
	DAEMON=$OLD refused=$((refused + 1))
	same "the page, when it may have $n" "$(fetch python.test)" "hello from python"
	same "pins" "$(pins)" "$pins"
done
echo "refused $refused times"
[ "$DAEMON" != "$first" ] || fail "refused $refused times: $(cat "$TMP/upgrade.log")"
for thread in "worker 0:" tunnel:; do # of those that it makes when it has the connections already
	same "refused for $thread" "$(grep -c "$thread" "$TMP/upgrade.log")" 1
done
same "the page, at last" "$(fetch python.test)" "hello from python"
wait "$client" || fail "a stream was cut: $(cat "$TMP/stream.log")"
wait_for eval '[ "$(live_conns)" = 0 ]'
stop_upgraded
