# edges/agents_share_a_name.sh - Agents, and an endpoint of the edge's own, that all have pooling share a name; one that is killed loses its share at once, and a name that an edge holds is refused to agents with 381, until the edge lets go of it.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq openssl
M=selftests/fixtures/members.py
for tag in 1 2 3; do
	python3 $M serve "$UP" 900$tag $tag &
	wait_for listening 900$tag
done
start_edge <<-CONF
	workers: 2
CONF
count_of() { cli --json endpoint list | jq '[.endpoints[] | select(.host == "app.test")] | length'; }
are() { [ "$(count_of)" = "$1" ]; }
start_agent a tls "$UP:9001" --terminate-at upstream --url app.test --pooling-enabled
wait_for are 1
first=$AGENT
start_agent b tls "$UP:9002" --terminate-at upstream --url app.test --pooling-enabled
wait_for are 2
cli endpoint add tls://app.test --upstream "$UP:9003" --pooling-enabled >/dev/null
out=$(python3 $M load "$EDGE" 443 app.test 600 0)
echo "$out"
jq -e '.lost == null and all(."1", ."2", ."3"; . > 190 and . < 210)' <<<"$out" >/dev/null || fail "not even: $out"
kill -9 "$first"
wait_for are 2
out=$(python3 $M load "$EDGE" 443 app.test 400 0)
jq -e '.lost == null and ."1" == null and ."2" > 190' <<<"$out" >/dev/null || fail "after a kill: $out"

edge=$(cli edge create --hostport held.test:443 --backend "$(cli backend create static --address "$UP:9003")" | cut -d' ' -f1)
start_agent c tls "$UP:9001" --terminate-at upstream --url held.test --pooling-enabled
wait_for agent_says c ERR_SNISPLIT_381
cli edge set "$edge" --hostport other.test:443 >/dev/null # detached
start_agent d tls "$UP:9001" --terminate-at upstream --url held.test --pooling-enabled
wait_for is_ready held.test
same "who has it then" "$(python3 $M load "$EDGE" 443 held.test 5 0)" '{"1": 5}'
