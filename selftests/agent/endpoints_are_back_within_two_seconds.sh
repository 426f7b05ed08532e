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
# A client every 50 ms, whatever becomes of those before: who came a moment too early waits in vain.
round=0 knocked=0
knock()
{
	local now=${EPOCHREALTIME/[.,]/}
	if [ $((now - knocked)) -ge 50000 ]; then
		knocked=$now
		{ served && : >"$TMP/served.$round"; } &
	fi
	[ -e "$TMP/served.$round" ]
}
lost() { grep -c "session lost" "$TMP/agent.a.log" || true; }
offline() { [ "$(cli --json endpoint list | jq '.endpoints | length')" = 0 ] && [ "$(lost)" -gt "$1" ]; }
half_open() # sets $ms
{
	local before begin
	before=$(lost)
	link_drops add
	wait_for 20 offline "$before"
	link_drops del
	begin=$(date +%s%N) round=$((round + 1))
	wait_for 20 knock
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
	round=$((round + 1))
	wait_for 20 knock
	ms=$((($(date +%s%N) - begin) / 1000000))
}
# How long it takes tells of the machine as well: what a client takes when all is well is none of it, and the least
# of a few rounds counts.
within_two_seconds() # WAY
{
	local best=99999 begin usual
	for _ in 1 2 3 4; do
		begin=$(date +%s%N)
		wait_for served
		usual=$((($(date +%s%N) - begin) / 1000000))
		$1
		echo "$1: serve again after $ms ms, and usually in $usual"
		ms=$((ms - usual))
		[ $ms -ge $best ] || best=$ms
		[ $best -ge 2000 ] || return 0
	done
	fail "$1: never within 2 s, at best $best ms"
}
within_two_seconds half_open
stop_agent "$AGENT"
# (a ping that TCP has sent four times, 1.4 s, is what tells of it)
sed -i '/tolerance/d; s/^heartbeat_interval: .*/heartbeat_interval: 100ms/' "$TMP/agent.yml"
start_agent a start --all --config "$TMP/agent.yml"
wait_for 20 served
within_two_seconds forgotten
