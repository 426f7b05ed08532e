# agent/tcp_endpoints_have_limits_and_headers.sh - A TCP endpoint keeps max_conns, conn_rate, IP rules and shared policies, reads and writes PROXY headers, and agents that pool share one.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq socat openssl
socat TCP-LISTEN:9001,fork,reuseaddr SYSTEM:'echo one; cat' 2>/dev/null &
socat TCP-LISTEN:9002,fork,reuseaddr SYSTEM:'echo two; cat' 2>/dev/null &
wait_for listening 9001
wait_for listening 9002
start_edge <<-CONF
	workers: 1
	accept_proxy: {from: [127.0.0.2]}
	tcp: {ports: "22000-22009"}
	endpoints:
	- {url: "tcp://edge.localhost:22000", upstream: "127.0.0.1:9001", max_conns: 2}
	- {url: "tcp://edge.localhost:22001", upstream: "127.0.0.1:9001", conn_rate: 1}
	- {url: "tcp://edge.localhost:22002", upstream: "127.0.0.1:9001", cidr_deny: [192.0.2.8/32], cidr_allow: [192.0.2.0/24], proxy_proto: 1}
CONF
# says PORT [FIRST [SOURCE]]: what comes back, on one line
says() { printf '%bword\n' "${2:-}" | timeout 10 socat -t 5 - "TCP:127.0.0.1:$1,bind=${3:-127.0.0.1}" 2>/dev/null | tr -d '\r' | paste -sd' '; }
from() { echo "PROXY TCP4 $1 198.51.100.1 1000 2000\\r\\n"; }
# refused_by RULE ADDRESS: an event says so, and that no upstream was asked
refused_by()
{
	wait_for eval "jq -e --arg r '$1' --arg a '$2' 'select(.object | .close_reason == \$r and .conn.client_ip == \$a and (has(\"upstream_addr\") | not))' '$EVENTS'"
}

exec 3<>/dev/tcp/127.0.0.1/22000 4<>/dev/tcp/127.0.0.1/22000
read -r -u 3 _
read -r -u 4 _
same "over max_conns" "$(says 22000)" ""
event_is 1 close_reason=limit conn.server_port=22000 upstream_addr=
exec 3>&-
wait_for eval '[ "$(says 22000)" = "one word" ]'
exec 4>&-

start=$SECONDS served=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(says 22001)" != "one word" ] || served=$((served + 1))
done
[ "$served" -ge 1 ] || fail "none served at one a second"
[ "$served" -le $((2 + SECONDS - start)) ] || fail "$served served in $((SECONDS - start)) s"

# the address of a trusted header is who is judged, told on and in the event
same "header in and out" "$(says 22002 "$(from 192.0.2.7)" 127.0.0.2)" "one PROXY TCP4 192.0.2.7 198.51.100.1 1000 2000 word"
same "one that is denied" "$(says 22002 "$(from 192.0.2.8)" 127.0.0.2)" ""
refused_by ip_denied 192.0.2.8
same "one that is not allowed" "$(says 22002)" ""
refused_by ip_denied 127.0.0.1
same "no header where one must be" "$(says 22000 '' 127.0.0.2)" ""

# rules that endpoints share
policy=$(cli ip-policy create --description desks)
cli ip-policy add-rule "$policy" allow 192.0.2.7 >/dev/null
cli endpoint add tcp://edge.localhost:22005 --upstream 127.0.0.1:9001 --ip-policies "$policy" >/dev/null
same "whom a policy allows" "$(says 22005 "$(from 192.0.2.7)" 127.0.0.2)" "one word"
same "whom it does not" "$(says 22005 "$(from 192.0.2.9)" 127.0.0.2)" ""
refused_by ip_denied 192.0.2.9

# an agent's: its rules, the header it reads and the one it writes
start_agent rules tcp 9001 --url tcp://edge.localhost:22003 --cidr-allow 192.0.2.0/24 --proxy-proto 1
wait_for is_ready tcp://edge.localhost:22003
same "an agent's" "$(says 22003 "$(from 192.0.2.7)" 127.0.0.2)" "one PROXY TCP4 192.0.2.7 198.51.100.1 1000 2000 word"
same "an agent's denial" "$(says 22003 "$(from 192.0.3.7)" 127.0.0.2)" ""
refused_by ip_denied 192.0.3.7

# two agents share an address, and one goes on alone; who does not pool is refused
start_agent first tcp 9001 --url tcp://edge.localhost:22004 --pooling-enabled
first=$AGENT
wait_for is_ready tcp://edge.localhost:22004
start_agent second tcp 9002 --url tcp://edge.localhost:22004 --pooling-enabled
wait_for agent_says second 'endpoint online'
both() { seen+=" $(says 22004)"; [[ $seen = *"one word"* && $seen = *"two word"* ]]; }
seen=''
wait_for both
status=0
"$O/snisplit" tcp 9001 --url tcp://edge.localhost:22004 --log false 2>"$TMP/alone.log" || status=$?
same "who does not pool" "$status: $(grep -c ERR_SNISPLIT_334 "$TMP/alone.log")" "2: 1"
stop_agent "$first"
wait_for eval '[ "$(cli --json endpoint list | jq "[.endpoints[] | select(.port == 22004)] | length")" = 1 ]'
for _ in 1 2 3 4; do same "of the other" "$(says 22004)" "two word"; done
