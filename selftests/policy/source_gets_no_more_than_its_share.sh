# policy/source_gets_no_more_than_its_share.sh - max_conns_per_source counts the connections a source has, those the kernel started before the limit was set too, and nobody else's; a place is free again when one ends.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath family
. "$LIB"
need python3 jq openssl curl
start_upstream nginx 9000
start_snisplitd <<-CONF
	workers: 1
	endpoints: [{url: "tls://nginx.test", upstream: "$UP:9000"}]
CONF
count() { cli --json status | jq "[.counters[] | select(.name == \"$1\") | .value] | add"; }
held() { cli --json conn list | jq '[.connections[] | select(.state == "open")] | length'; }
hold() # NAME [ARG...]: one more connection that stays
{
	local n name=$1
	shift
	n=$(($(held) + 1))
	tail -f /dev/null | openssl s_client -quiet -connect "$EDGE:443" -servername "$name" "$@" >"$TMP/s_client.$n" 2>&1 &
	wait_for eval '[ "$(held)" = '"$n"' ]'
}
cli endpoint add tls://app.test --upstream "$UP:9000" >/dev/null
for _ in 1 2 3; do fetch app.test >"$TMP/page"; done # a warm upstream for the verdict program
started=$(count start_kernel)
hold app.test
hold app.test
[ "$DATAPATH" != kernel ] || [ "$(count start_kernel)" -gt "$started" ] || fail "the kernel started none of the two"
cli endpoint set app.test --max-conns-per-source 3 >/dev/null
hold app.test
dialled=$(count dialled)
n=$(wc -l <"$EVENTS")
refuse fetch app.test 2>/dev/null
event_is $((n + 1)) close_reason=limit conn.server_name=app.test upstream_addr=
same "dialled for a refused one" "$(count dialled)" "$dialled"
same over_source_conns "$(count over_source_conns)" 1
same "another endpoint" "$(fetch nginx.test)" 'hello from nginx'
from=127.0.0.7
if [ "$FAMILY" = 6 ]; then
	from=fd07::1:0:0:7
	for a in $from fd07::1:0:0:8; do ip addr add $a/128 dev lo nodad; done
fi
same "another source" "$(fetch app.test --interface $from)" 'hello from nginx'
cli conn kill "$(cli --json conn list | jq -r '.connections[0].id')"
wait_for eval '[ "$(held)" = 2 ]'
same "with a place free" "$(fetch app.test)" 'hello from nginx'
wait_for eval '[ "$(held)" = 2 ]'
hold app.test
refuse fetch app.test 2>/dev/null

if [ "$FAMILY" = 6 ]; then # one /64 is one source
	cli endpoint set app.test --max-conns-per-source 1 >/dev/null
	hold app.test -bind '[fd07::1:0:0:7]:0'
	refuse fetch app.test --interface fd07::1:0:0:8 2>/dev/null
fi
