# agent/draining_loses_nothing.sh - SIGTERM to the agent takes its endpoint offline and lets the open connection finish; SIGTERM to the edge tells the agent (742), and both wait for what is open.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
certificate
openssl s_server -quiet -accept "$UP:9001" -cert "$TMP/cert.pem" -key "$TMP/key.pem" -rev >"$TMP/rev.log" 2>&1 &
wait_for listening 9001
start_edge <<-CONF
	workers: 1
CONF
# a client that says a line, waits, and says another
talk() # NAME
{
	mkfifo "$TMP/in.$1"
	openssl s_client -quiet -no_ign_eof -connect "$EDGE:443" -servername app.test <"$TMP/in.$1" >"$TMP/out.$1" 2>/dev/null &
	CLIENT=$!
	exec 7>"$TMP/in.$1"
	echo one >&7
	wait_for grep -q eno "$TMP/out.$1"
}
start_agent a tls 9001 --url app.test
wait_for is_ready app.test
talk first
kill -TERM "$AGENT"
offline() { ! cli endpoint get app.test 2>/dev/null; }
wait_for offline
agent_says a '"msg":"draining: .*"connections":"1"'
kill -0 "$AGENT" || fail "the agent left its connection"
echo two >&7
wait_for grep -q owt "$TMP/out.first"
exec 7>&-
wait "$CLIENT" || true
wait "$AGENT" || fail "the agent ended with $?"
start_agent b tls 9001 --url app.test
wait_for is_ready app.test
talk second
edge=$DAEMON DAEMON=''
kill -TERM "$edge"
wait_for agent_says b "ERR_SNISPLIT_742"
echo three >&7
wait_for grep -q eerht "$TMP/out.second"
exec 7>&-
wait "$edge" || fail "the edge ended with $?"
wait_for agent_says b "session lost"
stop_agent "$AGENT"
refuse agent_says b "ending what is left"
# who says it twice does not want to wait
start_again
start_agent c tls 9001 --url app.test
wait_for is_ready app.test
talk third
kill -TERM "$AGENT"
wait_for agent_says c "draining"
kill -TERM "$AGENT"
wait "$AGENT" || fail "the agent ended with $?"
agent_says c '"msg":"ending what is left","connections":"1"'
exec 7>&-
