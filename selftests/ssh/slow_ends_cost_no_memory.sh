# ssh/slow_ends_cost_no_memory.sh - Neither an SSH client that takes its bytes slowly nor clients of the edge that do make the gateway keep more than a window.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 90
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq python3
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
gateway=$(pgrep -P "$DAEMON" -f snisplit-sshd)
# takes what it gets, and gives without end
python3 - "$UP" <<-'PY' &
	import socket, sys, threading
	def drain(c):
	    while c.recv(1 << 18): pass
	def one(c):
	    threading.Thread(target=drain, args=(c,), daemon=True).start()
	    try:
	        while True: c.sendall(bytes(1 << 18))
	    except OSError: pass
	s = socket.create_server((sys.argv[1], 9001))
	while True: threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
PY
# between the gateway and its client: 300 kB/s in the client's direction
python3 - "$EDGE" $SSH_PORT <<-'PY' &
	import socket, sys, threading, time
	def up(a, b):
	    while data := a.recv(1 << 16): b.sendall(data)
	def down(a, b):
	    while data := a.recv(6000):
	        b.sendall(data)
	        time.sleep(0.02)
	s = socket.create_server((sys.argv[1], 2223))
	while True:
	    a = s.accept()[0]
	    b = socket.socket()
	    b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
	    b.connect((sys.argv[1], int(sys.argv[2])))
	    threading.Thread(target=up, args=(a, b), daemon=True).start()
	    threading.Thread(target=down, args=(b, a), daemon=True).start()
PY
wait_for listening 2223
SSH_PORT=2223 start_ssh slow -o HostKeyAlias="[$(unbracket "$EDGE")]:2222" -R "slow.test:443:$UP:9001" "$EDGE" tls
start_ssh fast -R "fast.test:443:$UP:9001" "$EDGE" tls
wait_for is_ready slow.test
wait_for is_ready fast.test

python3 - "$EDGE" "$gateway" >"$TMP/python.log" 2>&1 <<-'PY'
	import os, socket, ssl, sys, threading, time
	edge, pid = sys.argv[1:]
	def rss():
	    for line in open("/proc/%s/status" % pid):
	        if line.startswith("VmRSS"): return int(line.split()[1]) << 10
	before = rss()
	def check(what, seconds):
	    until, most = time.monotonic() + seconds, 0
	    while time.monotonic() < until:
	        most = max(most, rss() - before)
	        time.sleep(0.05)
	    assert most < 32 << 20, "%s: %d kB more" % (what, most >> 10)
	def connect(name):
	    bio = ssl.MemoryBIO(), ssl.MemoryBIO()
	    hello = ssl.create_default_context().wrap_bio(*bio, server_hostname=name)
	    try: hello.do_handshake()
	    except ssl.SSLWantReadError: pass
	    c = socket.create_connection((edge, 443))
	    c.sendall(bio[1].read())
	    return c
	sent = [0] * 4
	def pour(c, i):
	    try:
	        while True: sent[i] += c.send(bytes(1 << 16))
	    except OSError: pass
	# nobody reads here, while the service gives all it can, and takes what comes through ssh
	held = [connect("slow.test") for _ in range(4)] + [connect("fast.test") for _ in range(4)]
	for i in range(4): threading.Thread(target=pour, args=(held[i], i), daemon=True).start()
	check("slow clients on both sides", 4)
	assert max(sent) < 64 << 20, "the slow client took %d bytes" % max(sent)
	os._exit(0)
PY
