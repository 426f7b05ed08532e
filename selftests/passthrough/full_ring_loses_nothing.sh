# passthrough/full_ring_loses_nothing.sh - While the daemon stands still its rings overflow with connections that begin and end in the kernel; the lost events are counted, and when it goes on it finds every one of them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=lo
# Timeout: 120
. "$LIB"
need jq cc bpftool curl python3
cc -shared -fPIC -O1 -o "$TMP/small.so" "$LIB_DIR/fixtures/small_maps.c" -ldl
# (an upstream that says "yes" to the hello, waits for a byte, says "bye" and ends)
in_upstream_exec python3 - <<-'PY' &
	import asyncio
	async def serve(r, w):
	    if await r.read(4096):
	        w.write(b"yes")
	        if await r.read(1):
	            w.write(b"bye")
	    w.close()
	async def main():
	    async with await asyncio.start_server(serve, "127.0.0.1", 9000, backlog=1000) as s:
	        await s.serve_forever()
	asyncio.run(main())
PY
wait_for 30 listening 9000
# (names enough: each keeps one warm upstream, however busy this machine is)
start_snisplitd env LD_PRELOAD="$TMP/small.so" SMALL_MAPS="events=4096" <<-CONF
	endpoints: [$(for i in {1..20}; do printf '{url: "tls://n%d.test", upstream: "%s:9000"}, ' "$i" "$UP"; done)]
	workers: 1
	http: "127.0.0.1:4041"
	pool: {max_idle: 64, max_age: 300s}
	timeouts: {client_hello: 60s}
CONF
mkfifo "$TMP/go" "$TMP/said"
python3 - >"$TMP/said" 2>"$TMP/clients.log" <<-'PY' 3<"$TMP/go" &
	import os, socket, ssl, struct
	def hello(name):
	    out = ssl.MemoryBIO()
	    try:
	        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
	    except ssl.SSLWantReadError:
	        return out.read()
	def connect(n):
	    return [socket.create_connection(("127.0.0.1", 443), timeout=30) for _ in range(n)]
	def say(what):
	    print(what, flush=True)
	def wait():
	    os.read(3, 1)
	texts = [hello(f"n{i}.test") for i in range(1, 21)]
	old = connect(200)
	for i, s in enumerate(old):
	    s.sendall(texts[i % 20])
	for s in old:
	    assert s.recv(3, socket.MSG_WAITALL) == b"yes"
	fresh = connect(20)       # accepted, but silent so far
	say("ready")
	wait()                    # the daemon stands still now
	for i, s in enumerate(fresh):
	    s.sendall(texts[i])
	    assert s.recv(3, socket.MSG_WAITALL) == b"yes", "not begun by the program"
	for i, s in enumerate(old):
	    s.sendall(b"x")
	    assert s.recv(3, socket.MSG_WAITALL) == b"bye"
	    if i % 2:
	        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	        s.close()
	    else:
	        s.shutdown(socket.SHUT_WR)
	say("begun")
	wait()                    # it goes on
	for s in old[::2]:
	    assert s.recv(1) == b"", "no end"
	for s in fresh:
	    s.sendall(b"x")
	    assert s.recv(4, socket.MSG_WAITALL) == b"bye", "no bye"
	    s.close()
	say("done")
PY
clients=$!
exec 5<"$TMP/said" 4>"$TMP/go"
heard() { read -r -t 60 line <&5 || fail "the clients ended: $(tail -n 1 "$TMP/clients.log")"; }
heard
same "clients" "$line" ready
warm() { [ "$(curl -sS http://127.0.0.1:4041/metrics | grep -c '^snisplit_pool_idle{.*} [1-9]')" = 20 ]; }
wait_for 30 warm
before=$(counter event_lost)
kill -STOP "$DAEMON"
printf x >&4
heard
same "clients" "$line" begun
lost=$(($(counter event_lost) - before))
[ "$lost" -ge 100 ] || fail "the ring was not full: $lost lost"
kill -CONT "$DAEMON"
printf x >&4
heard
same "clients" "$line" "done"
wait $clients || fail "clients: $(cat "$TMP/clients.log")"
wait_for eval '[ "$(live_conns)" = 0 ]'
wait_for has_events 220
same "reasons" "$(jq -r .object.close_reason "$EVENTS" | sed 's/^.*_fin$/fin/' | sort | uniq -c | xargs)" "100 client_rst 120 fin"
same "each has its own" "$(jq -r .object.connection_id "$EVENTS" | sort -u | wc -l)" 220
swept=$(cli --json status | jq '.counters[] | select(.name == "swept").value')
[ "$swept" -ge 100 ] || fail "only $swept were found by a sweep"
echo "$lost events lost, $swept connections swept"
