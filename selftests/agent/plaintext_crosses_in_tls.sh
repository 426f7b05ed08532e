# agent/plaintext_crosses_in_tls.sh - With TLS ended at the edge the agent's upstream gets plaintext, and nobody between edge and agent can read it; tls:// encrypts it again; http agrees on http/1.1.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl python3
start_upstream nginx 9001
mkdir "$TMP/web" && echo "a page in the clear" >"$TMP/web/page"
python3 -m http.server -d "$TMP/web" --bind 127.0.0.1 9000 >"$TMP/web.log" 2>&1 &
wait_for 30 listening 9000
start_edge <<-CONF
	workers: 1
CONF
# what lies between, and keeps all it sees
python3 "$LIB_DIR/helpers/wire.py" 127.0.0.1:4444 "$TUNNEL" "$TMP/seen" &
wait_for 30 listening 4444
export SNISPLIT_SERVER=127.0.0.1:4444
start_agent plain tls 9000 --terminate-at=edge --url=plain.test
start_agent again tls tls://localhost:9001 --terminate-at edge --url again.test
start_agent http http 9000 --url tls://http.test
for name in plain.test again.test http.test; do wait_for is_ready $name; done
get() { curl -sS --max-time 10 --cacert "$CA" --connect-to "$1:443:$EDGE:443" "${@:2}" "https://$1/page"; }
same "plaintext" "$(get plain.test)" "a page in the clear"
event_is 1 terminated_at=edge close_reason="client_fin|upstream_fin|client_rst" conn.server_name=plain.test
same "encrypted again" "$(get again.test)" "hello from nginx"
wait_for has_events 2
same "over http" "$(get http.test)" "a page in the clear"
event_is 3 tls.alpn=http/1.1
refuse grep -aq "in the clear" "$TMP/seen"
refuse grep -aq "GET /page" "$TMP/seen"
grep -aq "SNIsplD1" "$TMP/seen" && fail "a token was in the clear"
# a wrong certificate of the upstream is seen when it is looked at
start_agent strict tls tls://localhost:9001 --terminate-at edge --url strict.test --upstream-tls-verify-cas "$TMP/cert.pem"
wait_for is_ready strict.test
refuse get strict.test 2>/dev/null
wait_for agent_says strict "upstream localhost:9001: .*certificate"
