# agent/tcp_has_a_port_of_its_own.sh - `snisplit tcp` serves a port of the edge, chosen or given; the kernel (or splice) carries bytes of any protocol, whoever speaks first, and the port goes with the agent.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl python3 socat
start_upstream stream 9000
python3 -c '
import socketserver
class H(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 hello\r\n")
        self.wfile.write(b"you said " + self.rfile.readline())
socketserver.ThreadingTCPServer(("127.0.0.1", 9001), H).serve_forever()' &
wait_for 30 listening 9001
start_edge <<-CONF
	workers: 2
	tcp: {ports: "22000-22009"}
CONF
start_agent given tcp 9001 --remote-addr 22009 --proxy-proto=1
given=$AGENT
wait_for is_ready tcp://edge.localhost:22009
start_agent any tcp 9000
any=$AGENT
wait_for agent_says any 'endpoint online.*tcp://edge.localhost:2200[0-8]'
url=$(jq -r 'select(.msg == "endpoint online").url' "$TMP/agent.any.log")
wait_for is_ready "$url" 2
stream whatever.test --connect "$EDGE:${url##*:}" --polite --up 2m --down 2m
event_is 1 datapath="$MOVER" terminated_at=none conn.server_name= conn.server_port="${url##*:}"
[ "$DATAPATH" = userspace ] || [ "$(event_field 1 bytes_user)" -le 1000 ] ||
	fail "user space saw $(event_field 1 bytes_user) bytes"
wait_for agent_says any '"connection closed".*"client":"127.0.0.1:'
same "fields" "$(cli --json endpoint get "$url" | jq -r '[.proto, .hostport, .port] | join(" ")')" \
	"tcp edge.localhost:${url##*:} ${url##*:}"
# who speaks first is heard: the agent dials before the client has said a word
greeting() { exec 3<>"/dev/tcp/$EDGE/22009" && head -n 1 <&3; }
same "the greeting" "$(greeting)" "$(printf '220 hello\r')"
same "with a PROXY header first" "$(printf 'x\n' | timeout 5 socat -t 5 - "TCP:$EDGE:22009" | sed -n '2s/ 127.*//p')" \
	"you said PROXY TCP4"
status=0
"$O/snisplit" tcp 9 --url tcp://edge.localhost:22009 --authtoken "$(cli authtoken add 2>/dev/null)" \
	--log false 2>"$TMP/taken.log" || status=$?
same "status when it is taken" "$status: $(grep -c ERR_SNISPLIT_334 "$TMP/taken.log")" "2: 1"
stop_agent "$given"
refuse cli endpoint get tcp://edge.localhost:22009 2>/dev/null
wait_for eval '! listening 22009'
# the port that was chosen stays the agent's, whatever becomes of the edge
stop_snisplitd KILL
start_again
wait_for 20 is_ready "$url" 2
stream whatever.test --connect "$EDGE:${url##*:}" --up 1k --down 1k --seed 2
kill -KILL "$any"
wait_for eval '[ "$(cli --json endpoint list | jq ".endpoints | length")" = 0 ]'
wait_for eval '! listening "${url##*:}"'
