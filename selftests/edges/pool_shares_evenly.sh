# edges/pool_shares_evenly.sh - Endpoints that all have pooling share the connections of their name to within 5%, whoever starts them, and the kernel starts them when it can.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need python3 jq
M=selftests/fixtures/members.py
: "${CONNS:=$([ "$LONG" = 1 ] && echo 10000 || echo 4000)}"
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9001", pooling_enabled: true}
	  - {url: "tls://app.test", upstream: "$UP:9002", pooling_enabled: true}
CONF
for tag in 1 2 3; do
	python3 $M serve "$UP" 900$tag $tag &
	wait_for listening 900$tag
done
cli endpoint add tls://app.test --upstream "$UP:9003" --pooling-enabled >/dev/null
out=$(python3 $M load "$EDGE" 443 app.test "$CONNS" 0)
echo "$out"
jq -e --argjson n "$CONNS" '.lost == null and length == 3 and all(.[]; . > $n / 3 * 0.95 and . < $n / 3 * 1.05)' <<<"$out" >/dev/null ||
	fail "not even, or lost: $out"
if [ "$DATAPATH" = kernel ]; then
	started=$(counter start_kernel)
	[ "$started" -gt $((CONNS / 4)) ] || fail "the kernel started only $started of $CONNS"
	same "turns taken" "$(dump_map groups | jq '[.[] | (.formatted // .) | .value | select(.made != 0) | .turn] | add')" "$CONNS"
fi
same "counted" "$(cli --json endpoint list | jq '[.endpoints[].metrics.conns.count] | add')" "$CONNS"
