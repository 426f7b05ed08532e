# agent/upstream_that_fails_closes_only_its_own.sh - An agent whose upstream refuses closes that client, says so, also in the edge's event, and serves the next one as soon as the upstream is there (the event said upstream_rst).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl python3
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls 9001 --url app.test
wait_for is_ready app.test
certificate
refuse fetch app.test 2>/dev/null
event_is 1 close_reason=upstream_refused
same "failed" "$(cli --json endpoint get app.test | jq .metrics.conns.failed)" 1
wait_for agent_says a "upstream localhost:9001: Connection refused"
start_upstream nginx 9001
wait_for is_ready app.test
same "later" "$(fetch app.test)" "hello from nginx"
wait_for agent_says a '"reason":"upstream_refused"'
event_is 2 conn.server_name=app.test close_reason="client_fin|upstream_fin"

# where TLS ends at the agent, or at the edge; and one that is reset by its upstream is not refused
python3 -c '
import socket, struct
s = socket.create_server(("127.0.0.1", 9003))
while True:
    c = s.accept()[0]
    c.recv(65536)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()' 2>"$TMP/resets.log" &
wait_for listening 9003
n=2
for case in "agent 9002 upstream_refused" "edge 9002 upstream_refused" "upstream 9003 upstream_rst"; do
	read -r at port why <<<"$case"
	args=()
	[ "$at" != agent ] || args=(--crt "$TMP/cert.pem" --key "$TMP/key.pem")
	start_agent "$at" tls "$port" --url "$at.test" --terminate-at "$at" ${args[@]+"${args[@]}"}
	wait_for is_ready "$at.test"
	refuse fetch "$at.test" -k 2>/dev/null
	n=$((n + 1))
	event_is $n conn.server_name="$at.test" close_reason=$why
done
