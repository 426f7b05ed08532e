# passthrough/full_flows_lose_nothing.sh - When warm upstreams have taken every place in `flows`, connections are carried by user space and counted, and lose no byte; with room again the kernel carries them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=lo
# Timeout: 300
# Alone: thousands of warm connections
. "$LIB"
need jq python3
ulimit -n 15000 2>/dev/null || skip "no 15000 file descriptors"
sysctl -q -w net.ipv4.ip_local_port_range="2000 65000" net.ipv4.tcp_tw_reuse=1 2>/dev/null || true
start_upstream stream 9000
names=400
# an upstream that says a byte to each hello and keeps what is silent
in_upstream_exec python3 - 2>"$TMP/many.log" <<-'PY' &
	import selectors, socket
	at, l = selectors.DefaultSelector(), socket.create_server(("127.0.0.1", 9001), backlog=4000)
	l.setblocking(False)
	at.register(l, selectors.EVENT_READ)
	while True:
	    for key, _ in at.select():
	        try:
	            if key.fileobj is l:
	                s, _ = l.accept()
	                s.setblocking(False)
	                at.register(s, selectors.EVENT_READ)
	                continue
	            s = key.fileobj
	            if s.recv(4096):
	                s.send(b"y")
	                continue
	        except BlockingIOError:
	            continue
	        except OSError:
	            pass
	        at.unregister(s)
	        s.close()
PY
wait_for 30 listening 9001
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}, $(seq -f "{url: 'tls://n%g.test', upstream: '$UP:9001'}" -s ', ' 1 $names)]
	limits: {connections: 100}
	pool: {max_idle: 64, max_age: 600s}
CONF
full() { cli --json status | jq '.counters[] | select(.name == "full_flows").value'; }
stream app.test --polite --up 100k --down 100k --seed 1
event_is 1 datapath=kernel
same "full at first" "$(full)" 0
# bursts on one name after the other: each then has warm ones for the next burst
warmed=0
for ((n = 1; n <= names && $(full) == 0; n += 20)); do
	python3 - $n $((n + 19)) <<-'PY' || fail "the clients"
		import socket, ssl, sys
		for n in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
		    out = ssl.MemoryBIO()
		    try:
		        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=f"n{n}.test").do_handshake()
		    except ssl.SSLWantReadError:
		        hello = out.read()
		    all = [socket.create_connection(("127.0.0.1", 443), timeout=60) for _ in range(50)]
		    for s in all:
		        s.sendall(hello)
		    for s in all:
		        assert s.recv(1) == b"y"
		    for s in all:
		        s.close()
	PY
	warmed=$((n + 19))
done
[ "$(full)" -ge 1 ] || fail "never full: $(cli --json status | jq .pool_idle) are idle"
echo "full with $warmed names, $(cli --json status | jq .pool_idle) idle"
wait_for 30 eval '[ "$(live_conns)" = 0 ]'
# more than the places that were given back by the clients of the last burst
stream app.test --polite --conns 90 --parallel 90 --up 300k --down 300k --read-rate 600 --server-read-rate 600 --timeout 60 --seed 2
wait_for 10 eval '[ "$(grep -c "\"server_name\":\"app.test\"" "$EVENTS")" = 91 ]'
[ "$(grep '"server_name":"app.test"' "$EVENTS" | tail -n 90 | grep -vc '"datapath":"kernel"')" -ge 20 ] ||
	fail "$(grep app.test "$EVENTS" | tail -n 90 | jq -r .object.datapath | sort | uniq -c | xargs)"
sed -i "s/^endpoints:.*/endpoints: [{url: 'tls:\/\/back.test', upstream: '$UP:9000'}]/" "$TMP/snisplitd.yml"
kill -HUP "$DAEMON"
wait_for 60 eval '[ "$(cli --json status | jq .pool_idle)" = 0 ]'
for i in 3 4 5; do
	stream back.test --polite --up 100k --down 100k --seed "$i"
done
wait_for 30 eval '[ "$(tail -n 3 "$EVENTS" | grep -c "\"datapath\":\"kernel\"")" = 3 ]'
