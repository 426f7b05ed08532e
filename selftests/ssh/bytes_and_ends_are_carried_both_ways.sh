# ssh/bytes_and_ends_are_carried_both_ways.sh - Bytes go through ssh -R unchanged in both directions while keys are exchanged anew; each direction ends by itself, its last bytes included. LONG=1: a gigabyte.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 300
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq python3
size=$([ "$LONG" = 1 ] && echo 1000000000 || echo 12000000)
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
# answers what it has read: a header, then all bytes back, hashed, once the client's end has come
python3 - "$UP" 9001 >"$TMP/service.log" 2>&1 <<-'PY' &
	import hashlib, socket, sys
	s = socket.create_server((sys.argv[1], int(sys.argv[2])))
	while True:
	    c, _ = s.accept()
	    h, n, head = hashlib.sha256(), 0, b""
	    while data := c.recv(1 << 18):
	        if len(head) < 108:
	            head += data
	            if b"\r\n" not in head: continue
	            line, data = head.split(b"\r\n", 1)
	            head += b" " * 108
	        h.update(data); n += len(data)
	    c.sendall(line + b"\n" + h.hexdigest().encode() + b"\n")
	    h = hashlib.sha256(); left = n
	    while left:
	        data = bytes([left % 251]) * min(left, 99991)
	        h.update(data); c.sendall(data); left -= len(data)
	    c.sendall(h.digest())
	    c.close()
PY
start_ssh a -o RekeyLimit=1M -R "app.test:443:$UP:9001" "$EDGE" tls --proxy-proto=1
wait_for is_ready app.test
python3 - "$EDGE" "$size" <<-'PY'
	import hashlib, os, socket, ssl, sys, threading
	size = int(sys.argv[2])
	bio = ssl.MemoryBIO(), ssl.MemoryBIO()
	hello = ssl.create_default_context().wrap_bio(*bio, server_hostname="app.test")
	try: hello.do_handshake()
	except ssl.SSLWantReadError: pass
	hello = bio[1].read() # what comes after it need not be TLS
	c = socket.create_connection((sys.argv[1], 443))
	me = c.getsockname()
	sent, left, block = hashlib.sha256(hello), size, os.urandom(65536)
	c.sendall(hello)
	while left:
	    data = block[:min(left, len(block))]
	    c.sendall(data); sent.update(data); left -= len(data)
	c.shutdown(socket.SHUT_WR)
	f = b""
	got, n = hashlib.sha256(), 0
	while f.count(b"\n") < 2:
	    f += c.recv(4096)
	line, digest, rest = f.split(b"\n", 2)
	assert line.decode().startswith("PROXY TCP4 %s " % me[0]) and line.decode().split()[4] == str(me[1]), line
	assert digest.decode() == sent.hexdigest(), "what the service got differs"
	tail = rest
	while data := c.recv(1 << 18):
	    tail += data
	    if len(tail) > 32:
	        got.update(tail[:-32]); n += len(tail) - 32; tail = tail[-32:]
	assert n == size + len(hello) and got.digest() == tail, "what came back differs: %d" % n
PY
