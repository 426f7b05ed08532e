# proxyproto/address_survives_two_proxies.sh - A load balancer's PROXY header goes in and the same address comes out to the upstream, with bulk both ways intact and in the kernel.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath family
. "$LIB"
need haproxy curl python3 jq
certificate
python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7003 "$TMP" 2>"$TMP/python.log" &
for version in v1 v2; do
	cat <<-CONF
		listen $version
		  mode tcp
		  bind $EDGE:700${version#v}
		  timeout connect 5s
		  timeout client 10s
		  timeout server 10s
		  server s $EDGE:443 send-proxy${version/v1/}
	CONF
done | sed 's/send-proxyv2/send-proxy-v2/' >"$TMP/haproxy.cfg"
haproxy -db -q -f "$TMP/haproxy.cfg" 2>>"$TMP/haproxy.log" &
for port in 7001 7002 7003; do wait_for listening $port; done
start_snisplitd <<-CONF
	accept_proxy: {from: ["$(unbracket "$EDGE")"]}
	endpoints: [{url: "tls://app.test", upstream: "$UP:7003", proxy_proto: 2}]
CONF
head -c 3000000 /dev/zero >"$TMP/up"
n=0
for port in 7001 7002; do
	ask() { curl -sS --max-time 10 --cacert "$TMP/cert.pem" --connect-to "app.test:443:$EDGE:$port" -w '\n%{local_ip} %{local_port} %{remote_ip} %{remote_port}\n' "$@"; }
	page=$(ask https://app.test/page)
	same "address behind $port" "$(head -n 1 <<<"$page" | jq -r '"\(.src) \(.sport) \(.dst) \(.dport)"')" "$(tail -n 1 <<<"$page")"
	same uploaded "$(ask https://app.test/page -T "$TMP/up" | head -n 1)" 3000000
	same downloaded "$(ask https://app.test/big | head -c 2097152 | sha256sum)" "$(head -c 2097152 /dev/zero | tr '\0' x | sha256sum)"
	for n in $((n + 1)) $((n + 2)) $((n + 3)); do
		event_is $n datapath="$MOVER" conn.proxy_ip="$(unbracket "$EDGE")"
		same "bytes of event $n" "$(($(event_field $n bytes_user) + $(event_field $n bytes_kernel)))" \
			"$(($(event_field $n conn.bytes_in) + $(event_field $n conn.bytes_out)))"
	done
done
if [ "$DATAPATH" = kernel ]; then
	[ "$(counter redirect_bytes)" -gt 5000000 ] || fail "the kernel carried only $(counter redirect_bytes)"
fi
