# proxyproto/hitch_takes_our_header.sh - hitch reads the header ahead of the client's TLS and hands the address on.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath family
. "$LIB"
need hitch python3 curl jq
certificate
python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7002 "$TMP" plain 2>"$TMP/python.log" &
wait_for listening 7002
hitch --proxy-proxy --user=root --group=root --workers=1 --frontend="[$(unbracket "$UP")]:7001" \
	--backend="[$(unbracket "$UP")]:7002" "$TMP/both.pem" >"$TMP/hitch.log" 2>&1 &
wait_for listening 7001
start_snisplitd <<-CONF
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:7001", proxy_proto: 1}
	- {url: "tls://nginx.test", upstream: "$UP:7001", proxy_proto: 2}
CONF
n=0
for name in app.test nginx.test app.test nginx.test; do
	page=$(fetch $name) || fail "$name: no page"
	n=$((n + 1))
	same "$name" "$(jq -r '"\(.src) \(.sport) \(.dst) \(.dport)"' <<<"$page")" \
		"$(closed_event $n | jq -r '.object.conn | "\(.client_ip) \(.client_port) \(.server_ip) \(.server_port)"')"
	event_is $n datapath="$MOVER"
done
