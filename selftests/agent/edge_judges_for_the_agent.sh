# agent/edge_judges_for_the_agent.sh - The edge keeps out whom --cidr-allow and --cidr-deny of an agent name, before the agent hears of them, and asks for client certificates where it ends TLS.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_upstream nginx 9001
issue ca "" 10 basicConstraints=critical,CA:true
issue person ca 5 extendedKeyUsage=clientAuth
start_edge <<-CONF
	workers: 1
CONF
start_agent ip tls 9001 --url app.test --cidr-allow 127.0.0.0/8 --cidr-deny=127.0.0.5/32 --cidr-deny 127.0.0.6/32
start_agent mtls tls tls://localhost:9001 --url nginx.test --terminate-at edge --crt "$TMP/cert.pem" --key "$TMP/key.pem" --mutual-tls-cas "$TMP/ca.pem"
wait_for is_ready app.test
wait_for is_ready nginx.test
same "allowed" "$(fetch app.test --interface 127.0.0.4)" "hello from nginx"
wait_for has_events 1
refuse fetch app.test --interface 127.0.0.5 2>/dev/null
wait_for has_events 2
refuse fetch app.test --interface 127.0.0.6 2>/dev/null
event_is 1 ip_policy.decision=allow datapath="$MOVER"
event_is 2 ip_policy.decision=block close_reason=ip_denied
event_is 3 ip_policy.decision=block close_reason=ip_denied
same "known" "$(fetch nginx.test --cert "$TMP/person.pem" --key "$TMP/person.key")" "hello from nginx"
event_is 4 tls.client_cert_subject="CN=person,O=test"
refuse fetch nginx.test 2>/dev/null
event_is 5 close_reason=tls_handshake
wait_for agent_says ip '"connection closed".*"client":"127.0.0.4'
refuse grep -q '127.0.0.[56]' "$TMP/agent.ip.log"
# what cannot be is refused with the number it has everywhere
status=0
"$O/snisplit" tls 9001 --url x.test --cidr-deny 192.0.2.0/24 --log false >"$TMP/deny.log" 2>&1 || status=$?
same "deny alone" "$status" 1
grep -q "ERR_SNISPLIT_393" "$TMP/deny.log" || fail "$(cat "$TMP/deny.log")"
