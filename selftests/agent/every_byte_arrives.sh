# agent/every_byte_arrives.sh - Random streams through edge and agent, each with either datapath, whichever side ends first and however: every byte arrives, half-closes and resets are told as such.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=lo,veth family=4
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl
conns=$([ "$LONG" = 1 ] && echo 2000 || echo 150)
start_upstream stream 9000 --listen "$UP:9001=1" --listen "$UP:9002=2"
start_edge <<-CONF
	workers: 2
CONF
start_agent one tls "$UP:9001" --url one.test
case $DATAPATH in kernel) other=userspace ;; *) other=kernel ;; esac
AGENT_DATAPATH=$other start_agent two tls "$UP:9002" --url two.test
wait_for is_ready one.test
wait_for is_ready two.test
stream one.test=1 --name two.test=2 --conns "$conns" --parallel 20 --up 1m --down 1m --random --seed "${SEED:-$RANDOM}"
echo "$SUMMARY"
wait_for has_events "$conns"
same "events" "$(event_count)" "$conns"
moved_by_mover 40
# agent NAME had DATAPATH
carried_by()
{
	local share
	share=$(agent_kernel_share "$1")
	echo "the kernel of agent $1 moved $share %"
	case $2 in
	kernel) [ "$share" -ge 40 ] || fail "the kernel of agent $1 moved $share % only" ;;
	*) same "percent that the kernel of agent $1 moved" "$share" 0 ;;
	esac
}
carried_by one "$DATAPATH"
carried_by two "$other"
wait_for eval '[ "$(live_conns)" = 0 ]'
# it is at most as many sockets as it was, and the channels it keeps
stop_agent "$AGENT"
