# edges/agents_come_and_go_under_load.sh - Five agents with one name, pooled or picked by their labels, under a steady load: of those killed, stopped and added no connection is lost but what one that was killed had in hand (LONG=1: 500 a second for a minute).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel topology=veth
# Timeout: 600
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need python3 jq
M=selftests/fixtures/members.py
rate=200 n=1600
if [ "$LONG" = 1 ]; then
	rate=500 n=30000
	# one address, one port: its 14,000 odd ports would all be in TIME_WAIT after half a minute
	for where in in_client in_upstream; do $where sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse'; done
fi
for tag in 1 2 3 4 5 6; do
	in_upstream_exec python3 $M serve "$(unbracket "$UP")" 900$tag $tag &
	wait_for listening 900$tag in_upstream
done
start_edge <<-CONF
	workers: 2
CONF
cli edge create --hostport label.test:443 --backend "$(cli backend create tunnel_group --label app=x)" >/dev/null
declare -A pid
agent() # TAG pool|label: its service is the member with that tag
{
	case $2 in
	pool) start_agent "$2.$1" tls "$UP:900$1" --url pool.test --pooling-enabled ;;
	label) start_agent "$2.$1" tunnel "$UP:900$1" --label app=x --label "tag=$1" ;;
	esac
	pid[$1]=$AGENT
}
online() # HOW-MANY pool|label
{
	case $2 in
	pool) [ "$(cli --json endpoint list | jq '[.endpoints[] | select(.host == "pool.test")] | length')" = "$1" ] ;;
	label) [ "$(cli --json endpoint get label.test | jq '.upstreams | length')" = "$1" ] ;;
	esac
}
served() { has_events $((before + n * $1 / 100)); } # PERCENT
for how in pool label; do
	before=$(event_count)
	for tag in 1 2 3 4 5; do
		agent $tag $how
		wait_for online $tag $how
	done
	in_client python3 $M load "$(unbracket "$EDGE")" 443 $how.test $n $rate >"$TMP/out.$how" &
	load=$!
	wait_for 60 served 10
	kill -9 "${pid[1]}" # without a word
	wait_for 60 served 25
	stop_agent "${pid[2]}"
	wait_for 60 served 40
	agent 6 $how
	wait_for 60 served 55
	kill -9 "${pid[3]}"
	agent 1 $how
	wait_for 60 served 75
	stop_agent "${pid[4]}"
	wait "$load"
	wait_for 60 has_events $((before + n))
	sed -n "$((before + 1)),\$p" "$EVENTS" >"$TMP/these"
	echo "$how: $(tr -d '\n' <"$TMP/out.$how") $(jq -r .object.close_reason "$TMP/these" | sort | uniq -c | xargs)"
	same "$how: events" "$(wc -l <"$TMP/these")" "$n"
	bad=$(jq -cs 'map(select(.object.close_reason | IN("client_fin", "upstream_fin", "upstream_rst", "client_rst") | not)) | .[:3] | .[]' "$TMP/these")
	[ -z "$bad" ] || fail "$how: closed for another reason: $bad"
	# who was lost was in the hands of an agent that was killed
	lost=$(jq '.lost // 0' "$TMP/out.$how")
	jq -r 'select(.object.conn.bytes_out == 0 and .object.close_reason != "client_rst") | .object.connection_id' "$TMP/these" >"$TMP/silent"
	inhand=$(jq -r 'select(.msg == "connection").conn' "$TMP/agent.$how.1.log" "$TMP/agent.$how.3.log" 2>/dev/null | sort | comm -12 - <(sort "$TMP/silent") | wc -l)
	echo "$how: $lost lost, $(wc -l <"$TMP/silent") got nothing, $inhand of these known to the agents that were killed"
	[ "$lost" -le "$(wc -l <"$TMP/silent")" ] || fail "$how: $lost lost, of which not all had reached an agent"
	[ "$lost" -le 20 ] || fail "$how: $lost lost by two kills"
	jq -e '."5" > 50' "$TMP/out.$how" >/dev/null || fail "$how: who stayed got nothing: $(cat "$TMP/out.$how")"
	wait_for online 3 $how
	in_client python3 $M load "$(unbracket "$EDGE")" 443 $how.test 60 0 >"$TMP/after"
	jq -e '.lost == null and ."1" > 10 and ."5" > 10 and ."6" > 10 and length == 3' "$TMP/after" >/dev/null || fail "$how: after all: $(cat "$TMP/after")"
	for tag in 1 5 6; do kill -9 "${pid[$tag]}"; done
	wait_for online 0 $how
done
