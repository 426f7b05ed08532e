# edges/agents_come_and_go_under_load.sh - Five agents with one name, pooled or picked by their labels, under a steady load: of those killed, stopped and added no connection is lost but what one had accepted before it was killed (LONG=1: 500 a second for a minute).
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
now() { date -u +%FT%T.%6NZ; }
killed() # TAG: without a word; notes from when to when
{
	local from
	from=$(now)
	kill -9 "${pid[$1]}"
	wait "${pid[$1]}" || true
	jq -nc '$ARGS.positional' --args "$from" "$(now)" >>"$TMP/kills"
}
served() { has_events $((before + n * $1 / 100)); } # PERCENT
for how in pool label; do
	: >"$TMP/kills"
	before=$(event_count)
	for tag in 1 2 3 4 5; do
		agent $tag $how
		wait_for online $tag $how
	done
	in_client python3 $M load "$(unbracket "$EDGE")" 443 $how.test $n $rate >"$TMP/out.$how" 2>"$TMP/ports.$how" &
	load=$!
	wait_for 60 served 10
	killed 1
	wait_for 60 served 25
	stop_agent "${pid[2]}"
	wait_for 60 served 40
	agent 6 $how
	wait_for 60 served 55
	killed 3
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
	# who got nothing was there when an agent was killed, and that agent's kernel had taken its bytes
	lost=$(jq '.lost // 0' "$TMP/out.$how")
	jq -c 'select(.object.conn.bytes_out == 0 and .object.close_reason != "client_rst").object' "$TMP/these" >"$TMP/silent"
	jq -c --slurpfile kills "$TMP/kills" 'select(.tcp.upstream.bytes_acked > 0 and
		(.conn as $c | any($kills[]; $c.start_ts <= .[1] and $c.end_ts >= .[0])))' "$TMP/silent" >"$TMP/accepted"
	echo "$how: $lost lost, $(wc -l <"$TMP/silent") got nothing, $(wc -l <"$TMP/accepted") of these had been accepted by an agent that was killed"
	same "$how: got nothing, and no agent had them" "$(grep -vxFf "$TMP/accepted" "$TMP/silent" || true)" ""
	same "$how: lost, and by no agent" "$(jq -c --slurpfile a "$TMP/accepted" '. - [$a[].conn.client_port]' "$TMP/ports.$how")" "[]"
	[ "$lost" -le "$(wc -l <"$TMP/accepted")" ] || fail "$how: $lost lost, more than had been accepted"
	[ "$lost" -le $((n / 10)) ] || fail "$how: $lost lost by two kills"
	jq -e '."5" > 50' "$TMP/out.$how" >/dev/null || fail "$how: who stayed got nothing: $(cat "$TMP/out.$how")"
	wait_for online 3 $how
	in_client python3 $M load "$(unbracket "$EDGE")" 443 $how.test 60 0 >"$TMP/after"
	jq -e '.lost == null and ."1" > 10 and ."5" > 10 and ."6" > 10 and length == 3' "$TMP/after" >/dev/null || fail "$how: after all: $(cat "$TMP/after")"
	for tag in 1 5 6; do kill -9 "${pid[$tag]}"; done
	wait_for online 0 $how
done
