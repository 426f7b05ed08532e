# passthrough/small_writes_do_not_wait.sh - Single bytes are not held back for a delayed ACK, even in pairs: no round trip takes 40 ms.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth
. "$LIB"
need python3
in_upstream_exec python3 - "$(unbracket "$UP")" <<-'PY' &
	import socket, sys, threading
	def serve(s):
	    f = s.makefile("rb")
	    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
	    head = f.read(5)
	    f.read(int.from_bytes(head[3:], "big"))
	    while (a := f.read(2)):
	        s.sendall(a[:1])
	        s.sendall(a[1:])
	l = socket.create_server((sys.argv[1], 9000), backlog=100)
	while True:
	    threading.Thread(target=serve, args=[l.accept()[0]], daemon=True).start()
PY
wait_for listening 9000 in_upstream
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
for start in cold warm warm; do
	us=$(in_client python3 - "$EDGE" <<-'PY'
		import socket, ssl, sys, time
		out = ssl.MemoryBIO()
		try:
		    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="app.test").do_handshake()
		except ssl.SSLWantReadError:
		    pass
		s = socket.create_connection((sys.argv[1], 443), 10)
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		s.sendall(out.read())
		times = []
		for i in range(100):
		    t = time.monotonic()
		    s.sendall(b"x")
		    s.sendall(b"y")
		    got = s.recv(1) + s.recv(1)
		    assert got == b"xy", got
		    times.append(time.monotonic() - t)
		print(int(sorted(times)[80] * 1e6))
	PY
	)
	echo "$start: 80% of the round trips took up to $us us"
	[ "$us" -lt 20000 ] || fail "$start: 80% of the round trips took up to $us us"
done
