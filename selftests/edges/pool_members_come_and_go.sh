# edges/pool_members_come_and_go.sh - Under load members of a pool are killed, leave and join: no connection is lost but what a killed member had taken already, and who left gets nothing more.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
declare -A pid id
member() # TAG
{
	python3 $M serve "$UP" "900$1" "$1" &
	pid[$1]=$!
	wait_for listening "900$1"
}
add() { id[$1]=$(cli endpoint add tls://app.test --upstream "$UP:900$1" --pooling-enabled | cut -d' ' -f1); }
count_of() { cli --json endpoint get "${id[$1]}" | jq .metrics.conns.count; }
start_snisplitd </dev/null
for tag in 1 2 3 4 5; do
	member $tag
	add $tag
done
member 6
served() { has_events "$1"; }
python3 $M load "$EDGE" 443 app.test 3000 500 >"$TMP/out" &
load=$!
wait_for 30 served 400
kill -9 "${pid[1]}" # without a word: its endpoint stays, its connects fail
wait_for 30 served 800
kill -TERM "${pid[2]}" # serves what it has taken
wait_for 30 served 1200
cli endpoint rm "${id[3]}" >/dev/null
wait_for 30 served 1600
add 6
member 1
wait_for 30 served 2000
cli endpoint rm "${id[4]}" >/dev/null
wait "$load"
cat "$TMP/out"
wait_for has_events 3000
same "events" "$(event_count)" 3000
jq -r .object.close_reason "$EVENTS" | sort | uniq -c
# lost: only what the upstream ended itself, which therefore had it
bad=$(jq -c 'select(.object.close_reason | IN("client_fin", "upstream_fin", "upstream_rst") | not)' "$EVENTS" | head -n 3)
[ -z "$bad" ] || fail "closed for another reason: $bad"
lost=$(jq '.lost // 0' "$TMP/out")
silent=$(jq -s --arg a "$UP:9001" --arg b "$UP:9002" '[.[] | select(.object.conn.bytes_out == 0 and (.object.upstream_addr | IN($a, $b)))] | length' "$EVENTS")
[ "$lost" -le "$silent" ] || fail "$lost lost, but only $silent had been taken by those that ended"
jq -e '."5" > 100 and ."6" > 0' "$TMP/out" >/dev/null || fail "who stayed or joined got nothing: $(cat "$TMP/out")"
refuse cli endpoint get "${id[3]}" 2>/dev/null
python3 $M load "$EDGE" 443 app.test 300 0 >"$TMP/out"
jq -e '.lost == null and ."3" == null and ."4" == null and ."2" == null and ."1" > 50 and ."5" > 50 and ."6" > 50' "$TMP/out" >/dev/null || fail "after all: $(cat "$TMP/out")"
kill "${pid[@]}" 2>/dev/null || true
