# control/followers_get_every_event.sh - events --follow prints each connection as it ends and exits 3 with the daemon; the file is rotated by SIGUSR1; a follower that hangs does not hold up the stop.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq curl python3
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: app.test, upstream: "$UP:9000"}]
CONF
{
	status=0
	cli --json events --follow --since 1h >"$TMP/followed" 2>"$TMP/follow.err" || status=$?
	echo "exit $status" >>"$TMP/follow.err"
} &
curl -sS --limit-rate 1 --unix-socket "$TMP/control.sock" 'http://x/events?follow=1&since=1h' >/dev/null 2>&1 &
slow=$!
# who follows is told that it works before there is anything to tell
python3 - "$TMP/control.sock" >"$TMP/head" <<-'CODE'
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(5)
	s.connect(sys.argv[1])
	s.sendall(b"GET /events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	got = b""
	while b"\r\n\r\n" not in got:
	    got += s.recv(4096)
	print(got.decode().split("\r\n")[0])
CODE
same "before the first event" "$(cat "$TMP/head")" "HTTP/1.1 200 OK"
stream app.test --conns 500 --parallel 20 --up 1k --down 1k
wait_for has_events 500
mv "$EVENTS" "$EVENTS.1"
kill -USR1 "$DAEMON"
wait_for test -f "$EVENTS"
stream app.test --conns 100 --parallel 20 --up 1k --down 1k --seed 7
wait_for has_events 100
followed() { [ "$(wc -l <"$TMP/followed")" = "$1" ]; }
wait_for followed 600
same "lines" "$(sort "$TMP/followed" | md5sum)" "$(sort "$EVENTS.1" "$EVENTS" | md5sum)"
same "lost" "$(cli --json status | jq .events.lost)" 0
before=$SECONDS
stop_snisplitd
[ $((SECONDS - before)) -le 3 ] || fail "the stop took $((SECONDS - before)) s"
wait_for grep -q '^exit 3' "$TMP/follow.err"
kill $slow 2>/dev/null || true
