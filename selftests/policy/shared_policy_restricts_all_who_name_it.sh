# policy/shared_policy_restricts_all_who_name_it.sh - A shared policy's rules count for every endpoint that names it, a change is in force when the command returns, --kill ends who is denied now, and all of it survives a restart.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need curl jq openssl
start_upstream nginx 9000
start_snisplitd <<-CONF
	workers: 2
CONF
policy=$(cli ip-policy create --description 'the office')
first=$(cli ip-policy add-rule "$policy" allow 127.0.0.2 --description desk)
for name in app.test nginx.test; do
	cli endpoint add $name --upstream "$UP:9000" --ip-policies "$policy"
done
cli endpoint add python.test --upstream "$UP:9000" --ip-policies "$policy" --cidr-allow 127.0.0.0/8 --cidr-deny 127.0.0.9
n=0
expect() # SOURCE NAME allow|block
{
	n=$((n + 1))
	if [ "$3" = allow ]; then
		same "$2 from $1" "$(fetch "$2" --interface "$1")" 'hello from nginx'
	else
		refuse fetch "$2" --interface "$1" 2>/dev/null
	fi
	event_is $n ip_policy.decision="$3" conn.client_ip="$1"
}
expect 127.0.0.2 app.test allow
expect 127.0.0.3 app.test block
expect 127.0.0.3 python.test allow
expect 127.0.0.9 python.test block

# A rule comes: for new ones at once, live ones go on unless they are to be ended.
hold() # SOURCE NAME: a connection that stays
{
	# shellcheck disable=SC2034 # its pipe only keeps it open
	coproc HELD { openssl s_client -quiet -connect 127.0.0.1:443 -bind "$1" -servername "$2" 2>&1; }
	wait_for eval '[ "$(live_conns)" -ge 1 ]'
	wait_for eval 'cli --json conn list | jq -e ".connections[0].state == \"open\""'
}
hold 127.0.0.2 nginx.test
deny=$(cli ip-policy add-rule "$policy" deny 127.0.0.0/29)
expect 127.0.0.2 app.test block
expect 127.0.0.3 python.test block
same "live connections" "$(live_conns)" 1
cli ip-policy rm-rule "$deny"
expect 127.0.0.2 app.test allow
cli ip-policy add-rule "$policy" deny 127.0.0.2/32 --kill | grep -q ', 1 connections ended'
n=$((n + 1))
event_is $n close_reason=ip_denied ip_policy.decision=block conn.server_name=nginx.test terminated_at=upstream
same "live connections" "$(live_conns)" 0
expect 127.0.0.2 app.test block

# The same for an endpoint's own ranges.
hold 127.0.0.3 python.test
cli endpoint set python.test --cidr-deny 127.0.0.3 | grep -vq ended
same "live connections" "$(live_conns)" 1
cli endpoint set python.test --cidr-deny 127.0.0.3 --kill | grep -q ', 1 connections ended'
n=$((n + 1))
event_is $n close_reason=ip_denied ip_policy.decision=block conn.server_name=python.test
cli endpoint set python.test --cidr-deny 127.0.0.9

# A rule that no longer allows denies too.
cli ip-policy add-rule "$policy" allow 127.0.0.3
expect 127.0.0.3 nginx.test allow
cli --json ip-policy get "$policy" | jq -e '.rules | length == 3' >/dev/null
status=0
cli ip-policy rm "$policy" 2>"$TMP/said" || status=$?
same "removing one that is named" $status 2
grep -q 'tls://.* names it' "$TMP/said"
status=0
cli ip-policy add-rule "$policy" allow 127.0.0.3/8 2>"$TMP/said" || status=$?
grep -q 'ERR_SNISPLIT_362' "$TMP/said" || fail "$(cat "$TMP/said")"

# Over the API: what is not given stays.
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" "http://x$2" ${3:+-d "$3"}; }
same patched "$(api PATCH "/ip_policy_rules/$first" '{"action":"deny"}' | jq -r '"\(.action) \(.cidr) \(.description) \(.ip_policy.id)"')" \
	"deny 127.0.0.2/32 desk $policy"
same patched "$(api PATCH "/ip_policies/$policy" '{"metadata":"m"}' | jq -r '"\(.description) \(.metadata)"')" 'the office m'
same refused "$(api PATCH "/ip_policy_rules/$first" '{"action":"drop"}' | jq -r .details.field)" action
same refused "$(api POST /ip_policy_rules "{\"ip_policy_id\":\"$policy\",\"action\":\"deny\"}" | jq -r .details.field)" cidr
same "no such rule" "$(api DELETE /ip_policy_rules/ipr_none | jq -r .status_code)" 404

stop_snisplitd
start_again
same "after a restart" "$(api GET "/ip_policies/$policy" | jq -r '"\(.description) \(.metadata) \([.rules[].action] | join(","))"')" \
	'the office m deny,deny,allow'
expect 127.0.0.3 nginx.test allow
expect 127.0.0.2 nginx.test block
cli ip-policy rm-rule "$first"
for name in app.test nginx.test python.test; do cli endpoint rm $name; done
cli ip-policy rm "$policy"
same "policies left" "$(cli --json ip-policy list | jq '.ip_policies | length')" 0
if [ "$DATAPATH" = kernel ]; then
	[ "$(counter deny_policy)" -ge 1 ] || fail "nothing was denied in the kernel"
	wait_for 20 eval '[ "$(dump_map policies | jq length)" = 0 ]'
fi
