# agent/upstream_chooses_the_protocol.sh - An agent that re-encrypts offers the upstream what the client offered, and the client gets what the upstream has chosen; with TLS ended at the edge, what was agreed on there.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
certificate
mkdir "$TMP/n"
cat >"$TMP/n/conf" <<-CONF
	daemon off; user root; worker_processes 1; pid $TMP/n/pid; error_log $TMP/n/error.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/n/1; proxy_temp_path $TMP/n/2; fastcgi_temp_path $TMP/n/3;
		uwsgi_temp_path $TMP/n/4; scgi_temp_path $TMP/n/5;
		ssl_certificate $TMP/cert.pem; ssl_certificate_key $TMP/key.pem;
		server {
			listen 127.0.0.1:9001 ssl http2;
			return 200 "\$server_protocol \$ssl_alpn_protocol\n";
		}
	}
CONF
nginx -e "$TMP/n/error.log" -c "$TMP/n/conf" &
wait_for listening 9001
start_edge <<-CONF
	workers: 1
CONF
start_agent own tls tls://localhost:9001 --terminate-at agent --url app.test --crt "$TMP/cert.pem" --key "$TMP/key.pem"
start_agent head tls tls://localhost:9001 --terminate-at agent --url nginx.test --crt "$TMP/cert.pem" --key "$TMP/key.pem" \
	--proxy-proto 2
start_agent http http tls://localhost:9001 --url http.test
for name in app.test nginx.test http.test; do wait_for is_ready $name; done
same "h2 is offered and chosen" "$(fetch app.test)" "HTTP/2.0 h2"
same "only http/1.1 is offered" "$(fetch app.test --http1.1)" "HTTP/1.1 http/1.1"
same "nothing is offered" "$(fetch app.test --no-alpn)" "HTTP/1.1 "
# a protocol the upstream has not is nobody's: its refusal is the client's
refuse openssl s_client -connect "$EDGE:443" -servername app.test -alpn foo/9 </dev/null >"$TMP/none" 2>&1
wait_for agent_says own '"reason":"upstream_refused"'
# where the header comes first the client's handshake does too, and no protocol is agreed on
same "behind a header" "$(openssl s_client -connect "$EDGE:443" -servername nginx.test -alpn h2 </dev/null 2>/dev/null |
	grep -c "No ALPN negotiated")" 1
same "agreed on at the edge" "$(curl -sS --max-time 10 --cacert "$CA" --connect-to "http.test:443:$EDGE:443" https://http.test/)" \
	"HTTP/1.1 http/1.1"
