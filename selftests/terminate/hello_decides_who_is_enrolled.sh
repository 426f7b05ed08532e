# terminate/hello_decides_who_is_enrolled.sh - Beside an endpoint whose TLS ends here, passthrough stays the kernel's and whole, however its hello is cut; a terminated client is never put under the program.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 120
. "$LIB"
need openssl bpftool jq
certificate
start_upstream stream 9000 --listen "$UP:9001=1" --listen "$UP:9002=2"
start_snisplitd <<-CONF
	timeouts: {client_hello: 60s}
	default_endpoint: tls://default.test
	endpoints:
	  - {url: "tls://one.test", upstream: "$UP:9001"}
	  - {url: "tls://*.test", upstream: "$UP:9002"}
	  - {url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
	  - {url: "tls://default.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
CONF
hold() # NAME: a handshake, and then nothing
{
	sleep 30 | openssl s_client -quiet -connect "$EDGE:443" ${1:+-servername "$1"} -no_ign_eof >"$TMP/held" 2>&1 &
	wait_for eval '[ "$(cli --json conn list | jq "[.connections[] | select(.state == \"open\")] | length")" = '"$2"' ]'
}
hold app.test 1
hold unknown.example 2 # the default endpoint's
same "slots of terminated connections" "$(map_entries slots)" 0
n=0
while read -r conns args; do
	# shellcheck disable=SC2086 # words are wanted
	stream one.test=1 --name two.test=2 --conns "$conns" --parallel 50 --up 200k --down 200k --seed $((n + 1)) $args
	n=$((n + conns))
	wait_for has_events $n
done <<-'CASES'
	300 --random
	20 --order server --segment 1 --segment-gap-us 3000
	20 --order server --segment 5
	20 --order server --hello-cut 2
	20 --order server --hello-size 1800 --segment 700 --segment-gap-us 2000
CASES
moved_by_mover 40
# ended before the hello was whole, by FIN and by RST
printf '\26\3' >"$TMP/cut"
say --file "$TMP/cut" --fin >/dev/null
event_is $((n + 1)) close_reason=client_fin conn.bytes_in=2
say --file "$TMP/cut" --rst >/dev/null
event_is $((n + 2)) close_reason=client_rst
