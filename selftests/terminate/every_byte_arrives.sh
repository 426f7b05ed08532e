# terminate/every_byte_arrives.sh - Random streams through a terminating and a re-encrypting endpoint, whichever side ends first: every byte arrives, and each end is told as an end.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth-nogro family=4
# Timeout: 120
. "$LIB"
need python3 openssl jq
certificate
py=$LIB_DIR/helpers/tls_stream.py
conns=$([ "$LONG" = 1 ] && echo 3000 || echo 80)
in_upstream_exec python3 "$py" server "$UP" 9000 >"$TMP/plain.log" 2>&1 &
in_upstream_exec python3 "$py" server "$UP" 9001 "$TMP/cert.pem" "$TMP/key.pem" >"$TMP/tls.log" 2>&1 &
wait_for listening 9000 in_upstream
wait_for listening 9001 in_upstream
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
	  - {url: "tls://python.test", upstream: "tls://$UP:9001", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
for name in app.test python.test; do
	sum=$(in_client python3 "$py" client "$EDGE" 443 "$name" "$TMP/cert.pem" "$conns" 1 2>>"$TMP/client.log") || fail "$name: $sum"
	same "$name" "$sum" "$conns good, 0 bad"
done
all_served() { [ "$(cat "$TMP/plain.log" "$TMP/tls.log" | grep -c '^ok')" = $((2 * conns)) ]; }
wait_for all_served
refuse grep -H '^bad' "$TMP/plain.log" "$TMP/tls.log"
wait_for has_events $((2 * conns))
same "reasons" "$(jq -r .object.close_reason "$EVENTS" | grep -vcE '^(client|upstream)_fin$')" 0
