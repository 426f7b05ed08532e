# ssh/strangers_and_silent_clients_keep_nobody_out.sh - Of connections that do not log in some are refused at random, they end after 10 s, and their source is refused for a while, as one with wrong keys is; a client that is silent for 15 s is gone, one that is idle is not.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 120
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need nginx curl jq openssl python3
start_upstream nginx 9001
start_gateway <<-CONF
	datapath: userspace
	workers: 1
CONF
start_ssh idle -R "app.test:443:$UP:9001" "$EDGE" tls
start_ssh silent -R "silent.test:443:$UP:9001" "$EDGE" tls
silent=$CLIENT
wait_for is_ready app.test
wait_for is_ready silent.test
# (its socket acknowledges still, as a program's does that hangs)
kill -STOP "$silent"
stopped=$SECONDS

# wrong keys, and then the right one
ssh-keygen -q -t ed25519 -N '' -f "$TMP/other"
from() # ADDRESS KEY: what ssh says
{
	KEY=$2 our_ssh -b "$1" -o LogLevel=INFO "$EDGE" tls --help >"$TMP/said" 2>&1 </dev/null || true
}
from 127.0.0.8 "$TMP/other"
grep -q ERR_SNISPLIT_1102 "$TMP/said" || fail "a wrong key: $(cat "$TMP/said")"
for _ in 1 2 3 4; do from 127.0.0.8 "$TMP/other"; done
from 127.0.0.8 "$KEY"
grep -q 'kex_exchange_identification\|Connection reset\|Connection closed' "$TMP/said" || fail "let in: $(cat "$TMP/said")"
from 127.0.0.1 "$KEY"
grep -q 'usage: ssh' "$TMP/said" || fail "another source: $(cat "$TMP/said")"

# from a place of its own
python3 - "$EDGE" $SSH_PORT >"$TMP/flood.log" <<-'PY' &
	import select, socket, sys, time
	def connect():
	    s = socket.socket()
	    s.bind(("127.0.0.9", 0))
	    s.connect((sys.argv[1], int(sys.argv[2])))
	    return s, time.monotonic()
	def banner(s):
	    try: return s.recv(99).startswith(b"SSH-2.0-")
	    except ConnectionResetError: return False
	held = [c for c in [connect() for _ in range(120)] if banner(c[0])]
	print("let in %d of 120" % len(held), flush=True)
	lived = []
	for s, since in held:
	    try:
	        while s.recv(4096): pass
	    except ConnectionResetError: pass
	    lived.append(time.monotonic() - since)
	print("lived %.1f to %.1f s" % (min(lived), max(lived)), flush=True)
	print("afterwards " + ("let in" if banner(connect()[0]) else "refused"), flush=True)
PY
flood=$!
wait_for 30 grep -q '^let in' "$TMP/flood.log"
n=$(sed -n 's/^let in \([0-9]*\) .*/\1/p' "$TMP/flood.log")
[ "$n" -ge 16 ] && [ "$n" -le 64 ] || fail "$n of 120 were let in, want 16 to 64"
same "the page meanwhile" "$(fetch app.test)" "hello from nginx"

wait $flood || fail "$(cat "$TMP/flood.log")"
awk '/^lived/ { exit !($2 >= 9 && $4 < 25) }' "$TMP/flood.log" || fail "want about 10 s: $(cat "$TMP/flood.log")"
grep -q '^afterwards refused' "$TMP/flood.log" || fail "$(cat "$TMP/flood.log")"
grep -q 'warning: ssh: refused, ' "$TMP/snisplitd.log" || fail "the log does not tell of it"

wait_for 30 is_gone silent.test
[ $((SECONDS - stopped)) -ge 12 ] || fail "a silent client is gone after $((SECONDS - stopped)) s"
grep -q 'is silent for 15 s' "$TMP/snisplitd.log" || fail "no word of the silent client"
kill -KILL "$silent"
same "the page of the idle one" "$(fetch app.test)" "hello from nginx"
is_let_in() { from 127.0.0.8 "$KEY"; grep -q 'usage: ssh' "$TMP/said"; }
wait_for 40 is_let_in
