# SPDX-License-Identifier: GPL-2.0-only
# haproxy - TCP mode, SNI by req.ssl_sni, splice on both ways.  Sourced by run; $dir, $port, $upstream, $workers are set.
# shellcheck shell=bash disable=SC2154
conf()
{
	cat <<-CONF
		global
			nbthread $workers
			maxconn 9100
			maxpipes 500
		defaults
			mode tcp
			option splice-request
			option splice-response
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		frontend f
			bind 127.0.0.1:$port
			tcp-request inspect-delay 5s
			tcp-request content accept if { req.ssl_hello_type 1 }
			use_backend b if { req.ssl_sni -i bench.test }
		backend b
			server s $upstream
	CONF
}
version() { haproxy -v | head -n 1; }
start()
{
	conf >"$dir/conf"
	haproxy -db -q -f "$dir/conf" 2>"$dir/log" &
	pid=$!
}
stop() { kill "$pid"; wait "$pid" || true; }
