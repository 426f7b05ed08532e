# ssh/commands_of_the_manual_run_verbatim.sh - What users of ngrok type for tls, tcp and http serves here as it stands; what it cannot do is refused by name.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 90
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need curl jq openssl python3
ip addr add 192.168.1.2/32 dev lo
certificate
# the services, where the commands have them: each says its own name first, then what it heard
python3 - "$TMP" <<-'PY' &
	import socket, ssl, sys, threading
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
	def serve(host, port, tls, http):
	    name = ("service %s:%d" % (host, port)).encode()
	    def one(c):
	        if tls: c = context.wrap_socket(c, server_side=True)
	        if http:
	            c.recv(4096)
	            c.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(name) + name)
	        else:
	            c.sendall(name + b"\n")
	            c.sendall(b"heard " + c.recv(4096))
	        c.close()
	    s = socket.create_server((host, port))
	    while True: threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
	for args in (("127.0.0.1", 443, True, True), ("127.0.0.1", 80, False, True), ("192.168.1.2", 80, False, True),
	             ("127.0.0.1", 22, False, False), ("127.0.0.1", 3389, False, False)):
	    threading.Thread(target=serve, args=args).start()
PY
for port in 443 80 22 3389; do wait_for listening $port; done
# those have the ports of 127.0.0.1
# shellcheck disable=SC2034 # lib_ssh.sh reads it
EDGE=127.0.0.2 TUNNEL=127.0.0.2:4443
start_gateway <<-CONF
	datapath: userspace
	workers: 1
	base_domain: edge.test
	tcp: {ports: "12345-12347", listen: ["127.0.0.2"], host: 1.tcp.eu.ngrok.io}
CONF
cat >"$TMP/ssh_config" <<-CONF
	Host connect.*
	HostName $EDGE
	Port $SSH_PORT
	IdentityFile $KEY
	IdentitiesOnly yes
	BatchMode yes
	UserKnownHostsFile $TMP/known_hosts
	HostKeyAlias [$EDGE]:$SSH_PORT
CONF
ssh() { exec ssh -F "$TMP/ssh_config" "$@"; }

# typed NAME: the function typed_NAME as a user's ssh; $url is where its service is then
typed()
{
	"typed_$1" >"$TMP/ssh.$1.log" 2>&1 </dev/null &
	wait_for ssh_says "$1" '^forwarding '
	url=$(sed -n 's/^endpoint *//p' "$TMP/ssh.$1.log")
	wait_for is_ready "$url"
}
page() { curl -sSk --max-time 10 --connect-to "::$EDGE:443" "https://${url#tls://}/"; }
said() { in_client python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
f = s.makefile("rb")
line = f.readline().decode().strip()
s.sendall(b"word")
print(line + ", " + f.read().decode())' "$EDGE" "${url##*:}"; }

typed_random() { ssh -R 443:localhost:80 v2@connect.ngrok-agent.com http; }
typed random
same "random http" "$(page)" "service 127.0.0.1:80"
typed_custom() { ssh -R example.ngrok.app:443:localhost:80 v2@connect.ngrok-agent.com http; }
typed custom
same "its url" "$url" tls://example.ngrok.app
same "custom domain" "$(page)" "service 127.0.0.1:80"
typed_elsewhere() { ssh -R 0:192.168.1.2:80 v2@connect.ngrok-agent.com http; }
typed elsewhere
same "a service elsewhere" "$(page)" "service 192.168.1.2:80"
typed_region() { ssh -R 443:localhost:80 v2@connect.eu.ngrok-agent.com http; }
typed region
same "another edge" "$(page)" "service 127.0.0.1:80"
typed_tls() { ssh -R app.example.com:443:localhost:443 v2@connect.ngrok-agent.com tls; }
typed tls
same "its url" "$url" tls://app.example.com
same "tls" "$(page)" "service 127.0.0.1:443"
typed_fixed() { ssh -R 1.tcp.eu.ngrok.io:12345:localhost:3389 connect.eu.ngrok-agent.com tcp; }
typed fixed
same "its url" "$url" tcp://1.tcp.eu.ngrok.io:12345
same "fixed tcp" "$(said)" "service 127.0.0.1:3389, heard word"
# (after it: the port is any that is free)
typed_tcp() { ssh -R 0:localhost:22 v2@connect.ngrok-agent.com tcp; }
typed tcp
[[ $url = tcp://1.tcp.eu.ngrok.io:1234[67] ]] || fail "url '$url'"
ssh_says tcp "^Allocated port ${url##*:} for remote forward to localhost:22"
same "tcp" "$(said)" "service 127.0.0.1:22, heard word"

refused_with 1109 -R 443:localhost:80 "v2@$EDGE" http --basic-auth "username1:password1" --basic-auth "username2:password2"
refused_with 1109 -R 443:localhost:80 "v2@$EDGE" http --oauth=google
refused_with 334 -R 1.tcp.eu.ngrok.io:12345:localhost:22 "$EDGE" tcp
refused_with 334 -R 12345:localhost:22 "$EDGE" tcp
refused_with 1116 -R 2222:localhost:22 "$EDGE" tcp
# (one of the two ports is taken: a host that is not the edge's never gets as far as that)
refused_with 249 -R elsewhere.test:12346:localhost:22 "$EDGE" tcp
refused_with 249 -R elsewhere.test:12347:localhost:22 "$EDGE" tcp
# at once, when no command comes
for port in 12345 2222; do
	refuse our_ssh -N -o ExitOnForwardFailure=yes -R $port:localhost:22 "$EDGE" 2>"$TMP/err"
	grep -q "remote port forwarding failed for listen port $port" "$TMP/err" || fail "$port: $(cat "$TMP/err")"
done
