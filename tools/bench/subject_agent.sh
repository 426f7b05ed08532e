# SPDX-License-Identifier: GPL-2.0-only
# agent - an endpoint of ours that an agent of ours serves: edge, channel, agent; $variant is kernel or splice (at the
# edge).  Compare with relays.  Sourced by run; $dir, $port, $upstream, $workers, $O are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		datapath: $([ "$variant" = splice ] && echo userspace || echo kernel)
		workers: $workers
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tunnel: {listen: "127.0.0.1:4443"}
		ssh: none
		events: [{file: $dir/events.ndjson}]
	CONF
}
version() { "$O/snisplitd" --version | head -n 1; }
start()
{
	local cli=("$O/snisplit" --socket "$dir/control.sock") token
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
	wait_for [ -S "$dir/control.sock" ]
	token=$("${cli[@]}" authtoken add 2>/dev/null)
	HOME=$dir "$O/snisplit" tls "$upstream" --url bench.test --server 127.0.0.1:4443 --server-ca "$dir/state/ca/root.pem" \
		--authtoken "$token" --log false &
	agent=$!
	wait_for "${cli[@]}" endpoint get bench.test >/dev/null
}
stop()
{
	kill "$agent" && wait "$agent"
	kill "$pid" && wait "$pid"
}

# Of the connections since line $1 of the events: the percent of their bytes that user space of the edge never saw, and how many
# bytes it did see.
share()
{
	tail -n "+$(($1 + 1))" "$dir/events.ndjson" | jq -s 'map(.object) |
		(map(.conn.bytes_in + .conn.bytes_out) | add // 0) as $all | (map(.bytes_kernel // 0) | add // 0) as $kernel |
		if $all > 0 then 100 * $kernel / $all else 0 end, $all - $kernel'
}
