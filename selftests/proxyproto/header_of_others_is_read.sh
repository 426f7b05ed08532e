# proxyproto/header_of_others_is_read.sh - We find in the PROXY headers of haproxy and nginx the addresses and names of the client they had.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need haproxy nginx python3 openssl
certificate
cat >"$TMP/haproxy.cfg" <<-CONF
	defaults
	  mode tcp
	  timeout connect 5s
	  timeout client 10s
	  timeout server 10s
	listen v1
	  bind 127.0.0.1:7001
	  bind ::1:7001 v6only
	  bind :::7101 v4v6
	  server s 127.0.0.1:9000 send-proxy
	listen v2
	  bind 127.0.0.1:7002
	  bind ::1:7002 v6only
	  bind :::7102 v4v6
	  server s 127.0.0.1:9000 send-proxy-v2 proxy-v2-options crc32c
	listen tls
	  bind 127.0.0.1:7003 ssl crt $TMP/both.pem ca-file $TMP/cert.pem verify optional alpn h2,http/1.1
	  unique-id-format %ci-%cp
	  server s 127.0.0.1:9000 send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,crc32c,authority,unique-id
	listen unix1
	  bind unix@$TMP/unix1
	  server s 127.0.0.1:9000 send-proxy
	listen unix2
	  bind unix@$TMP/unix2
	  server s 127.0.0.1:9000 send-proxy-v2 proxy-v2-options crc32c
CONF
cat >"$TMP/nginx.conf" <<-CONF
	daemon off;
	user root;
	worker_processes 1;
	load_module /usr/lib/nginx/modules/ngx_stream_module.so;
	pid $TMP/nginx.pid;
	error_log $TMP/nginx.log;
	events { worker_connections 100; }
	stream {
		server { listen 127.0.0.1:7004; listen [::1]:7004; proxy_protocol on; proxy_pass 127.0.0.1:9000; }
	}
CONF
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || skip "nginx's stream module is not installed"

# One connection a time: connect as told, print whence, and what the proxy sent on.
cat >"$TMP/ask.py" <<-'PY'
	import socket, ssl, sys
	where, port, out = sys.argv[1:]
	server = socket.create_server(("127.0.0.1", 9000))
	server.settimeout(10)
	family = socket.AF_UNIX if "/" in where else socket.AF_INET6 if ":" in where else socket.AF_INET
	client = socket.socket(family)
	client.connect(where if "/" in where else (where, int(port)))
	name = client.getsockname()
	if port == "7003":
	    context = ssl.create_default_context()
	    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
	    context.load_cert_chain(sys.argv[3].rsplit("/", 1)[0] + "/both.pem")
	    context.set_alpn_protocols(["h2"])
	    client = context.wrap_socket(client, server_hostname="app.test")
	client.sendall(b"payload")
	upstream, _ = server.accept()
	data = b""
	while not data.endswith(b"payload"):
	    piece = upstream.recv(65536)
	    assert piece, "closed"
	    data += piece
	open(out, "wb").write(data)
	print("-" if family == socket.AF_UNIX else f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}")
PY
haproxy -db -q -f "$TMP/haproxy.cfg" 2>>"$TMP/haproxy.log" &
nginx -e "$TMP/nginx.log" -c "$TMP/nginx.conf" 2>>"$TMP/nginx.log" &
for port in 7001 7101 7002 7102 7003 7004; do wait_for listening $port; done

# is_read WHERE PORT DST [REST]: the client is at SRC, as it says itself; REST has its port for PORT
is_read()
{
	local src got end want
	src=$(python3 "$TMP/ask.py" "$1" "$2" "$TMP/sent") || fail "$1 $2: no connection"
	got=$("$HELPERS/header" read <"$TMP/sent")
	end=$(($(stat -c %s "$TMP/sent") - 7))
	want="ok $end $src $3${4:+ ${4//PORT/${src##*:}}}"
	same "$1 $2" "$got" "$want"
}

is_read 127.0.0.1 7001 127.0.0.1:7001
is_read ::1 7001 '[::1]:7001'
is_read 127.0.0.1 7101 127.0.0.1:7101
is_read 127.0.0.1 7002 127.0.0.1:7002 crc
is_read ::1 7002 '[::1]:7002' crc
is_read 127.0.0.1 7102 127.0.0.1:7102 crc
is_read 127.0.0.1 7003 127.0.0.1:7003 \
	'crc authority=app.test alpn=h2 id=127.0.0.1-PORT ssl=7/0 version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 cn=test'
is_read 127.0.0.1 7004 127.0.0.1:7004
is_read ::1 7004 '[::1]:7004'
is_read "$TMP/unix1" 0 -
is_read "$TMP/unix2" 0 -
