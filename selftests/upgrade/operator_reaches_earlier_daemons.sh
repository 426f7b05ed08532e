# upgrade/operator_reaches_earlier_daemons.sh - After upgrades the operator sees the connections that earlier daemons still have, and ends them: by id, endpoint, policy and credential; one that is stuck holds nobody up, and obeys when it goes on (only those of the last daemon were known).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq curl openssl python3
start_upstream openssl 9000
start_answerer 9001
start_edge <<-CONF
	workers: 2
	http: 127.0.0.1:4041
CONF
policy=$(cli ip-policy create)
cli ip-policy add-rule "$policy" allow 127.0.0.0/8 >/dev/null
cli endpoint add edge.test --upstream 127.0.0.1:9001 --terminate-at edge >/dev/null
cli endpoint add pass.test --upstream "$UP:9000" --ip-policies "$policy" >/dev/null
start_agent a tls 9000 --url agent.test
wait_for is_ready agent.test

conn_of() { cli --json conn list | jq -r --arg n "$1" --arg ip "${2:-127.0.0.1}" '[.connections[] | select(.server_name == $n and .client_ip == $ip)][0].id'; }
of() { cli --json conn list | jq "[.connections[] | select(.earlier_daemon == ${1:-null})] | length"; } # [PID]
live() { [ "$(live_conns)" = "$1" ]; }
took_ms() # CMD...: what it says is in $TMP/out
{
	local start=${EPOCHREALTIME/./}
	"$@" >"$TMP/out" 2>&1 || true
	echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

hold edge.test
hold edge.test 127.0.0.2
hold pass.test
hold pass.test 127.0.0.3
hold agent.test
first=$DAEMON
upgrade || fail "$(cat "$TMP/upgrade.log")"
second=$DAEMON
hold edge.test 127.0.0.4
upgrade || fail "$(cat "$TMP/upgrade.log")"
# (what user space splices has come along)
case $DATAPATH in kernel) theirs=5 ;; *) theirs=2 ;; esac
wait_for live 6
same "connections of each" "$(of "$first") $(of "$second") $(of)" "$theirs 1 $((5 - theirs))"
same "status" "$(cli status | grep '^earlier')" "earlier daemons: 2 (pid $first, $second) with $((theirs + 1)) connections"
same "status as JSON" "$(cli --json status | jq -c '[.earlier_daemons, (.earlier | map([.pid, .connections, .answers]))]')" \
	"[2,[[$first,$theirs,true],[$second,1,true]]]"
curl -sS http://127.0.0.1:4041/metrics | grep "^snisplit_earlier" >"$TMP/metrics"
same "metrics" "$(sort "$TMP/metrics" | sed 's/.*{pid=/pid /; s/[="}]//g' | xargs)" \
	"$(printf 'pid %s %s\npid %s 1\nsnisplit_earlier_daemons 2\n' "$first" $theirs "$second" | sort | xargs)"
same "one by its id" "$(cli --json conn list --endpoint edge.test | jq '.connections | length')" 3

# one, and only once
id=$(conn_of edge.test)
cli conn kill "$id" >/dev/null
event_is 1 connection_id="$id" close_reason=killed conn.client_ip=127.0.0.1
wait_for live 5
refuse cli conn kill "$id" 2>"$TMP/err"
same "killed twice" "$(cat "$TMP/err")" "snisplit: no connection '$id'"

# who is denied now: by the endpoint's own ranges, and by a policy that it names
said=$(cli endpoint set edge.test --cidr-deny 127.0.0.2/32 --cidr-allow 127.0.0.0/8 --kill)
[[ $said = *', 1 connections ended' ]] || fail "endpoint set: $said"
event_is 2 close_reason=ip_denied ip_policy.decision=block conn.client_ip=127.0.0.2 conn.server_name=edge.test
said=$(cli ip-policy add-rule "$policy" deny 127.0.0.3/32 --kill)
[[ $said = *', 1 connections ended' ]] || fail "add-rule: $said"
event_is 3 close_reason=ip_denied ip_policy.decision=block conn.client_ip=127.0.0.3 conn.server_name=pass.test
wait_for live 3

# one that is stuck
kill -STOP "$second"
ms=$(took_ms cli status)
[ "$ms" -lt 2500 ] || fail "status took $ms ms"
grep -q "^earlier daemons: [12] .*, and those of 1 that does not answer" "$TMP/out" || fail "$(grep ^earlier "$TMP/out")"
ms=$(took_ms cli conn kill conn_none)
[ "$ms" -lt 1000 ] || fail "a second one took $ms ms: it is known to be stuck"
grep -q "an earlier daemon, pid $second, may have it but does not answer" "$TMP/out" || fail "$(cat "$TMP/out")"
same "rm --kill" "$(cli endpoint rm edge.test --kill)" "removed edge.test, 0 connections ended"
kill -CONT "$second"
event_is 4 close_reason=killed conn.client_ip=127.0.0.4 conn.server_name=edge.test
wait_for is_gone "$second"
wait_for eval '[ "$(cli --json status | jq .earlier_daemons)" -le 1 ]'

# revoked
same "revoked" "$(curl -sS --unix-socket "$TMP/control.sock" -X DELETE "http://edge/credentials/$(cli --json authtoken list | jq -r '.credentials[0].id')?kill=1")" \
	'{"connections_killed":1}'
event_is 5 close_reason=killed conn.server_name=agent.test
wait_for live 1
cli conn kill "$(conn_of pass.test)" >/dev/null
event_is 6 close_reason=killed conn.server_name=pass.test
wait_for is_gone "$first"
wait_for eval '[ "$(cli --json status | jq -c "[.earlier_daemons, .earlier]")" = "[0,[]]" ]'
refuse grep -q '^earlier' <(cli status)
same "events" "$(event_count)" 6
refuse grep -E 'lost|cannot be read' "$TMP/snisplitd.log"
stop_upgraded
