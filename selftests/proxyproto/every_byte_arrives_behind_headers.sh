# proxyproto/every_byte_arrives_behind_headers.sh - Behind a header that came in and one that goes out, both streams arrive whole, in order and to their ends, whoever ends first (resets apart, which haproxy does not pass on).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 90
. "$LIB"
need haproxy jq
start_upstream stream 9000
cat >"$TMP/haproxy.cfg" <<-CONF
	defaults
	  mode tcp
	  timeout connect 5s
	  timeout client 60s
	  timeout server 60s
	listen front
	  bind $EDGE:7001
	  server s $EDGE:443 send-proxy-v2 source 127.0.0.2
	listen back
	  bind $UP:7002 accept-proxy
	  server s $UP:9000
CONF
haproxy -db -q -f "$TMP/haproxy.cfg" 2>>"$TMP/haproxy.log" &
for port in 7001 7002; do wait_for listening $port; done
start_snisplitd <<-CONF
	accept_proxy: {from: [127.0.0.2]}
	timeouts: {client_hello: 30s}
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:7002", proxy_proto: 2}
	- {url: "tls://nginx.test", upstream: "$UP:7002", proxy_proto: 1}
CONF
# through PORT ARG...
through()
{
	local port=$1
	shift
	"$HELPERS/stream" client --connect "$EDGE:$port" --report "$TMP/stream.report" "$@" >"$TMP/said" 2>>"$TMP/stream.log" ||
		fail "port $port, $*: $(cat "$TMP/said")"
}
for port in 443 7001; do # without a header coming in, and with one
	through $port --name app.test --conns 30 --parallel 6 --up 400k --down 400k --seed $((port + 1)) --order client --timeout 60
	through $port --name nginx.test --conns 30 --parallel 6 --up 400k --down 400k --seed $((port + 2)) --order server --timeout 60
	through $port --name app.test --conns 10 --parallel 5 --up 100k --down 2m --seed $((port + 3)) --read-rate 20000 --timeout 60
	through $port --name app.test --conns 10 --parallel 5 --up 30k --down 30k --seed $((port + 4)) --segment 700 --segment-gap-us 3000 --timeout 60
done
wait_for has_events 160
moved_by_mover 60 # the others had ended before they could be enrolled
wait_for eval '[ "$(live_conns)" = 0 ]'
same "bytes counted twice over" "$(jq -s 'map(.object | .bytes_user + .bytes_kernel - .conn.bytes_in - .conn.bytes_out) | add' "$EVENTS")" 0
