# terminate/ticket_keys_rotate.sh - A session goes on over a change of the ticket key, under the new one from then on; two changes later nothing of the old key is left.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need openssl jq cc
# The daemon's clock, ahead by as many seconds as a shared number says: the period is half a day.
cat >"$TMP/ahead.c" <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
static volatile int *ahead;
__attribute__((constructor)) static void begin(void)
{
	void *p = mmap(NULL, sizeof(int), PROT_READ, MAP_SHARED, open(getenv("AHEAD"), O_RDONLY | O_CLOEXEC), 0);
	ahead = p == MAP_FAILED ? NULL : p;
	unsetenv("LD_PRELOAD");
}
time_t time(time_t *ret)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ahead ? *ahead : 0;
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
C
cc -shared -fPIC -O1 -o "$TMP/ahead.so" "$TMP/ahead.c"
at() # MINUTES after the start
{
	local s=$(($1 * 60)) bytes
	printf -v bytes '\\x%02x' $((s & 255)) $((s >> 8 & 255)) $((s >> 16 & 255)) $((s >> 24))
	printf '%b' "$bytes" | dd of="$TMP/ahead" conv=notrunc status=none
}
truncate -s 4 "$TMP/ahead"
echo "hello from plain" >"$TMP/page"
python3 -m http.server --bind "$UP" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000
certificate
start_snisplitd env LD_PRELOAD="$TMP/ahead.so" AHEAD="$TMP/ahead" <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}]
CONF
shake() # NEW-OR-REUSED S_CLIENT-ARG...
{
	local want=$1
	shift
	printf 'GET /page HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -connect "$EDGE:443" -servername app.test -ign_eof "$@" >"$TMP/said" 2>&1 || true
	grep -q "hello from plain" "$TMP/said" || fail "$*: $(cat "$TMP/said")"
	grep -q "^$want, TLS" "$TMP/said" || fail "not $want: $* $(cat "$TMP/said")"
}
key() # FILE: the ticket's key, by the name that the ticket begins with
{
	openssl sess_id -in "$1" -noout -text | sed -n '/session ticket:/{n;s/^ *0000 - \([0-9a-f -]\{47\}\).*/\1/p;}' | grep .
}
day=0
for v in 1_2 1_3; do
	s=$TMP/$v
	at $day
	shake New "-tls$v" -sess_out "$s.morning"
	at $((day + 719)) # a session is good for two hours, its key for twelve and as long again
	shake New "-tls$v" -sess_out "$s.noon"
	same "one key" "$(key "$s.noon")" "$(key "$s.morning")"
	at $((day + 721))
	shake Reused "-tls$v" -sess_in "$s.noon" -sess_out "$s.after"
	[ $v = 1_3 ] || shake New "-tls$v" -sess_out "$s.after" # s_client keeps no ticket of a session of 1.2 that goes on
	refuse [ "$(key "$s.after")" = "$(key "$s.noon")" ]
	shake Reused "-tls$v" -sess_in "$s.after"
	shake New "-tls$v" -sess_in "$s.morning"
	at $((day + 721 + 720))
	shake New "-tls$v" -sess_in "$s.noon" -sess_out "$s.night"
	for old in noon after; do
		refuse [ "$(key "$s.night")" = "$(key "$s.$old")" ]
	done
	day=$((day + 4 * 720))
done
