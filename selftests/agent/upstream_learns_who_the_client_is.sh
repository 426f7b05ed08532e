# agent/upstream_learns_who_the_client_is.sh - With --proxy-proto the agent's upstream gets a PROXY header with the client's address, whoever ends TLS; and the connection still joins the kernel's path at the edge.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
certificate
mkdir -p "$TMP/n"
cat >"$TMP/n/conf" <<-CONF
	daemon off; user root; worker_processes 1; pid $TMP/n/pid; error_log $TMP/n/error.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/n/1; proxy_temp_path $TMP/n/2; fastcgi_temp_path $TMP/n/3;
		uwsgi_temp_path $TMP/n/4; scgi_temp_path $TMP/n/5;
		ssl_certificate $TMP/cert.pem; ssl_certificate_key $TMP/key.pem;
		server { listen $UP:9001 ssl proxy_protocol; return 200 "\$proxy_protocol_addr \$proxy_protocol_server_port"; }
		server { listen $UP:9000 proxy_protocol; return 200 "\$proxy_protocol_addr \$proxy_protocol_server_port"; }
	}
CONF
in_upstream_exec nginx -e "$TMP/n/error.log" -c "$TMP/n/conf" &
wait_for listening 9001 in_upstream
start_edge <<-CONF
	workers: 1
CONF
client=10.9.1.2 n=0
start_agent one tls "$UP:9001" --url app.test --proxy-proto 1
start_agent two tls "$UP:9001" --url nginx.test --proxy-proto=2
start_agent agent tls "$UP:9000" --url haproxy.test --terminate-at agent --crt "$TMP/cert.pem" --key "$TMP/key.pem" --proxy-proto 2
start_agent edge tls "$UP:9000" --url python.test --terminate-at edge --crt "$TMP/cert.pem" --key "$TMP/key.pem" --proxy-proto 2
for name in app nginx haproxy python; do
	wait_for is_ready $name.test
	same "$name" "$(fetch $name.test)" "$client 443"
	wait_for has_events $((n += 1)) # their order is the order of closing
done
event_is 1 datapath="$MOVER" conn.client_ip=$client
[ "$DATAPATH" = userspace ] || [ "$(event_field 1 bytes_kernel)" -gt 0 ] || fail "it stayed in user space"
event_is 3 terminated_at=agent
event_is 4 terminated_at=edge
wait_for agent_says one "\"connection closed\".*\"client\":\"$client:.*app.test"
