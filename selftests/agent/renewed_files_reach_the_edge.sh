# agent/renewed_files_reach_the_edge.sh - The certificate that an agent gives the edge is sent again when its files change, without the name being offline for a moment; a pair that does not fit is not.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need curl jq openssl python3
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test extendedKeyUsage=serverAuth
mkdir "$TMP/web" && echo "a page" >"$TMP/web/page"
python3 -m http.server -d "$TMP/web" --bind 127.0.0.1 9000 >"$TMP/web.log" 2>&1 &
wait_for 30 listening 9000
start_edge <<-CONF
	workers: 2
CONF
start_agent a tls 9000 --terminate-at edge --url app.test --crt "$TMP/app.test.pem" --key "$TMP/app.test.key"
wait_for is_ready app.test
id() { cli --json endpoint get app.test | jq -r .id; }
get() { curl -sS --max-time 10 --cacert "$TMP/ca.pem" --connect-to "app.test:443:$EDGE:443" https://app.test/page; }
serial() { openssl s_client -connect "$EDGE:443" -servername app.test </dev/null 2>/dev/null | openssl x509 -noout -serial; }
same "the page" "$(get)" "a page"
old=$(serial) was=$(id)
(while [ ! -e "$TMP/stop" ]; do get; done >"$TMP/got" 2>&1) &
loop=$!
cp "$TMP/app.test.key" "$TMP/old.key"
issue app.test ca 5 subjectAltName=DNS:app.test extendedKeyUsage=serverAuth
renewed() { [ "$(serial)" != "$old" ]; }
wait_for renewed
touch "$TMP/stop"
wait $loop
same "what was got meanwhile" "$(sort -u "$TMP/got")" "a page"
same "the endpoint" "$(id)" "$was"
same "the page again" "$(get)" "a page"
new=$(serial)
# another key than the certificate's
cp "$TMP/old.key" "$TMP/app.test.key"
wait_for agent_says a "those read before stay in use"
same "still that certificate" "$(serial)" "$new"
# and so it is after a restart of the edge
stop_snisplitd KILL
start_again
wait_for 20 is_ready app.test
same "in the next session" "$(serial)" "$new"
