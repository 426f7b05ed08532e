# agent/every_way_at_once_carries_every_byte.sh - Passthrough, TLS that ends at the edge, TLS made again, agents and ssh -R at once, with resets, slow and never-reading ends: every byte arrives once, in order, and no endpoint gets another's. LONG=1: 100,000 connections, 200 GB.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 150
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq openssl
: "${CONNS:=$([ "$LONG" = 1 ] && echo 100000 || echo 600)}" "${MOST:=$([ "$LONG" = 1 ] && echo 12m || echo 1m)}" "${SEED:=$RANDOM}"
certificate
start_upstream stream 9000 --listen "$UP:9001=1" --listen "$UP:9002=2" --listen "$UP:9004=4" --listen "$UP:9005=5" --listen "$UP:9006=6"
start_upstream stream 9009 --listen "$UP:9003=3" --tls "$TMP/both.pem"
start_gateway <<-CONF
	timeouts: {client_hello: 60s}
	endpoints:
	  - {url: "tls://one.test", upstream: "$UP:9001"}
	  - {url: "tls://app.test", upstream: "$UP:9002", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
	  - {url: "tls://python.test", upstream: "tls://$UP:9003", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
TOKEN=$(cli authtoken add 2>/dev/null)
export SNISPLIT_SERVER=$TUNNEL SNISPLIT_SERVER_CA=$TMP/state/ca/root.pem SNISPLIT_AUTHTOKEN=$TOKEN HOME=$TMP
cli cert add --crt "$TMP/cert.pem" --key "$TMP/key.pem" >/dev/null
start_agent four tls "$UP:9004" --url four.test
start_agent five tls "$UP:9005" --url nginx.test --terminate-at edge
start_ssh six -T -R "haproxy.test:443:$(unbracket "$UP"):9006" "$(unbracket "$EDGE")" tls
for name in four.test nginx.test haproxy.test; do wait_for 30 is_ready "$name"; done
# each with a third of the connections, and a seed of its own
way() # NUMBER ARG...
{
	"$HELPERS/stream" client --connect "$EDGE:443" --report "$TMP/stream.report" --random --conns $((CONNS / 3)) --parallel 30 \
		--up "$MOST" --down "$MOST" --timeout 60 --seed $((SEED * 8 + $1)) "${@:2}" >"$TMP/sum.$1" 2>>"$TMP/stream.log"
}
way 1 --name one.test=1 --name four.test=4 &
plain=$!
way 2 --tls "$TMP/cert.pem" --name app.test=2 --name python.test=3 --name nginx.test=5 &
tls=$!
way 3 --no-resets --name haproxy.test=6 || fail "ssh: $(cat "$TMP/sum.3")"
wait $plain || fail "passthrough: $(cat "$TMP/sum.1")"
wait $tls || fail "TLS: $(cat "$TMP/sum.2")"
cat "$TMP"/sum.?
jq -rs 'map(.object.datapath) | group_by(.) | map("\(.[0]) \(length)") | join(", ")' "$EVENTS"
wait_for 30 eval '[ "$(live_conns)" = 0 ]'
