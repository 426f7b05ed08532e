# control/conn_kill_resets_both_ends.sh - conn kill ends one connection, endpoint rm --kill all of an endpoint, both with an event that says killed; endpoint rm alone leaves them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq openssl python3
certificate
start_upstream openssl 9000
start_snisplitd <<-CONF
	version: 1
CONF
cli endpoint add app.test --upstream "$UP:9000"
hold() # a TLS client that says nothing, until it is cut
{
	sleep 60 | in_client openssl s_client -quiet -connect "$EDGE:443" -servername app.test >/dev/null 2>&1 &
}
conns() { [ "$(live_conns)" = "$1" ]; }
hold
wait_for conns 1
id=$(cli --json conn list --endpoint app.test | jq -r '.connections[0].id')
cli conn list | grep -q "^$id .* app.test .* open" || fail "$(cli conn list)"
cli conn kill "$id"
event_is 1 connection_id="$id" close_reason=killed
wait_for conns 0
status=0
cli conn kill "$id" 2>"$TMP/err" || status=$?
same "killed twice" "$status $(cat "$TMP/err")" "1 snisplit: no connection '$id'"

hold
hold
wait_for conns 2
endpoint=$(cli --json endpoint get app.test | jq -r .id)
cli endpoint rm app.test
same "live after rm" "$(live_conns)" 2
same "listed by the id that is gone" "$(cli --json conn list --endpoint "$endpoint" | jq '.connections | length')" 2
for i in 0 1; do
	cli conn kill "$(cli --json conn list | jq -r ".connections[0].id")"
	wait_for conns $((1 - i))
done

cli endpoint add app.test --upstream "$UP:9000"
hold
hold
wait_for conns 2
same "rm --kill" "$(cli endpoint rm app.test --kill)" "removed app.test, 2 connections ended"
wait_for has_events 5
same reasons "$(jq -r .object.close_reason "$EVENTS" | sort | uniq -c | xargs)" "5 killed"

# both sockets are reset at once, also with megabytes queued for a reader that does not read
cat >"$TMP/ends.py" <<-'PY'
	import socket, ssl, subprocess, sys, threading, time
	edge, kill = sys.argv[1], sys.argv[2]
	listener = socket.create_server(("127.0.0.1", 9100))
	raw = socket.create_connection((edge, 443))
	ctx = ssl.create_default_context()
	out = ssl.MemoryBIO()
	tls = ctx.wrap_bio(ssl.MemoryBIO(), out, server_hostname="ends.test")
	try:
	    tls.do_handshake()
	except ssl.SSLWantReadError:
	    pass
	raw.sendall(out.read())
	up, _ = listener.accept()
	up.settimeout(5), raw.settimeout(5)
	assert up.recv(65536)[0] == 22
	up.setblocking(False)
	sent = 0
	until = time.time() + 0.5
	while time.time() < until and sent < 64 << 20:  # nobody reads at the client
	    try:
	        sent += up.send(bytes(1 << 20))
	    except BlockingIOError:
	        time.sleep(0.01)
	up.setblocking(True)
	up.settimeout(5)
	subprocess.run(kill, shell=True, check=True)
	ends = []
	for s in (up, raw):
	    try:
	        while s.recv(1 << 20):
	            pass
	        ends.append("fin")
	    except ConnectionResetError:
	        ends.append("rst")
	print(" ".join(ends))
PY
cli endpoint add ends.test --upstream 127.0.0.1:9100 >/dev/null
same "upstream and client end by" "$(python3 "$TMP/ends.py" "$(unbracket "$EDGE")" \
	"'$O/snisplit' --socket '$TMP/control.sock' --json conn list --endpoint ends.test | jq -r '.connections[0].id' | xargs '$O/snisplit' --socket '$TMP/control.sock' conn kill >/dev/null")" "rst rst"
stop_snisplitd
# by SOCK_DESTROY, where the kernel has it
if command -v strace >/dev/null && [ "$(zcat /proc/config.gz 2>/dev/null | grep -c INET_DIAG_DESTROY=y)" = 1 ]; then
	start_again strace -f -qq -e trace=sendto -o "$TMP/strace"
	cli endpoint add app.test --upstream "$UP:9000" >/dev/null
	hold
	wait_for conns 1
	cli endpoint rm app.test --kill
	same "SOCK_DESTROY requests" "$(grep -c 'nlmsg_type=SOCK_DESTROY' "$TMP/strace")" 2
	# shellcheck disable=SC2034 # it was strace's
	DAEMON=''
fi
