# proxyproto/upstream_learns_of_the_session_that_ended_here.sh - When TLS ends at the edge, the v2 header says which version and cipher, whose certificate and which protocol it had, before plaintext and before TLS of ours alike.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need python3 curl jq openssl
certificate
for cn in ca client; do openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/$cn.key" 2>/dev/null; done
openssl req -x509 -new -key "$TMP/ca.key" -subj /CN=ca -days 2 -out "$TMP/ca.pem" 2>/dev/null
openssl req -new -key "$TMP/client.key" -subj '/CN=Ada Lovelace' 2>/dev/null |
	openssl x509 -req -CA "$TMP/ca.pem" -CAkey "$TMP/ca.key" -CAcreateserial -days 2 -out "$TMP/client.pem" 2>/dev/null
python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7003 "$TMP" plain 2>"$TMP/plain.log" &
python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7004 "$TMP" 2>"$TMP/tls.log" &
for port in 7003 7004; do wait_for listening $port; done
start_snisplitd <<-CONF
	accept_proxy: {from: [127.0.0.2]}
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:7003", proxy_proto: 2, terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	   mutual_tls_cas: $TMP/ca.pem}
	- {url: "tls://nginx.test", upstream: "tls://$UP:7004", proxy_proto: 2, terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
	- {url: "tls://python.test", upstream: "$UP:7003", proxy_proto: 1, terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
n=0
# told NAME FIELDS WANT [CURL ARG...]: what the upstream read; the addresses are those of the event
told()
{
	local name=$1 fields=$2 want=$3 page
	shift 3
	page=$(fetch "$name" "$@") || fail "$name: no page"
	n=$((n + 1))
	same "$name $*" "$(jq -r "[$fields] | map(tostring) | join(\" \")" <<<"$page")" "$want"
	same "$name: addresses" "$(jq -r '"\(.src) \(.sport) \(.dst) \(.dport)"' <<<"$page")" \
		"$(closed_event $n | jq -r '.object.conn | "\(.client_ip) \(.client_port) \(.server_ip) \(.server_port)"')"
}
all='.version, .authority, .ssl, .ssl_verify, .ssl_version, .ssl_cipher, .ssl_cn, .crc'
for _ in fresh warm; do
	told app.test "$all" '2 app.test 7 0 TLSv1.3 TLS_AES_256_GCM_SHA384 Ada Lovelace true' \
		--cert "$TMP/client.pem" --key "$TMP/client.key" --tls13-ciphers TLS_AES_256_GCM_SHA384 --http1.1
	told nginx.test "$all" '2 nginx.test 1 0 TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384 null true' \
		--tls-max 1.2 --ciphers ECDHE-ECDSA-AES256-GCM-SHA384 --http1.1
	told python.test .version 1 --http1.1
done

# The header in says who it is; TLS ends here; the header out repeats it.
page=$(echo 127.0.0.2 nginx.test v2-tcp6 3 | python3 selftests/fixtures/proxy_client.py 127.0.0.1 443)
n=$((n + 1))
same "through both" "$(jq -r '"\(.src) \(.sport) \(.dst) \(.dport) \(.ssl_version)"' <<<"$page")" '2001:db8::7 50122 2001:db8::1 443 TLSv1.3'
event_is $n conn.client_ip=2001:db8::7 conn.proxy_ip=127.0.0.2 terminated_at=edge
