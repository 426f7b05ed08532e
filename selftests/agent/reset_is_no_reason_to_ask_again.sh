# agent/reset_is_no_reason_to_ask_again.sh - A service behind an agent that reads what a client sends and resets it has read it once: what TLS protects that ends at the edge is not sent again because its TCP did not come to acknowledge it (one in fifteen was).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq
cat >"$TMP/service.py" <<-'PY'
	import socket, struct, sys
	s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
	while True:
	    c = s.accept()[0]
	    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	    print(c.recv(100).decode(), flush=True)
	    c.close()
PY
cat >"$TMP/clients.py" <<-'PY'
	import socket, ssl, sys, threading
	host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	context = ssl.create_default_context()
	context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	def some(first):
	    for i in range(first, n, 16):
	        with socket.create_connection((host, port), 20) as c, context.wrap_socket(c, server_hostname="edge.test") as t:
	            try:
	                t.sendall(b"%d" % i)
	                t.recv(1)
	            except OSError:
	                pass
	threads = [threading.Thread(target=some, args=(i,)) for i in range(16)]
	for t in threads:
	    t.start()
	for t in threads:
	    t.join()
PY
start_edge </dev/null
python3 "$TMP/service.py" 9001 >"$TMP/read" 2>"$TMP/service.log" &
wait_for listening 9001
start_agent a tls 9001 --url edge.test --terminate-at edge
wait_for is_ready edge.test
: "${CONNS:=$([ "$LONG" = 1 ] && echo 20000 || echo 400)}"
python3 "$TMP/clients.py" "$(unbracket "$EDGE")" 443 "$CONNS" || fail "the clients failed"
wait_for eval '[ "$(live_conns)" = 0 ]'
same "read by the service" "$(wc -l <"$TMP/read")" "$CONNS"
same "read twice" "$(sort "$TMP/read" | uniq -d | head -n 3 | xargs)" ""
