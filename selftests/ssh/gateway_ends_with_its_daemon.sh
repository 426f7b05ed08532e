# ssh/gateway_ends_with_its_daemon.sh - The gateway, whom its daemon may not signal, ends when the daemon stops and when it is killed, and its port is free for the next.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq setpriv
gateway_is_up() { listening $SSH_PORT && kill -0 "$(gateway)" 2>/dev/null; }
gateway() { pgrep -P "$DAEMON" -f snisplit-sshd; }
serves() # a session is refused a name, so it has got as far as it can
{
	our_ssh -R "app.test:443:$UP:9" "$EDGE" tls --nonsense >"$TMP/said" 2>&1 || true
	grep -q 1109 "$TMP/said" || fail "$(cat "$TMP/said")"
}
start_gateway <<-CONF
	datapath: userspace
CONF
stop_snisplitd
caps=-kill,-sys_ptrace
start_again setpriv --bounding-set "$caps" --inh-caps "$caps"
wait_for 30 listening $SSH_PORT
serves
pid=$(gateway)
stop_snisplitd
wait_for eval '! kill -0 '"$pid"' 2>/dev/null'
start_again
wait_for 30 listening $SSH_PORT
pid=$(gateway)
start_ssh held -R "app.test:443:$UP:9" "$EDGE" tls
wait_for is_ready app.test
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
wait_for eval '! kill -0 '"$pid"' 2>/dev/null'
start_again
wait_for 30 listening $SSH_PORT
wait_for gateway_is_up
serves
