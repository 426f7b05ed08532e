# upgrade/each_descriptor_is_closed_once.sh - No daemon closes a number that is not its any more: it could be another connection's by then, whose bytes went astray (the API's socket was closed twice after an upgrade).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq cc
cat >"$TMP/once.c" <<'C'
/* close() that notes what was not open. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int close(int fd)
{
	static const char line[] = "closed twice\n";
	long r = syscall(SYS_close, fd);
	int err = errno, out;
	if (r < 0 && err == EBADF && fd >= 0 && getenv("TWICE")) {
		out = open(getenv("TWICE"), O_WRONLY | O_APPEND | O_CLOEXEC);
		if (write(out, line, strlen(line)) < 0)
			abort();
		syscall(SYS_close, out);
	}
	errno = err;
	return (int)r;
}
C
cc -shared -fPIC -O1 -o "$TMP/once.so" "$TMP/once.c"
mkdir -p "$TMP/state" && : >"$TMP/state/twice" # (where the daemon may write)
start_upstream stream 9000
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/once.so" TWICE="$TMP/state/twice" <<-CONF
	http: 127.0.0.1:4041
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
stream app.test --up 2m --down 2m --conns 20 --parallel 20 --read-rate 1000 --server-read-rate 1000 --timeout 60 &
client=$!
wait_for eval '[ "$(live_conns)" = 20 ]'
for i in 1 2; do
	upgrade || fail "upgrade $i: $(cat "$TMP/upgrade.log")"
	same "the page" "$(fetch python.test)" "hello from python"
	grep -c once.so "/proc/$DAEMON/maps" >/dev/null || fail "the new daemon is not looked at"
done
wait "$client" || fail "a stream was cut: $(cat "$TMP/stream.log")"
wait_for eval '[ "$(live_conns)" = 0 ]'
wait_for is_gone "$OLD"
stop_upgraded
same "numbers closed twice" "$(wc -l <"$TMP/state/twice")" 0
