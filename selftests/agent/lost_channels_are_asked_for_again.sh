# agent/lost_channels_are_asked_for_again.sh - An agent that for a while cannot connect has channels ahead of demand again soon after, although clients never cease to come.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq openssl python3 prlimit
start_answerer
start_edge <<-CONF
	workers: 1
	timeouts: {connect: 60s}
CONF
start_agent a tls 9000 --url app.test
wait_for is_ready app.test
counter() { cli --json status | jq "[.. | objects | select(.name? == \"$1\") | .value] | add"; }
python3 "$LIB_DIR/fixtures/burst.py" app.test "$EDGE:443" 6000 60 2>/dev/null &
clients=$!
wait_for 30 is_ready app.test 4
# no descriptor is left for a channel
limit=$(prlimit --pid "$AGENT" --nofile --noheadings --output SOFT)
prlimit --pid "$AGENT" --nofile=4:
waited=$(counter channel_waited)
many_wait() { [ $(($(counter channel_waited) - waited)) -gt 100 ]; }
wait_for 30 many_wait
prlimit --pid "$AGENT" --nofile="$limit":
wait_for 30 is_ready app.test 4
kill -0 $clients || fail "the clients were done before"
kill $clients
