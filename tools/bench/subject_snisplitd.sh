# SPDX-License-Identifier: GPL-2.0-only
# snisplitd - ours; $variant is kernel or splice.  Sourced by run; $dir, $port, $upstream, $O are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		version: 1
		listen: ["127.0.0.1:$port"]
		datapath: $([ "$variant" = splice ] && echo userspace || echo kernel)
		workers: 1
		state_dir: $dir/state
		control: {socket: $dir/control.sock}
		http: none
		tunnel: none
		ssh: none
		events: [{file: $dir/events.ndjson}]
		${slow:+limits: {unrouted: 17000\}}
		${slow:+timeouts: {client_hello: 60s\}}
		endpoints: [{url: "tls://bench.test", upstream: "$upstream"}]
	CONF
}
version() { "$O/snisplitd" --version | head -n 1; }
start()
{
	conf >"$dir/conf"
	"$O/snisplitd" -c "$dir/conf" 2>"$dir/log" &
	pid=$!
}
stop() { kill "$pid" && wait "$pid"; }

# Percent of the bytes of the connections since line $1 of the events that user space never saw.
share()
{
	tail -n "+$(($1 + 1))" "$dir/events.ndjson" | jq -s 'map(.object) |
		(map(.conn.bytes_in + .conn.bytes_out) | add) as $all |
		if ($all // 0) > 0 then 100 * (map(.bytes_kernel // 0) | add) / $all else 0 end'
}
