# upgrade/clients_of_agents_lose_nothing.sh - While upgrades follow each other under load, no client of an agent's name, or of an edge whose tunnels agents hold, is lost, or sent to the wildcard that is online.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 240
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need python3 jq
M=selftests/fixtures/members.py
rounds=$([ "$LONG" = 1 ] && echo 10 || echo 3) rate=100
for at in 9001=name 9002=label 9003=wild; do
	python3 $M serve "$(unbracket "$UP")" "${at%=*}" "${at#*=}" &
	wait_for listening "${at%=*}"
done
start_edge <<-CONF
	timeouts: {client_hello: 30s, connect: 20s}
	endpoints: [{url: "tls://*.test", upstream: "$UP:9003"}]
CONF
cli edge create --hostport label.test:443 --backend "$(cli backend create tunnel_group --label app=x)" >/dev/null
start_agent a tls "$UP:9001" --url name.test
start_agent b tunnel "$UP:9002" --label app=x
wait_for is_ready name.test
labelled() { [ "$(cli --json endpoint get label.test | jq '.upstreams | length')" = 1 ]; }
wait_for labelled
load() { python3 $M load "$(unbracket "$EDGE")" 443 "$@"; }
same "at first" "$(load name.test 10 0 2>/dev/null) $(load label.test 10 0 2>/dev/null)" '{"name": 10} {"label": 10}'
before=$(event_count) n=$((rounds * 250)) loads=()
for name in name label; do
	load $name.test $n $rate >"$TMP/got.$name" 2>/dev/null &
	loads[${#loads[@]}]=$!
done
for ((i = 1; i <= rounds; i++)); do
	wait_for 60 has_events $((before + 2 * n * i / (rounds + 1)))
	upgrade || fail "upgrade $i: $(cat "$TMP/upgrade.log")"
done
wait "${loads[@]}"
for name in name label; do
	echo "$name: $(cat "$TMP/got.$name") after $rounds upgrades"
	same "$name: who answered" "$(cat "$TMP/got.$name")" "{\"$name\": $n}"
done
stop_upgraded
