# upgrade/earlier_daemons_connections_count.sh - What earlier daemons still have counts for max_conns, max_conns_per_source and limits.connections, and in the gauges, until it ends (an upgrade let in as many again).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq openssl curl python3
start_answerer 9001
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	limits: {connections: 6}
	endpoints: [{url: "tls://four.test", upstream: "127.0.0.1:9001", terminate_at: edge, max_conns: 4}]
CONF
cli endpoint add each.test --upstream 127.0.0.1:9001 --terminate-at edge --max-conns-per-source 2 >/dev/null

over() { cli --json status | jq --arg n "$1" '[.counters[] | select(.name == $n)][0].value'; }
is_refused() # COUNTER NAME [SOURCE]: another one of NAME's
{
	local before
	before=$(over "$1")
	timeout 10 openssl s_client -quiet -connect "$EDGE:443" -bind "${3:-127.0.0.1}" -servername "$2" </dev/null >/dev/null 2>&1 || true
	same "$2 by $1" "$(($(over "$1") - before))" 1
}
active() { cli --json endpoint get "$1" | jq -r .metrics.conns.gauge; }
scraped() { curl -sS http://127.0.0.1:4041/metrics | grep "^snisplit_connections_active.*$1" | awk '{n += $NF} END {print n + 0}'; }

hold four.test
hold four.test 127.0.0.2
hold each.test 127.0.0.3
kept=$CLIENT
first=$DAEMON
upgrade || fail "$(cat "$TMP/upgrade.log")"
hold four.test
upgrade || fail "$(cat "$TMP/upgrade.log")"
wait_for eval '[ "$(active four.test)" = 3 ]'
same "each.test" "$(active each.test)" 1
same "scraped" "$(scraped four.test)" 3
# one more of each, and no more
hold four.test
hold each.test 127.0.0.3
is_refused over_limit four.test # of six
kill "$kept"
wait_for eval '[ "$(active each.test)" = 1 ]'
is_refused over_max_conns four.test
hold each.test 127.0.0.3
mine=$CLIENT
is_refused over_limit each.test 127.0.0.3
id=$(cli --json conn list | jq -r --argjson p "$first" '[.connections[] | select(.earlier_daemon == $p and .client_ip == "127.0.0.2")][0].id')
cli conn kill "$id" >/dev/null
wait_for eval '[ "$(active four.test)" = 3 ]'
is_refused over_source_conns each.test 127.0.0.3
hold four.test 127.0.0.5

# what a daemon has that is killed is nobody's
kill "$mine"
kill -KILL "$first"
wait_for eval '[ "$(active four.test)" = 3 ]'
wait_for eval '[ "$(active each.test)" = 1 ]'
same "scraped" "$(scraped four.test)" 3
for id in $(cli --json conn list | jq -r '.connections[].id'); do
	cli conn kill "$id" >/dev/null
done
wait_for eval '[ "$(active four.test) $(active each.test)" = "0 0" ]'
wait_for eval '[ "$(scraped four.test)" = 0 ]'
stop_upgraded
