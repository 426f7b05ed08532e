# agent/endpoints_are_back_within_two_seconds.sh - A path that drops everything for longer than heartbeat_tolerance, and a NAT that forgets what it had: endpoints, TLS ended at the agent included, serve again within 2 s of the path's return.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology=veth
# Timeout: 180
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
agent_serves_two "heartbeat_interval: 250ms" "heartbeat_tolerance: 1500ms"
start_agent a start --all --config "$TMP/agent.yml"
served() { [ "$(fetch app.test --max-time 2) $(fetch nginx.test --max-time 2)" = "hello from nginx from the agent" ]; }
wait_for 20 served
lost() { grep -c "session lost" "$TMP/agent.a.log" || true; }
offline() { [ "$(cli --json endpoint list | jq '.endpoints | length')" = 0 ] && [ "$(lost)" -gt "$1" ]; }
half_open() # sets $ms
{
	local before begin
	before=$(lost)
	link_drops add
	wait_for 20 offline "$before"
	link_drops del
	begin=$(date +%s%N)
	wait_for 20 served
	ms=$((($(date +%s%N) - begin) / 1000000))
}
forgotten()
{
	local begin before
	before=$(lost)
	router_forgets
	begin=$(date +%s%N)
	lost_again() { [ "$(lost)" -gt "$before" ]; }
	wait_for 20 lost_again
	wait_for 20 served
	ms=$((($(date +%s%N) - begin) / 1000000))
}
# How long it takes tells of the machine as well, the least of a few of the agent.
within_two_seconds() # WAY
{
	local best=99999
	for _ in 1 2 3; do
		$1
		echo "$1: serve again after $ms ms"
		[ $ms -ge $best ] || best=$ms
		[ $best -ge 2000 ] || return 0
	done
	fail "$1: never within 2 s, at best $best ms"
}
within_two_seconds half_open
stop_agent "$AGENT"
sed -i /tolerance/d "$TMP/agent.yml"
start_agent a start --all --config "$TMP/agent.yml"
wait_for 20 served
within_two_seconds forgotten
