# SPDX-License-Identifier: GPL-2.0-only
# relays - haproxy that routes by name to another haproxy, which dials the upstream: two plain relays, as many as an
# edge and its agent are.  Sourced by run; $dir, $port, $upstream are set.
# shellcheck shell=bash disable=SC2154
defaults()
{
	cat <<-CONF
		global
			nbthread 1
			maxconn 9100
			maxpipes 500
		defaults
			mode tcp
			option splice-request
			option splice-response
			timeout connect 5s
			timeout client 60s
			timeout server 60s
	CONF
}
conf()
{
	defaults
	cat <<-CONF
		frontend f
			bind 127.0.0.1:$port
			tcp-request inspect-delay 5s
			tcp-request content accept if { req.ssl_hello_type 1 }
			use_backend b if { req.ssl_sni -i bench.test }
		backend b
			server s 127.0.0.1:4443
	CONF
}
version() { haproxy -v | sed q; }
start()
{
	conf >"$dir/conf"
	{ defaults; printf 'frontend f\n\tbind 127.0.0.1:4443\n\tdefault_backend b\nbackend b\n\tserver s %s\n' "$upstream"; } >"$dir/conf2"
	haproxy -db -q -f "$dir/conf2" 2>"$dir/log" &
	pid2=$!
	haproxy -db -q -f "$dir/conf" 2>>"$dir/log" &
	pid=$!
}
stop() { kill "$pid" "$pid2"; wait "$pid" "$pid2" || true; }
