# passthrough/end_is_told_at_once.sh - A client of an edge that has nothing else to do hears of its upstream's end at once.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need python3
in_upstream_exec python3 - "$(unbracket "$UP")" <<-'PY' &
	import socket, sys, threading
	def serve(s):
	    f = s.makefile("rb")
	    head = f.read(5)
	    f.read(int.from_bytes(head[3:], "big"))
	    s.sendall(b"hello")
	    f.read(1)
	    s.sendall(b"bye")
	    f.close()
	    s.close()
	l = socket.create_server((sys.argv[1], 9000), backlog=100)
	while True:
	    threading.Thread(target=serve, args=[l.accept()[0]], daemon=True).start()
PY
wait_for listening 9000 in_upstream
# No warm upstreams: their clock would wake the worker.
start_snisplitd <<-CONF
	pool: {max_idle: 0}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
ms=$(in_client python3 - "$EDGE" <<-'PY'
	import socket, ssl, sys, time
	out = ssl.MemoryBIO()
	try:
	    ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="app.test").do_handshake()
	except ssl.SSLWantReadError:
	    pass
	hello = out.read()
	times = []
	for i in range(15):
	    s = socket.create_connection((sys.argv[1], 443), 10)
	    s.sendall(hello)
	    assert s.recv(5) == b"hello"
	    time.sleep(0.03) # the worker sleeps by now
	    t = time.monotonic()
	    s.sendall(b"x")
	    got = b""
	    while (a := s.recv(100)):
	        got += a
	    assert got == b"bye", got
	    times.append(time.monotonic() - t)
	print(int(sorted(times)[7] * 1000))
PY
)
echo "half of the ends took no more than $ms ms"
[ "$ms" -lt 100 ] || fail "half of the ends took $ms ms and more"
