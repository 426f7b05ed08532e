# start/watchdog_is_told_while_all_turn.sh - The service manager hears that we live as long as main, every worker and the tunnel turn, not when one of them does not, and in a reload or an upgrade that takes longer than it waits.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 240
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need python3 jq
start_upstream python 9001
# the service manager's end: what it is told, and by whom
python3 - "$TMP/notify.sock" >"$TMP/told" <<-'PY' &
	import socket, struct, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	s.bind(sys.argv[1])
	s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
	while True:
	    data, ancillary, _, _ = s.recvmsg(4096, 1024)
	    pid = struct.unpack("iII", ancillary[0][2])[0]
	    print(pid, data.decode(), flush=True)
PY
wait_for [ -S "$TMP/notify.sock" ]
# a name server that never answers
mkdir "$TMP/etc" && cp -a /etc/. "$TMP/etc/" 2>/dev/null || true
printf 'nameserver 127.0.0.1\noptions timeout:4 attempts:1\n' >"$TMP/resolv.conf"
printf 'hosts: files dns\n' >"$TMP/nsswitch.conf"
for f in resolv.conf nsswitch.conf; do
	[ ! -e /etc/$f ] || mount --bind "$TMP/$f" "$(realpath -m /etc/$f)"
done
python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("there", flush=True)
time.sleep(1000)' >"$TMP/dns" &
wait_for grep -q there "$TMP/dns"

told() { grep -c "^$DAEMON $1" "$TMP/told" || true; } # MESSAGE: how often DAEMON has said it
has_told() { [ "$(told "$1")" -ge "$2" ]; }
# Does it say so in the next three periods (of half a second each)?
is_told() { local n; n=$(told WATCHDOG=1) && sleep 1.7 && [ "$(told WATCHDOG=1)" -gt "$n" ]; }

configure <<-CONF
	workers: 2
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints:
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
start_again env NOTIFY_SOCKET="$TMP/notify.sock" WATCHDOG_USEC=1000000
wait_for has_told READY=1 1
wait_for has_told WATCHDOG=1 3

if [ "$(uname -m)" = x86_64 ]; then
	n=0
	has_logged() { [ "$(grep -c 'does not turn any more' "$TMP/snisplitd.log")" = "$2" ] && grep -q "$1" "$TMP/snisplitd.log"; }
	for thread in snisplitd "worker 0" "worker 1" tunnel; do
		mkfifo "$TMP/hold"
		python3 "$LIB_DIR/fixtures/in_thread.py" "$DAEMON" "$thread" hold <"$TMP/hold" >"$TMP/held" &
		holder=$!
		exec 7>"$TMP/hold"
		wait_for grep -q held "$TMP/held"
		case $thread in
		snisplitd) who='the main thread' ;;
		worker*) who='a worker' ;;
		*) who='the tunnel' ;;
		esac
		wait_for has_logged "$who does not turn any more" $((++n))
		refuse is_told
		exec 7>&-
		wait "$holder"
		rm "$TMP/hold"
		wait_for is_told
	done
fi

# a reload that waits for a name server: longer than the service manager would have waited
for n in 1 2; do echo "  - {url: \"tls://n$n.test\", upstream: \"n$n.nowhere.test:1\"}" >>"$TMP/snisplitd.yml"; done
ready=$(told READY=1) before=$(told WATCHDOG=1) from=$(date +%s%N)
kill -HUP "$DAEMON"
wait_for 60 has_told READY=1 $((ready + 1))
took=$((($(date +%s%N) - from) / 1000000)) n=$(($(told WATCHDOG=1) - before))
echo "a reload of $took ms: told $n times"
[ $took -ge 3000 ] || fail "the reload took $took ms only: it has not waited for the names"
[ $n -ge $((took / 1000)) ] || fail "told $n times in a reload of $took ms"

# and so an upgrade
before=$(told WATCHDOG=1) from=$(date +%s%N)
upgrade || fail "$(cat "$TMP/upgrade.log")"
took=$((($(date +%s%N) - from) / 1000000)) n=$(($(grep -c "^$OLD WATCHDOG=1" "$TMP/told") - before))
echo "an upgrade of $took ms: told $n times"
[ $took -ge 3000 ] || fail "the upgrade took $took ms only"
[ $n -ge $((took / 1000)) ] || fail "told $n times in an upgrade of $took ms"
grep -q "^$OLD MAINPID=$DAEMON" "$TMP/told" || fail "the new main process was not told"
# then it is the new one's turn
wait_for has_told WATCHDOG=1 3
same "the page" "$(fetch python.test)" "hello from python"
kill -TERM "$DAEMON"
wait_for has_told STOPPING=1 1
wait_for 30 is_gone "$DAEMON"
DAEMON=''
