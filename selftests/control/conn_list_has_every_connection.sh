# control/conn_list_has_every_connection.sh - Thousands of live connections are listed, each once, while others come and go; the list by endpoint has its own only.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq python3
start_upstream stream 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://many.test", upstream: "$UP:9100"}, {url: "tls://other.test", upstream: "$UP:9000"}]
CONF
# a server that keeps what it accepts, and 2500 clients that say hello and stay
cat >"$TMP/hold.py" <<-'PY'
	import resource, socket, ssl, sys, threading, time
	resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
	listener = socket.create_server(("127.0.0.1", 9100), backlog=4096)
	kept = []
	threading.Thread(target=lambda: [kept.append(listener.accept()) for _ in range(1 << 30)], daemon=True).start()
	hello = ssl.MemoryBIO()
	tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="many.test")
	try:
	    tls.do_handshake()
	except ssl.SSLWantReadError:
	    pass
	hello = hello.read()
	for _ in range(2500):
	    s = socket.create_connection((sys.argv[1], 443))
	    s.sendall(hello)
	    kept.append(s)
	time.sleep(100)
PY
python3 "$TMP/hold.py" "$(unbracket "$EDGE")" &
MANY=$!
many() { cli --json conn list --endpoint many.test | jq '.connections | length'; }
is_there() { [ "$(many)" = 2500 ]; }
wait_for 30 is_there
(for i in 1 2 3 4 5; do "$HELPERS/stream" client --connect "$EDGE:443" --name other.test --conns 200 --parallel 20 --up 1k --down 1k \
	--seed "$((i * 10000))" --report "$TMP/other.report" >/dev/null 2>&1 || true; done) &
OTHERS=$!
for i in 1 2 3; do
	cli --json conn list >"$TMP/list"
	same "of many.test" "$(jq '[.connections[] | select(.server_name == "many.test") | .id] | unique | length' "$TMP/list")" 2500
	same "listed twice" "$(jq '[.connections[].id] | length - (unique | length)' "$TMP/list")" 0
done
wait $OTHERS
same "of many.test" "$(many)" 2500
kill $MANY
wait_for eval '[ "$(live_conns)" = 0 ]'
