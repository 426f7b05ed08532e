# control/half_sent_requests_shut_nobody_out.sh - Clients of the API and of the read-only listener that never finish a request, silent or in drops, and those that follow events, keep nobody out; who is answered, or follows, stays (67 of them filled the control socket).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need python3 jq curl
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
CONF
curl -sSN -D "$TMP/head" --unix-socket "$TMP/control.sock" 'http://x/events?follow=1' >"$TMP/followed" 2>&1 &
follower=$!
wait_for grep -q 200 "$TMP/head"
cat >"$TMP/half.py" <<-'PY'
	import socket, sys, threading, time
	path, kind, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
	starts = {"line": b"GET /stat", "head": b"GET /status HTTP/1.1\r\nHost: x\r\nX: ",
	          "body": b"POST /endpoints HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", "silent": b"",
	          "follow": b"GET /events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n"}
	def connect():
	    if path.startswith("/"):
	        s = socket.socket(socket.AF_UNIX)
	        s.connect(path)
	        return s
	    return socket.create_connection(("127.0.0.1", int(path)), 10)
	held = []
	for i in range(n):
	    held.append(connect())
	    try:
	        held[-1].sendall(starts[kind])
	    except OSError:
	        pass
	print("there", flush=True)
	while True:  # in drops
	    time.sleep(0.5)
	    for s in held:
	        try:
	            s.send(b"x" if kind != "follow" and kind != "silent" else b"")
	        except OSError:
	            pass
PY
# held KIND N [PORT]
held()
{
	: >"$TMP/there"
	python3 "$TMP/half.py" "${3:-$TMP/control.sock}" "$1" "$2" >"$TMP/there" 2>"$TMP/half.log" &
	half=$!
	wait_for grep -q there "$TMP/there"
}
for kind in line head body silent; do
	held $kind 100
	for _ in 1 2 3; do
		timeout 5 "$O/snisplit" --socket "$TMP/control.sock" --json status >"$TMP/out" 2>&1 || fail "$kind: $(cat "$TMP/out")"
	done
	kill "$half"
	held $kind 60 4041
	same "$kind: healthz" "$(curl -sS --max-time 5 http://127.0.0.1:4041/healthz 2>&1)" ok
	kill "$half"
done
kill -0 "$follower" || fail "who follows was closed: $(cat "$TMP/followed")"
held follow 100
timeout 5 "$O/snisplit" --socket "$TMP/control.sock" --json status >"$TMP/out" 2>&1 || fail "followers: $(cat "$TMP/out")"
same "one more" "$(curl -sS --max-time 5 --unix-socket "$TMP/control.sock" 'http://x/events?follow=1' | jq -c '[.status_code, .msg]')" \
	'[503,"32 follow events already; event destinations may be more"]'
kill "$half"
# they are counted off again
follows() { [ "$(curl -sS --max-time 1 -o /dev/null -w '%{http_code}' --unix-socket "$TMP/control.sock" 'http://x/events?follow=1' 2>/dev/null)" = 200 ]; }
wait_for follows
say --name none.test >/dev/null || true
wait_for grep -q unknown_name "$TMP/followed"
