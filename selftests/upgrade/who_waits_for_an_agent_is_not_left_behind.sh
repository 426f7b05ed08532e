# upgrade/who_waits_for_an_agent_is_not_left_behind.sh - Clients that wait for an agent's channel when an upgrade is asked for get it before the daemons change (the socket that the agent calls was the next one's, which knows nothing of them); who comes meanwhile waits in the listening socket, and is served too.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need python3 jq
M=selftests/fixtures/members.py
python3 $M serve "$UP" 9001 name &
wait_for listening 9001
start_edge <<-CONF
	workers: 1
	timeouts: {client_hello: 30s, connect: 20s}
	pool: {max_idle: 4}
CONF
start_agent a tls 9001 --url name.test
wait_for is_ready name.test
load() { python3 $M load "$EDGE" 443 name.test "$@" 2>/dev/null; }
same "at first" "$(load 10 0)" '{"name": 10}'
kill -STOP "$AGENT"
load 60 1000 >"$TMP/waited" &
waited=$!
wait_for eval '[ "$(live_conns)" = 60 ]'
upgrade && echo "$DAEMON" >"$TMP/pid" &
upgrade=$!
# nobody is let in any more: what comes now stays in the listening socket
shut() { [ "$(ss -Htln 'sport = :443' | awk "{print \$2}")" -ge 3 ]; }
knocks=()
knock()
{
	local fd
	exec {fd}<>/dev/tcp/"$EDGE"/443
	knocks[${#knocks[@]}]=$fd
	shut || [ -s "$TMP/pid" ]
}
wait_for knock
load 20 1000 >"$TMP/came" &
came=$!
kill -CONT "$AGENT"
for fd in "${knocks[@]}"; do exec {fd}>&-; done
wait "$upgrade" || fail "upgrade: $(cat "$TMP/upgrade.log")"
DAEMON=$(cat "$TMP/pid")
wait "$waited" "$came"
same "who waited, and who came meanwhile" "$(cat "$TMP/waited" "$TMP/came" | xargs)" '{name: 60} {name: 20}'
refuse grep -q 'clients that wait for an agent will be closed' "$TMP/snisplitd.log"
stop_upgraded
