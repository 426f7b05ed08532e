# ssh/killed_end_is_no_end_of_data.sh - When the SSH client or the gateway is killed in the middle of a transfer, the client of the edge sees a connection that broke, not an end, the edge says so in its event, and the service is left.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq python3
start_gateway <<-CONF
	workers: 1
CONF
# gives without end, and says how each connection ended
python3 - "$UP" >"$TMP/service.log" 2>&1 <<-'PY' &
	import socket, sys, threading
	def one(c):
	    threading.Thread(target=give, args=(c,), daemon=True).start()
	    try:
	        while c.recv(1 << 16): pass
	        print("ended", flush=True)
	    except OSError: print("broke", flush=True)
	def give(c):
	    try:
	        while True: c.sendall(bytes(1 << 16))
	    except OSError: pass
	s = socket.create_server((sys.argv[1], 9001))
	while True: threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
PY
breaks() # PID: killed in the middle
{
	wait_for is_ready app.test
	python3 - "$EDGE" "$1" <<-'PY'
		import os, signal, socket, ssl, sys
		bio = ssl.MemoryBIO(), ssl.MemoryBIO()
		hello = ssl.create_default_context().wrap_bio(*bio, server_hostname="app.test")
		try: hello.do_handshake()
		except ssl.SSLWantReadError: pass
		c = socket.create_connection((sys.argv[1], 443))
		c.settimeout(20)
		c.sendall(bio[1].read())
		got = 0
		while got < 1 << 20: got += len(c.recv(1 << 16))
		os.kill(int(sys.argv[2]), signal.SIGKILL)
		try:
		    while data := c.recv(1 << 16): got += len(data)
		except ConnectionResetError: sys.exit(0)
		sys.exit("an end after %d bytes" % got)
	PY
}
start_ssh a -R "app.test:443:$UP:9001" "$EDGE" tls
breaks "$CLIENT" || fail "ssh was killed"
event_is 1 close_reason=upstream_rst
wait_for is_gone app.test
start_ssh b -R "app.test:443:$UP:9001" "$EDGE" tls
breaks "$(pgrep -P "$DAEMON" -f snisplit-sshd)" || fail "the gateway was killed"
event_is 2 close_reason=upstream_rst
wait_for is_gone app.test
served() { [ "$(wc -l <"$TMP/service.log")" = 2 ]; }
wait_for served
