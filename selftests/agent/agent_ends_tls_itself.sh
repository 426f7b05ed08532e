# agent/agent_ends_tls_itself.sh - With TLS ended at the agent the edge sees none of it: the agent shows its own certificate, asks clients for theirs, reads its files again when they change, and goes on doing so in the next session.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need curl jq openssl python3
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test extendedKeyUsage=serverAuth
issue person ca 5 extendedKeyUsage=clientAuth
issue stranger "" 5 extendedKeyUsage=clientAuth
mkdir "$TMP/web" && echo "for members" >"$TMP/web/page"
python3 -m http.server -d "$TMP/web" --bind 127.0.0.1 9000 >"$TMP/web.log" 2>&1 &
wait_for 30 listening 9000
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls 9000 --terminate-at agent --url app.test --crt "$TMP/app.test.pem" --key "$TMP/app.test.key" \
	--mutual-tls-cas "$TMP/ca.pem"
wait_for is_ready app.test
get() { curl -sS --max-time 10 --cacert "$TMP/ca.pem" --connect-to "app.test:443:$EDGE:443" "$@" https://app.test/page; }
same "a member" "$(get --cert "$TMP/person.pem" --key "$TMP/person.key")" "for members"
event_is 1 terminated_at=agent datapath="$MOVER" tls.version=
refuse get 2>"$TMP/none"
grep -q "certificate required\|alert" "$TMP/none" || fail "no alert: $(cat "$TMP/none")"
refuse get --cert "$TMP/stranger.pem" --key "$TMP/stranger.key" 2>/dev/null
wait_for agent_says a '"reason":"tls_handshake"'
serial() { openssl s_client -connect "$EDGE:443" -servername app.test -cert "$TMP/person.pem" -key "$TMP/person.key" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
old=$(serial)
issue app.test ca 5 subjectAltName=DNS:app.test extendedKeyUsage=serverAuth
wait_for agent_says a "read again"
new=$(serial)
[ -n "$new" ] && [ "$old" != "$new" ] || fail "still the old certificate: $old $new"
# a session later (3.10.1 of somebody else's agent forgot)
stop_snisplitd KILL
start_again
wait_for 20 is_ready app.test
same "a member, later" "$(get --cert "$TMP/person.pem" --key "$TMP/person.key")" "for members"
refuse get 2>/dev/null
