# agent/nonsense_harms_nobody.sh - Agents that have a credential and then say what no agent says, out of order, with wrong fields, cut short or changed, do not end the edge, leave nothing there, and another agent's service is there all the while; nor does an edge that talks like that end an agent.  LONG=1: for longer.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 900
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl python3
sessions=$([ "$LONG" = 1 ] && echo 1500 || echo 15)
start_upstream nginx 9001
start_edge <<-CONF
	workers: 2
	tcp: {ports: 20000-20010}
CONF
start_agent a tls 9001 --url app.test
wait_for is_ready app.test
other=$(cli authtoken add --acl 'bind:*.test' 2>/dev/null)
fds=$(daemon_fds)
for seed in 1 2; do
	python3 "$LIB_DIR/helpers/agent_nonsense.py" agent "$(unbracket "$EDGE")" 4443 "$CA" "$other" "${SEED:-1}$seed" "$sessions" >"$TMP/nonsense.$seed.out" 2>"$TMP/nonsense.$seed.log" &
	pids+=($!)
done
while kill -0 "${pids[@]}" 2>/dev/null; do
	same "the page meanwhile" "$(fetch app.test)" "hello from nginx"
	for n in {0..8}; do say --name n$n.test --limit 1 >/dev/null & done
	sleep 0.5
done
for pid in "${pids[@]}"; do wait "$pid" || fail "nonsense: $(cat "$TMP"/nonsense.*.log)"; done
cat "$TMP"/nonsense.*.out
only_one() { [ "$(cli --json endpoint list | jq '.endpoints | length')" = 1 ] && [ "$(cli --json session list | jq '.tunnel_sessions | length')" = 1 ]; }
wait_for 60 only_one
same "the page" "$(fetch app.test)" "hello from nginx"
few_fds() { [ "$(daemon_fds)" -le $((fds + 8)) ]; }
wait_for 60 few_fds
stop_agent "$AGENT"

# the other way round
issue nca "" 10 basicConstraints=critical,CA:true
issue nedge nca 5 subjectAltName=DNS:tunnel.snisplit.internal
python3 "$LIB_DIR/helpers/agent_nonsense.py" edge 127.0.0.1 4445 "$TMP/nedge.pem" "$TMP/nedge.key" "${SEED:-1}" >"$TMP/edge.out" 2>"$TMP/edge.log" &
wait_for grep -q ready "$TMP/edge.out"
SNISPLIT_SERVER=127.0.0.1:4445 SNISPLIT_SERVER_CA=$TMP/nca.pem start_agent b tls 9001 --url app.test
want=$((sessions / 4))
enough() { [ "$(tail -n 1 "$TMP/edge.out" | cut -d ' ' -f 1)" -ge $want ]; }
for ((i = 0; i < 1200; i++)); do
	kill -0 "$AGENT" 2>/dev/null || fail "the agent is gone: $(tail -n 3 "$TMP/agent.b.log" "$TMP/agent.b.out.log" "$TMP/edge.out")"
	enough 2>/dev/null && break
	sleep 0.1
done
tail -n 1 "$TMP/edge.out"
enough || fail "the agent came $(tail -n 1 "$TMP/edge.out")"
stop_agent "$AGENT"
