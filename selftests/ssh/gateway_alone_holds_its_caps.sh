# ssh/gateway_alone_holds_its_caps.sh - snisplit-sshd runs by itself, beside an edge that has none; it serves so many sessions, so many of a key, so many connections of each, no more, and tells its clients when it ends.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq python3
start_edge_of_gateway <<-CONF
	datapath: userspace
	workers: 1
	ssh: none
CONF
refuse listening $SSH_PORT
mkdir "$TMP/gateway"
ca=sha256:$(cli --json ca show | jq -r .sha256_fingerprint)
gateway() { (gateway_exec "$@"); } # ARG...
gateway_exec()
{
	exec "$O/snisplit-sshd" --listen "$EDGE:$SSH_PORT" --server "$TUNNEL" --server-ca "$ca" --state-dir "$TMP/gateway" "$@"
}
refuse gateway --token-file /dev/null 2>"$TMP/err"
grep -q 'token-file: /dev/null holds no token' "$TMP/err" || fail "$(cat "$TMP/err")"
refuse gateway --sessions 0 2>"$TMP/err"
grep -q -- '--sessions: must be a number from 1' "$TMP/err" || fail "$(cat "$TMP/err")"
# the secret of another edge
printf '0%.0s' {1..64} >"$TMP/token"
gateway_exec --token-file "$TMP/token" 2>"$TMP/wrong.log" &
wait_for 30 listening $SSH_PORT
know_host <"$TMP/gateway/ssh_host_ed25519_key.pub"
refuse our_ssh -o LogLevel=INFO "$EDGE" tls 2>"$TMP/err"
grep -q 'ERR_SNISPLIT_8000: the edge does not know this gateway' "$TMP/err" || fail "$(cat "$TMP/err")"
grep -q 'does not know this gateway: is --token-file its own' "$TMP/wrong.log" || fail "$(cat "$TMP/wrong.log")"
kill $!
wait $! || fail "snisplit-sshd ends with status $?"
mkfifo "$TMP/ready"
gateway_exec --token-file "$TMP/state/ssh/token" --sessions 4 --sessions-per-key 2 --channels 3 --ready-fd 9 \
	9>"$TMP/ready" 2>"$TMP/gateway.log" &
gateway=$!
head -c 1 "$TMP/ready" >/dev/null
same "user" "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' /proc/$gateway/status)" "$(id -u nobody)"

# a service that holds its connections
python3 - "$UP" >"$TMP/service.log" 2>&1 <<-'PY' &
	import socket, sys
	s, held = socket.create_server((sys.argv[1], 9001)), []
	while True:
	    held.append(s.accept()[0])
	    print("connection", len(held), flush=True)
PY
start_ssh a -R "app.test:443:$UP:9001" "$EDGE" tls
a=$CLIENT
start_ssh b -R "b.test:443:$UP:9001" "$EDGE" tls
wait_for is_ready app.test
wait_for is_ready b.test
refused_with 108 -R "c.test:443:$UP:9001" "$EDGE" tls
ssh-keygen -q -t ed25519 -N '' -f "$TMP/other"
cli ssh-key add "$TMP/other.pub" >/dev/null
for name in c d; do KEY=$TMP/other start_ssh $name -R "$name.test:443:$UP:9001" "$EDGE" tls; done
for name in c d; do wait_for ssh_says $name '^forwarding '; done
status=0
our_ssh "$EDGE" tls --help >"$TMP/said" 2>&1 </dev/null || status=$?
same "status of a fifth session" $status 255

python3 - "$EDGE" "$TMP" <<-'PY'
	import socket, ssl, sys, time
	def connections():
	    return open(sys.argv[2] + "/service.log").read().count("connection")
	def wait_for(n):
	    until = time.monotonic() + 10
	    while connections() < n and time.monotonic() < until: time.sleep(0.02)
	    assert connections() == n, "the service has %d connections, want %d" % (connections(), n)
	bio = ssl.MemoryBIO(), ssl.MemoryBIO()
	hello = ssl.create_default_context().wrap_bio(*bio, server_hostname="app.test")
	try: hello.do_handshake()
	except ssl.SSLWantReadError: pass
	hello, held = bio[1].read(), []
	for n in range(5):
	    held.append(socket.create_connection((sys.argv[1], 443)))
	    held[-1].sendall(hello)
	wait_for(3)
	time.sleep(0.3)
	wait_for(3)
	held[0].close(); held[1].close() # the service has to end them too
PY
kill -TERM $gateway
status=0
wait "$a" || status=$?
same "exit status of a client" $status 1
ssh_says a 'ERR_SNISPLIT_742'
wait $gateway || fail "snisplit-sshd ends with status $?"
