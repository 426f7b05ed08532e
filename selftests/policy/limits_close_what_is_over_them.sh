# policy/limits_close_what_is_over_them.sh - max_conns, conn_rate and conn_rate_per_source of an endpoint close what is over them, before an upstream is dialled, and leave other endpoints and other sources alone.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need python3 jq openssl curl
start_upstream nginx 9000
start_snisplitd <<-CONF
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:9000", max_conns: 3}
	- {url: "tls://nginx.test", upstream: "$UP:9000", conn_rate: 2}
	- {url: "tls://python.test", upstream: "$UP:9000", conn_rate_per_source: 1}
	- {url: "tls://haproxy.test", upstream: "$UP:9000"}
CONF
count() { cli --json status | jq "[.counters[] | select(.name == \"$1\") | .value] | add"; }

for i in 1 2 3; do
	tail -f /dev/null | openssl s_client -quiet -connect "$EDGE:443" -servername app.test >"$TMP/s_client.$i" 2>&1 &
	wait_for eval '[ "$(cli --json conn list | jq "[.connections[] | select(.state == \"open\")] | length")" = $i ]'
done
dialled=$(count dialled)
refuse fetch app.test 2>/dev/null
event_is 1 close_reason=limit conn.server_name=app.test upstream_addr= ip_policy.decision=invalid
same "dialled for a refused one" "$(count dialled)" "$dialled"
same over_max_conns "$(count over_max_conns)" 1
same "another endpoint" "$(fetch haproxy.test)" 'hello from nginx'
cli conn kill "$(cli --json conn list | jq -r '.connections[0].id')"
same "with a place free" "$(fetch app.test)" 'hello from nginx'
wait_for eval '[ "$(live_conns)" = 2 ]'

# many NAME SOURCE COUNT: how many of so many in a row were served, and the seconds it took
many()
{
	local start=$SECONDS
	SERVED=$(for _ in $(seq "$3"); do echo "$2 $1 none 0"; done |
		python3 selftests/fixtures/proxy_client.py "$EDGE" 443 | grep -c '^hello') || true
	TOOK=$((SECONDS - start + 1))
}
many nginx.test 127.0.0.1 50
[ "$SERVED" -ge 2 ] || fail "only $SERVED served"
[ "$SERVED" -le $((2 + 2 * TOOK)) ] || fail "$SERVED served in $TOOK s at 2 a second"
same over_rate "$(count over_rate)" $((50 - SERVED))
many python.test 127.0.0.2 30
[ "$SERVED" -ge 1 ] || fail "none served"
[ "$SERVED" -le $((1 + TOOK)) ] || fail "$SERVED served in $TOOK s at 1 a second"
same over_source_rate "$(count over_source_rate)" $((30 - SERVED))
many python.test 127.0.0.3 1
same "another source" "$SERVED" 1
many haproxy.test 127.0.0.2 10
same "another endpoint" "$SERVED" 10
