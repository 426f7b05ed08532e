# agent/each_row_of_the_table_works.sh - TLS ended at the edge, the agent and the upstream, encryption again, the PROXY header, mutual TLS, IP restrictions and TCP: with names and without; each by the command line and by the file.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
issue ca "" 10 basicConstraints=critical,CA:true
issue all ca 5 subjectAltName=DNS:*.cli.test,DNS:*.file.test
issue person ca 5 extendedKeyUsage=clientAuth
mkdir "$TMP/n"
cat >"$TMP/n/conf" <<-CONF
	daemon off; user root; worker_processes 1; pid $TMP/n/pid; error_log $TMP/n/error.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/n/1; proxy_temp_path $TMP/n/2; fastcgi_temp_path $TMP/n/3;
		uwsgi_temp_path $TMP/n/4; scgi_temp_path $TMP/n/5;
		ssl_certificate $TMP/all.pem; ssl_certificate_key $TMP/all.key;
		server { listen 127.0.0.1:9000; return 200 "plaintext"; }
		server { listen 127.0.0.1:9001 ssl; return 200 "TLS"; }
		server { listen 127.0.0.1:9002 ssl proxy_protocol; return 200 "TLS from \$proxy_protocol_addr"; }
	}
CONF
nginx -e "$TMP/n/error.log" -c "$TMP/n/conf" &
wait_for listening 9001
start_edge <<-CONF
	workers: 1
CONF
pair=(--crt "$TMP/all.pem" --key "$TMP/all.key")
# (so many self-tests of the kernel path at once take their time; the agent of the file has it)
export AGENT_DATAPATH=userspace
start_agent edge tls 9000 --terminate-at edge --url edge.cli.test
start_agent upstream tls 9001 --terminate-at upstream --url upstream.cli.test
start_agent agent tls 9000 --terminate-at agent --url agent.cli.test "${pair[@]}"
start_agent again tls tls://localhost:9001 --terminate-at=edge --url again.cli.test
start_agent proxy tls 9002 --proxy-proto=2 --url proxy.cli.test
start_agent members tls 9000 --terminate-at agent --url members.cli.test "${pair[@]}" --mutual-tls-cas "$TMP/ca.pem"
start_agent guests tls 9000 --terminate-at edge --url guests.cli.test "${pair[@]}" --mutual-tls-cas="$TMP/ca.pem"
start_agent unnamed tls tls://localhost:9001 --terminate-at=edge
start_agent headed tls 9002 --proxy-proto=2
start_agent few tls 9001 --url few.cli.test --cidr-allow 192.0.2.0/24
start_agent most tls 9001 --url most.cli.test --cidr-allow 0.0.0.0/0 --cidr-deny 192.0.2.0/24
start_agent tcp tcp 9000 --url tcp://edge.localhost:22001
cat >"$TMP/agent.yml" <<-CONF
	version: 2
	authtoken: $TOKEN
	server_addr: $TUNNEL
	root_cas: $CA
	tunnels:
	  edge: {proto: tls, addr: 9000, domain: edge.file.test, terminate_at: edge}
	  upstream: {proto: tls, addr: 9001, domain: upstream.file.test, terminate_at: upstream}
	  agent: {proto: tls, addr: 9000, domain: agent.file.test, terminate_at: agent, crt: $TMP/all.pem, key: $TMP/all.key}
	  again: {proto: tls, addr: "tls://localhost:9001", domain: again.file.test, terminate_at: edge}
	  proxy: {proto: tls, addr: 9002, domain: proxy.file.test, proxy_proto: 2}
	  unnamed: {proto: tls, addr: "tls://localhost:9001", terminate_at: edge}
	  headed: {proto: tls, addr: 9002, proxy_proto: 2}
	  members: {proto: tls, addr: 9000, domain: members.file.test, terminate_at: agent, crt: $TMP/all.pem, key: $TMP/all.key,
	    mutual_tls_cas: $TMP/ca.pem}
	  guests: {proto: tls, addr: 9000, domain: guests.file.test, terminate_at: edge, crt: $TMP/all.pem, key: $TMP/all.key,
	    mutual_tls_cas: $TMP/ca.pem}
	  few: {proto: tls, addr: 9001, domain: few.file.test, ip_restriction: {allow_cidrs: [192.0.2.0/24]}}
	  most: {proto: tls, addr: 9001, domain: most.file.test,
	    ip_restriction: {allow_cidrs: [0.0.0.0/0], deny_cidrs: [192.0.2.0/24]}}
	  tcp: {proto: tcp, addr: 9000, remote_addr: "edge.localhost:22002"}
CONF
# shellcheck disable=SC2031
unset SNISPLIT_SERVER SNISPLIT_SERVER_CA SNISPLIT_AUTHTOKEN AGENT_DATAPATH
start_agent file start --all --config "$TMP/agent.yml"
cat "$CA" "$TMP/ca.pem" >"$TMP/both-cas.pem"
get() { curl -sS --max-time 10 --cacert "$TMP/both-cas.pem" --connect-to "$1:443:$EDGE:443" "${@:2}" "https://$1/" 2>/dev/null; }
member() { get "$1" --cert "$TMP/person.pem" --key "$TMP/person.key"; }
at() { cli --json endpoint get "$1" | jq -r .terminate_at; }
for of in cli file; do
	for row in edge upstream agent again proxy members guests few most; do wait_for 20 is_ready $row.$of.test; done
	same "ends at the edge" "$(get edge.$of.test) $(at edge.$of.test)" "plaintext edge"
	same "ends at the upstream" "$(get upstream.$of.test) $(at upstream.$of.test)" "TLS upstream"
	same "ends at the agent" "$(get agent.$of.test) $(at agent.$of.test)" "plaintext agent"
	same "encrypted again" "$(get again.$of.test)" "TLS"
	same "with the header" "$(get proxy.$of.test)" "TLS from 127.0.0.1"
	same "a member" "$(member members.$of.test), $(member guests.$of.test)" "plaintext, plaintext"
	same "a stranger" "$(get members.$of.test)$(get guests.$of.test)" ""
	same "who is denied" "$(get few.$of.test)" ""
	same "who is not" "$(get most.$of.test)" "TLS"
done
for port in 22001 22002; do
	wait_for 20 is_ready tcp://edge.localhost:$port
	same "TCP" "$(curl -sS --max-time 10 "http://$EDGE:$port/")" "plaintext"
done
# without a name, as the examples have it, the edge makes one up
made_up() { cli --json endpoint list | jq -r '.endpoints[].host' | grep '^[a-z0-9]*\.edge\.localhost$'; }
all_ready() { [ "$(made_up | wc -l)" = 4 ] && for name in $(made_up); do is_ready "$name" || return 1; done; }
wait_for 20 all_ready
for name in $(made_up); do
	echo "$(at "$name"): $(get "$name" --insecure)"
done | sort >"$TMP/made-up"
same "made up" "$(tr '\n' ',' <"$TMP/made-up")" "edge: TLS,edge: TLS,upstream: TLS from 127.0.0.1,upstream: TLS from 127.0.0.1,"
same "sessions" "$(curl -s --unix-socket "$TMP/control.sock" http://x/tunnel_sessions | jq '.tunnel_sessions | length')" 13
