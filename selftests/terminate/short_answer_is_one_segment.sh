# terminate/short_answer_is_one_segment.sh - Ticket, short answer, close_notify and FIN reach the client in one segment behind the handshake's; where no answer comes, the ticket does.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/terminate/lib_terminate.sh"
# (the kernel's TLS would keep a record open)
start_terminator 'tls: {ktls: off}' <<-'PY'
	import socket
	def serve(c):
	    got = c.recv(65536)
	    if got.startswith(b"answer"):
	        c.send(b"x" * 1000, socket.MSG_MORE)  # goes with the FIN
	    elif got:
	        c.recv(1)  # says nothing
	    c.close()
PY
cat >"$TMP/client.py" <<-'PY'
	import socket, ssl, struct, sys
	ctx = ssl.create_default_context(cafile=sys.argv[2])
	def connect():
	    s = socket.create_connection((sys.argv[1], 443), 10)
	    return ctx.wrap_socket(s, server_hostname="app.test")
	def data_segments(c):
	    info = c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
	    return struct.unpack_from("I", info, 152)[0]  # tcpi_data_segs_in
	def exchange():
	    c = connect()
	    c.sendall(b"answer")
	    got = b""
	    while data := c.recv(65536):
	        got += data
	    assert got == b"x" * 1000, len(got)
	    assert c.session.has_ticket
	    n = data_segments(c)
	    c.close()
	    return n
	counts = [exchange() for _ in range(20)]
	print("segments with data:", counts)  # a busy machine is late now and then
	assert min(counts) == 2, counts
	c = connect()
	c.sendall(b"nothing")
	c.settimeout(0.1)
	for _ in range(100):
	    try:
	        assert c.recv(1)
	    except TimeoutError:
	        pass
	    if c.session and c.session.has_ticket:
	        break
	else:
	    sys.exit("no ticket within 10 s")
PY
client=$(python3 "$TMP/client.py" "$EDGE" "$TMP/cert.pem" 2>&1) || fail "$client"
