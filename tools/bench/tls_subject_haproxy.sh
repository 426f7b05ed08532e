# SPDX-License-Identifier: GPL-2.0-only
# haproxy - TCP mode, bind ... ssl.  Sourced by run-tls; $dir, $port, $upstream, $tmp and $key are set.
# shellcheck shell=bash disable=SC2154,SC2034
conf()
{
	cat <<-CONF
		global
			nbthread 1
			maxconn 9000
			ssl-default-bind-options ssl-min-ver TLSv1.2
		defaults
			mode tcp
			timeout connect 5s
			timeout client 60s
			timeout server 60s
		frontend f
			bind 127.0.0.1:$port ssl crt $tmp/$key.both
			default_backend b
		backend b
			server s $upstream$([ "$key" != again ] || echo " ssl verify none")
	CONF
}
version() { haproxy -v | head -n 1; }
start()
{
	conf >"$dir/conf"
	haproxy -db -q -f "$dir/conf" 2>"$dir/log" &
	pid=$!
}
