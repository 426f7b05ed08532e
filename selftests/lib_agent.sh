# SPDX-License-Identifier: GPL-2.0-only
# lib_agent.sh - an edge with a tunnel, and agents; sourced after lib.sh.
# shellcheck shell=bash
# The agent lives where the upstream does, and reaches the edge from there only.
case $TOPOLOGY in lo) TUNNEL=$EDGE:4443 ;; *) TUNNEL=10.9.2.1:4443 ;; esac

# start_edge: with a tunnel; $TOKEN is a credential, $CA its CA
start_edge() # <config
{
	{ cat; echo "tunnel: {listen: \"$TUNNEL\"}"; } | awk -F: '!/^[a-z]/ || !seen[$1]++' >"$TMP/edge.yml"
	start_snisplitd <"$TMP/edge.yml"
	CA=$TMP/state/ca/root.pem
	TOKEN=$(cli authtoken add 2>/dev/null)
	export SNISPLIT_SERVER=$TUNNEL SNISPLIT_SERVER_CA=$CA SNISPLIT_AUTHTOKEN=$TOKEN HOME=$TMP
}

# start_agent NAME ARG...: its log is $TMP/agent.NAME.log, its pid $AGENT.  Who moves its bytes: as at the edge, or
# $AGENT_DATAPATH
start_agent()
{
	local name=$1
	shift
	in_upstream_exec "$O/snisplit" "$@" --datapath "${AGENT_DATAPATH:-$DATAPATH}" --log "$TMP/agent.$name.log" --log-format json >>"$TMP/agent.$name.out.log" 2>&1 &
	# shellcheck disable=SC2034 # for tests
	AGENT=$!
}

agent_says() # NAME PATTERN
{
	grep -q -- "$2" "$TMP/agent.$1.log"
}

# Of the bytes of its connections, the percent that the agent's kernel datapath has moved.
agent_kernel_share() # NAME
{
	jq -s 'map(select(.msg == "connection closed")) | map(.bytes_kernel // 0 | tonumber) as $k | map((.bytes_in | tonumber) + (.bytes_out | tonumber)) as $all |
		100 * ($k | add) / ([$all | add, 1] | max) | floor' "$TMP/agent.$1.log"
}

# Online, and a channel is ready for every worker.
is_ready() { [ "$(cli --json endpoint get "$1" 2>/dev/null | jq .metrics.pool_idle)" -ge "${2:-1}" ]; }

stop_agent() # PID: in good order
{
	local status=0
	kill -TERM "$1"
	wait "$1" || status=$?
	same "the agent's exit status" "$status" 0
}

# The agent and its upstream are in a namespace of their own, behind "upstream", which is their router.
agent_behind_router()
{
	touch /run/netns/agent
	unshare --net=/run/netns/agent true
	in_ns upstream sysctl -q -w net.ipv4.ip_forward=1
	in_ns upstream ip link add r-agent type veth peer name p-agent netns agent
	in_ns upstream ip addr add 10.9.3.1/24 dev r-agent
	in_ns upstream ip link set r-agent up
	in_ns agent ip link set lo up
	in_ns agent ip addr add 10.9.3.2/24 dev p-agent
	in_ns agent ip link set p-agent up
	in_ns agent ip route add default via 10.9.3.1
	ip route add 10.9.3.0/24 via 10.9.2.2
	# shellcheck disable=SC2034 # for lib.sh
	UPSTREAM_NS=/run/netns/agent UP=127.0.0.1
}

# Behind a router: nginx as app.test, and nginx.test, whose TLS ends at the agent.
agent_serves_two() # LINE...: more of the agent's file
{
	agent_behind_router
	start_upstream nginx 9001
	mkdir "$TMP/web" && echo "from the agent" >"$TMP/web/page"
	in_upstream_exec python3 -m http.server -d "$TMP/web" --bind 127.0.0.1 9000 >"$TMP/web.log" 2>&1 &
	wait_for 30 listening 9000 in_upstream
	start_edge <<-CONF
		workers: 1
		tunnel: {listen: "0.0.0.0:4443"}
	CONF
	printf '%s\n' "$@" >"$TMP/agent.yml"
	cat >>"$TMP/agent.yml" <<-CONF
		version: 2
		tunnels:
		  web: {proto: tls, addr: 9001, domain: app.test}
		  own: {proto: tls, addr: 9000, domain: nginx.test, terminate_at: agent, crt: $TMP/cert.pem, key: $TMP/key.pem}
	CONF
}

# The router drops everything, or does so no more.
link_drops() # add|del
{
	in_ns upstream ip route "$1" blackhole 10.9.3.2
	in_ns upstream ip route "$1" blackhole 10.9.2.1
}

# What is there now is dropped, in both directions; new connections are not.
router_forgets()
{
	local port
	for port in $(in_ns agent ss -Htn dst 10.9.2.1 | awk '{sub(/.*:/, "", $4); print $4}'); do
		in_ns upstream ip rule add ipproto 6 sport "$port" blackhole
		in_ns upstream ip rule add ipproto 6 dport "$port" blackhole
	done
}

# An upstream at 127.0.0.1:9000 that answers "ok" to whatever comes first.
start_answerer()
{
	python3 -c '
import asyncio
async def serve(reader, writer):
    await reader.read(65536)
    writer.write(b"ok")
    writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 9000, backlog=1024)
    await server.serve_forever()
asyncio.run(main())' &
	wait_for 30 listening 9000
}
