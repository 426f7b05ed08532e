# agent/ends_wait_for_their_bytes.sh - Through edge and agent: bytes on their way to a slow reader arrive after their sender has ended its stream and gone, who has ended hears the rest, and a reset arrives as a reset, never as an end that looks complete.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth family=4
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
start_upstream stream 9000
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls "$UP:9000" --url app.test
wait_for is_ready app.test
n=0
ends() # N CLOSE-REASON: of the last N connections
{
	wait_for has_events $((n += $1))
	same "ends" "$(tail -n "$1" "$EVENTS" | jq -r .object.close_reason | sort -u | tr '\n' ' ')" "$2 "
}
# backlogs of slow readers, at the end of either side
stream app.test --order client --up 1m --down 8m --read-rate 8000 --server-read-rate 4000 --conns 8 --parallel 8 --seed 1
stream app.test --order server --up 2m --down 2m --stall 500 --server-stall 500 --conns 16 --parallel 16 --seed 2
stream app.test --order together --up 3m --down 3m --stall 300 --conns 16 --parallel 16 --seed 3 --rcvbuf 65536
# more than the edge's gate and the agent's let through while nobody reads
stream app.test --order server --up 1k --down 96m --stall 1500 --seed 4
stream app.test --order client --up 96m --down 1k --server-stall 1500 --seed 5
n=42
wait_for has_events $n
# a half that is closed, and the other one
for order in client server together; do
	for size in "--up 1k --down 5m" "--up 5m --down 1k" "--up 0 --down 100k" "--up 100k --down 0" "--up 0 --down 0"; do
		# shellcheck disable=SC2086 # words are wanted
		stream app.test --order $order --answer-after $size --conns 4 --parallel 4 --seed $((n += 4))
		wait_for has_events $n
	done
done
same "ends" "$(jq -r .object.close_reason "$EVENTS" | grep -cvE '^(client|upstream)_fin$' || true)" 0
# resets
stream app.test --order client-rst --up 3m --down 3m --conns 10 --parallel 5 --seed 201
ends 10 client_rst
stream app.test --order server-rst --up 3m --down 3m --conns 10 --parallel 5 --seed 202
ends 10 upstream_rst
stream app.test --order client-rst --up 1k --down 1k --conns 10 --parallel 5 --seed 203
ends 10 client_rst
stream app.test --order server-rst --up 1k --down 1k --conns 10 --parallel 5 --seed 204
ends 10 upstream_rst
# the agent tells the same
agent_ends() { jq -r 'select(.msg == "connection closed") | .reason' "$TMP/agent.a.log" | sort | uniq -c | awk '{printf "%s=%s ", $2, $1}'; }
has_told() { [ "$(agent_ends | grep -o 'client_rst=20')" ] && [ "$(agent_ends | grep -o 'upstream_rst=20')" ]; }
wait_for has_told
share=$(agent_kernel_share a)
echo "the agent: $(agent_ends); its kernel moved $share %"
[ "$DATAPATH" = userspace ] || [ "$share" -ge 40 ] || fail "the agent's kernel moved $share % only"
wait_for eval '[ "$(live_conns)" = 0 ]'
stop_agent "$AGENT"
