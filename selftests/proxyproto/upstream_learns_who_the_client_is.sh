# proxyproto/upstream_learns_who_the_client_is.sh - haproxy, nginx and Python servers behind the edge read the client's address from our header, on a fresh and on a warm connection, and the kernel carries what follows.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth family
. "$LIB"
need haproxy nginx python3 curl jq
certificate
cat >"$TMP/haproxy.cfg" <<-CONF
	defaults
	  mode http
	  timeout connect 5s
	  timeout client 10s
	  timeout server 10s
	frontend f
	  bind $UP:7001 accept-proxy ssl crt $TMP/both.pem
	  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port] %[fc_pp_authority] %[fc_pp_unique_id]\n"
CONF
cat >"$TMP/nginx.conf" <<-CONF
	daemon off;
	user root;
	worker_processes 1;
	pid $TMP/nginx.pid;
	error_log $TMP/nginx.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/1; proxy_temp_path $TMP/2; fastcgi_temp_path $TMP/3;
		uwsgi_temp_path $TMP/4; scgi_temp_path $TMP/5;
		server {
			listen $UP:7002 ssl proxy_protocol;
			ssl_certificate $TMP/cert.pem;
			ssl_certificate_key $TMP/key.pem;
			location / { return 200 "\$proxy_protocol_addr \$proxy_protocol_port \$proxy_protocol_server_addr \$proxy_protocol_server_port\n"; }
		}
	}
CONF
in_upstream_exec haproxy -db -q -f "$TMP/haproxy.cfg" 2>>"$TMP/haproxy.log" &
in_upstream_exec nginx -e "$TMP/nginx.log" -c "$TMP/nginx.conf" 2>>"$TMP/nginx.log" &
in_upstream_exec python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7003 "$TMP" 2>"$TMP/python.log" &
for port in 7001 7002 7003; do wait_for listening $port in_upstream; done
start_snisplitd <<-CONF
	workers: 1
	endpoints:
	- {url: "tls://haproxy.test", upstream: "$UP:7001", proxy_proto: 2}
	- {url: "tls://nginx.test", upstream: "$UP:7002", proxy_proto: 2}
	- {url: "tls://python.test", upstream: "$UP:7003", proxy_proto: 2}
	- {url: "tls://app.test", upstream: "$UP:7003", proxy_proto: 1}
CONF

n=0
alpn=h2
[ "$FAMILY" = 4 ] || alpn=null # left out: with it the header would be longer than nginx 1.22 takes
# ask NAME: the page, and what the event of its connection says
ask()
{
	PAGE=$(fetch "$1") || fail "$1: no page"
	n=$((n + 1))
	EVENT=$(closed_event $n)
	WHO=$(jq -r '.object.conn | "\(.client_ip) \(.client_port) \(.server_ip) \(.server_port)"' <<<"$EVENT")
	event_is $n datapath="$MOVER" conn.server_name="$1"
}
told() { jq -r '"\(.src) \(.sport) \(.dst) \(.dport)"' <<<"$PAGE"; }

for _ in fresh warm warm; do
	ask haproxy.test
	same haproxy "$PAGE" "$WHO haproxy.test $(jq -r .object.connection_id <<<"$EVENT")"
	ask nginx.test
	same nginx "$PAGE" "$WHO"
	ask app.test
	same "python, v1" "$(told)" "$WHO"
	ask python.test
	same "python, v2" "$(told)" "$WHO"
	same "v2's values" "$(jq -r '"\(.version) \(.authority) \(.alpn) \(.crc) \(.id)"' <<<"$PAGE")" \
		"2 python.test $alpn true $(jq -r .object.connection_id <<<"$EVENT")"
	[ "$(jq .length <<<"$PAGE")" -le 107 ] || fail "longer than nginx 1.22 takes: $PAGE"
done

# The header is no byte of the client's: what it sends and gets is counted to the byte.
head -c 3000000 /dev/zero >"$TMP/up"
same "uploaded" "$(fetch python.test -T "$TMP/up")" 3000000
same "downloaded" "$(in_client curl -sS --max-time 10 --cacert "$TMP/cert.pem" --connect-to "app.test:443:$EDGE:443" \
	https://app.test/big | sha256sum)" "$(head -c 2097152 /dev/zero | tr '\0' x | sha256sum)"
for i in $((n + 1)) $((n + 2)); do
	event_is "$i" datapath="$MOVER"
	sum=$(($(event_field "$i" conn.bytes_in) + $(event_field "$i" conn.bytes_out)))
	same "bytes of event $i" "$(($(event_field "$i" bytes_user) + $(event_field "$i" bytes_kernel)))" "$sum"
	if [ "$DATAPATH" = kernel ]; then
		[ "$(event_field "$i" bytes_kernel)" -gt 1500000 ] || fail "the kernel carried only $(event_field "$i" bytes_kernel)"
	fi
done
[ "$(cli --json status | jq '[.. | objects | select(.name? == "warm_used_user") | .value] | add')" != 0 ] ||
	fail "no warm upstream was used"
