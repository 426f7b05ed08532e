# terminate/edge_serves_browser_clients.sh - A terminating endpoint speaks TLS 1.2 and 1.3, over IPv4 and IPv6, and hands plaintext to its upstream; the event tells the session.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth ~family
. "$LIB"
need openssl curl jq python3
certificate
echo "hello from plain" >"$TMP/page"
in_upstream_exec python3 -m http.server --bind "$(unbracket "$UP")" --directory "$TMP" 9000 2>/dev/null &
wait_for listening 9000 in_upstream
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
n=0
for v in 2 3; do
	n=$((n + 1))
	same "curl over TLS 1.$v" "$(fetch app.test "--tlsv1.$v" --tls-max "1.$v")" "hello from plain"
	event_is $n terminated_at=edge datapath=userspace bytes_kernel=0 tls.version="1.$v" upstream_addr="$UP:9000" \
		conn.server_name=app.test
done
