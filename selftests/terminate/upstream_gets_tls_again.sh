# terminate/upstream_gets_tls_again.sh - A re-encrypting endpoint tells its upstream the name, takes the upstream's protocol for the client, shows its own certificate, and refuses an upstream whose certificate is not for the name, which the log says once, with what to do (it said nothing).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need nginx curl jq openssl
certificate
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test extendedKeyUsage=serverAuth
issue edge ca 5 extendedKeyUsage=clientAuth
mkdir -p "$TMP/n"
cat >"$TMP/n/conf" <<-CONF
	daemon off; user root; worker_processes 1; pid $TMP/n/pid; error_log $TMP/n/error.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/n/1; proxy_temp_path $TMP/n/2; fastcgi_temp_path $TMP/n/3;
		uwsgi_temp_path $TMP/n/4; scgi_temp_path $TMP/n/5;
		ssl_certificate $TMP/app.test.pem; ssl_certificate_key $TMP/app.test.key;
		ssl_client_certificate $TMP/ca.pem; ssl_verify_client optional;
		server {
			listen $UP:9001 ssl http2;
			return 200 "\$ssl_server_name \$server_protocol \$ssl_client_s_dn";
		}
	}
CONF
nginx -e "$TMP/n/error.log" -c "$TMP/n/conf" &
wait_for listening 9001
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "tls://$UP:9001", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	     upstream_tls_verify: true, upstream_tls_verify_cas: $TMP/ca.pem, upstream_crt: $TMP/edge.pem, upstream_key: $TMP/edge.key}
	  - {url: "tls://nginx.test", upstream: "tls://$UP:9001", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem, alpn: [http/1.1]}
	  - {url: "tls://haproxy.test", upstream: "tls://$UP:9001", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	     upstream_tls_verify_cas: $TMP/ca.pem} # CAs alone mean it too
	  - {url: "tls://system.test", upstream: "tls://$UP:9001", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem, upstream_tls_verify: true}
CONF
same "h2 by the upstream's choice" "$(fetch app.test)" "app.test HTTP/2.0 CN=edge,O=test"
event_is 1 tls.alpn=h2 terminated_at=edge close_reason="client_fin|client_rst"
same "the endpoint's own list" "$(fetch nginx.test)" "nginx.test HTTP/1.1 "
event_is 2 tls.alpn=http/1.1 close_reason=client_fin # nginx answers close_notify by FIN alone
# nginx's certificate is for app.test
refuse fetch haproxy.test 2>/dev/null
event_is 3 close_reason=upstream_refused
event_field 3 error | grep -qi "name" || fail "says: $(event_field 3 error)"
refuse fetch haproxy.test 2>/dev/null
event_is 4 close_reason=upstream_refused
same "lines of it" "$(grep "endpoint haproxy.test: no TLS with its upstream $UP:9001: .*name.*; it needs a certificate for 'haproxy.test', issued by a CA of upstream_tls_verify_cas" -c "$TMP/snisplitd.log")" 1
# the CAs of the system do not know it, and that is what is told
refuse fetch system.test 2>/dev/null
event_is 5 close_reason=upstream_refused
event_field 5 error | grep -q "upstream's certificate refused: .*issuer" || fail "says: $(event_field 5 error)"
grep -q "endpoint system.test: no TLS with its upstream $UP:9001: .*issuer" "$TMP/snisplitd.log" || fail "says: $(grep system.test "$TMP/snisplitd.log")"
