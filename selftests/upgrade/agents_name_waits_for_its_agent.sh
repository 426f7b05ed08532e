# upgrade/agents_name_waits_for_its_agent.sh - After an upgrade a client of an agent's exact name, or of its longer wildcard, waits for the agent, although another wildcard that matches is online; so it does, and one of its TCP port, after the next upgrade, where they are not back yet (which forgot them), and for one that came and has left again (the wildcard got its clients).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq curl nginx python3
start_upstream nginx 9000
start_upstream python 9001
mkdir "$TMP/www" && echo "hello from plain" >"$TMP/www/page"
python3 -m http.server --bind 127.0.0.1 -d "$TMP/www" 9002 >"$TMP/www.log" 2>&1 &
wait_for listening 9002
start_edge <<-CONF
	workers: 1
	tcp: {ports: 20000-20009}
	endpoints: [{url: "tls://*.test", upstream: "$UP:9001"}]
CONF
start_agent a tls 9000 --url nginx.test
agents=$AGENT AGENT_EXACT=$AGENT
start_agent b tls 9000 --url '*.app.test'
agents="$agents $AGENT"
start_agent c tcp 9002
agents="$agents $AGENT"
has_port() { tcp=$(cli --json endpoint list | jq -er '.endpoints[] | select(.proto == "tcp").url'); }
wait_for has_port
wait_for is_ready "$tcp"
wait_for is_ready nginx.test
wait_for is_ready '*.app.test'
same "before" "$(fetch nginx.test) $(fetch python.test)" "hello from nginx hello from python"
for pid in $agents; do kill -STOP "$pid"; done
for i in 1 2; do
	upgrade || fail "upgrade $i: $(cat "$TMP/upgrade.log")"
	same "a name of the wildcard's own, at once" "$(fetch python.test)" "hello from python"
done
fetch nginx.test >"$TMP/exact" & exact=$!
fetch a.app.test -k >"$TMP/longer" & longer=$!
curl -sS --max-time 30 "http://127.0.0.1:${tcp##*:}/page" >"$TMP/plain" 2>"$TMP/curl.log" & plain=$!
waiting() { [ "$(cli --json conn list | jq '.connections | length')" -ge 2 ]; }
wait_for waiting
for pid in $agents; do kill -CONT "$pid"; done
wait "$exact" || fail "the client of the exact name was not served"
wait "$longer" || fail "the client of the longer wildcard was not served"
wait "$plain" || fail "the client of the TCP port was not served: $(cat "$TMP/curl.log")"
same "the page of the TCP port" "$(cat "$TMP/plain")" "hello from plain"
same "who answered" "$(cat "$TMP/exact") $(cat "$TMP/longer")" "hello from nginx hello from nginx"
# (it is waited for for ten seconds only)
upgrade || fail "upgrade 3: $(cat "$TMP/upgrade.log")"
# (and the wildcard has warm ones, for the verdict program to give away)
same "a name of the wildcard's own, once more" "$(fetch python.test)" "hello from python"
wait_for is_ready nginx.test
kill "$AGENT_EXACT"
wait_for eval '! is_ready nginx.test'
fetch nginx.test >"$TMP/exact" & exact=$!
wait_for eval '[ "$(live_conns)" -ge 1 ] || ! kill -0 $exact'
start_agent a tls 9000 --url nginx.test
wait "$exact" || fail "the client of the exact name was not served by the agent that came back"
same "who answered then" "$(cat "$TMP/exact")" "hello from nginx"
stop_upgraded
