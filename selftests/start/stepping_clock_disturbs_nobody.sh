# start/stepping_clock_disturbs_nobody.sh - When the clock steps by hours, years and back, open streams go on, deadlines stay as long as they are, events say how long things took, and the daemon ends in good order.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 240
. "$LIB"
need cc curl jq pkill python3
# The daemon's clock, off by as many seconds as a shared number says; what never steps is left alone.
cat >"$TMP/step.c" <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *off;
__attribute__((constructor)) static void begin(void)
{
	void *p = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, open(getenv("STEP"), O_RDONLY | O_CLOEXEC), 0);
	off = p == MAP_FAILED ? NULL : p;
	unsetenv("LD_PRELOAD");
}
int clock_gettime(clockid_t id, struct timespec *ts)
{
	long ret = syscall(SYS_clock_gettime, id, ts);
	if (!ret && off && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *off;
	return (int)ret;
}
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;
	(void)tz;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
	return 0;
}
time_t time(time_t *ret)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ret ? (*ret = ts.tv_sec) : ts.tv_sec;
}
C
cc -shared -fPIC -O1 -o "$TMP/step.so" "$TMP/step.c"
step() { python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("l", int(sys.argv[1])))' "$1" >"$TMP/now" && dd if="$TMP/now" of="$TMP/step" conv=notrunc status=none; }
truncate -s 8 "$TMP/step"
start_upstream stream 9000
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/step.so" STEP="$TMP/step" <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
	timeouts: {client_hello: 1s}
CONF
begun=$SECONDS
# (more than all buffers hold: they wait until the client reads)
stream app.test --conns 3 --parallel 3 --up 100k --down 60m --hold --timeout 120 &
beside=$!
wait_for eval '[ "$(live_conns)" = 3 ]'
n=0
for off in 3600 -7200 631152000 -631152000 0; do
	step $off
	# silent ones are closed when they should, not at once and not never
	read -r hex end ms <<<"$(say --text '' --limit 20)"
	[ "$hex" = - ] && [ "$end" != open ] && [ "$ms" -ge 700 ] || fail "$off: a silent client: $hex $end after $ms ms"
	event_is $((n += 1)) close_reason=hello_timeout
	same "$off: the page" "$(fetch python.test)" "hello from python"
	event_is $((n += 1)) close_reason='client_fin|upstream_fin|upstream_rst'
	same "$off: open streams" "$(live_conns)" 3
	up=$(cli --json status | jq .uptime_s)
	[ "$up" -ge 0 ] && [ "$up" -le $((SECONDS - begun + 10)) ] || fail "$off: up for $up s"
	cli endpoint add "tls://e$((off < 0 ? -off : off))x$n.test" --upstream "$UP:9001" >/dev/null
	cli reload >/dev/null || fail "$off: reload"
done
pkill -USR1 -x stream # (there are no others: a test has its own pid namespace)
wait $beside || fail "an open stream was hurt: $(cat "$TMP/stream.log")"
wait_for has_events $((n + 3))
# none ends before it began, none took longer than this test has
jq -es --argjson max $((SECONDS - begun + 10)) 'def s: sub("\\.[0-9]+"; "") | fromdate;
	all(.[].object.conn; (.end_ts | s) - (.start_ts | s) | . >= 0 and . <= $max)' "$EVENTS" >/dev/null ||
	fail "$(jq -c '.object.conn | [.start_ts, .end_ts]' "$EVENTS" | head -n 20)"
same "years" "$(jq -r '.event_timestamp[:4]' "$EVENTS" | sort -u | wc -l)" 3
before=$SECONDS
stop_snisplitd
[ $((SECONDS - before)) -le 20 ] || fail "it took $((SECONDS - before)) s to end"
refuse grep -q 'left behind' "$TMP/snisplitd.log"
