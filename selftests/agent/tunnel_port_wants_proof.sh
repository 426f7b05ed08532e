# agent/tunnel_port_wants_proof.sh - Who comes to the tunnel port with garbage, a guessed or a used token, a frame that is none, or nothing at all is sent away, and agents get in past a thousand of them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl python3
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
CONF
# what an agent sends over a bare channel, to be sent again
python3 "$LIB_DIR/helpers/wire.py" 127.0.0.1:4444 "$TUNNEL" "$TMP/seen" &
wait_for 30 listening 4444
start_agent a tls 9001 --url app.test --server 127.0.0.1:4444
wait_for is_ready app.test
python3 - "$CA" "$TMP/seen" <<-'PY' || fail "see above"
	import os, re, socket, ssl, sys
	def dial():
	    return socket.create_connection(("127.0.0.1", 4443), 5)
	def sealed():
	    context = ssl.create_default_context(cafile=sys.argv[1])
	    return context.wrap_socket(dial(), server_hostname="tunnel.snisplit.internal")
	def sent_away(what, s, data):
	    s.settimeout(5)
	    try:
	        s.sendall(data)
	        assert s.recv(1) == b"", what + ": got an answer"
	    except (ConnectionResetError, BrokenPipeError):
	        pass
	used = re.search(rb"SNIsplD1.{40}", open(sys.argv[2], "rb").read(), re.S).group()
	sent_away("HTTP", dial(), b"GET / HTTP/1.0\r\n\r\n")
	sent_away("no magic", dial(), b"SNIsplXX" + bytes(40))
	sent_away("control in the clear", dial(), b"SNIsplC1" + bytes(40))
	sent_away("a guess", dial(), b"SNIsplD1" + (1).to_bytes(8, "big") + os.urandom(32))
	sent_away("a used token", dial(), used)
	sent_away("a guess in TLS", sealed(), b"SNIsplD1" + bytes(40))
	sent_away("a frame too long", sealed(), b"SNIsplC1" + b"\x00\x20\x00\x00\x01")
	sent_away("not HELLO first", sealed(), b"SNIsplC1" + b"\x00\x00\x00\x01\x04")
	sent_away("a bent text", sealed(), b"SNIsplC1" + b"\x00\x00\x00\x07\x01\x80\x00\x00\x00\x01a")
	# another name than the tunnel's is not answered for
	context = ssl.create_default_context(cafile=sys.argv[1])
	try:
	    context.wrap_socket(dial(), server_hostname="app.test")
	    raise AssertionError("answered for another name")
	except (ssl.SSLError, ConnectionResetError):
	    pass
PY
# a crowd that says nothing
python3 -c '
import socket, time
crowd = [socket.create_connection(("127.0.0.1", 4443), 5) for _ in range(1200)]
open("'"$TMP/crowd"'", "w").close()
time.sleep(100)' &
wait_for 30 [ -f "$TMP/crowd" ]
start_agent b tls 9001 --url nginx.test
wait_for is_ready nginx.test
same "past the crowd" "$(fetch nginx.test)" "hello from nginx"
same "and before" "$(fetch app.test)" "hello from nginx"
