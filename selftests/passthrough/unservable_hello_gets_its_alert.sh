# passthrough/unservable_hello_gets_its_alert.sh - Without an endpoint a client gets the alert that says why, or a close where no alert would be understood.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath family
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
	timeouts: {client_hello: 1s}
CONF
printf '\x16\x03\x01\x00\x2c\x01\x00\x00\x28\x03\x03cut off in its middle by a length that lies.' >"$TMP/bad"
n=0
while read -r want reason words; do
	# shellcheck disable=SC2086 # words are wanted
	got=$(eval say $words)
	# shellcheck disable=SC2053 # a glob is wanted
	[[ $got == $want\ fin\ * ]] || fail "$words: got '$got', want '$want'"
	event_is $((n += 1)) close_reason="$reason" datapath=none terminated_at=none upstream_addr= endpoint_id=
done <<-CASES
	1503??00020270 unknown_name --name other.test
	1503??0002026d no_sni --nameless
	- not_tls --text 'GET / HTTP/1.0\r\n\r\n'
	- not_tls --text SSH-2.0-x
	- hello_malformed|hello_timeout --file "$TMP/bad"
	- hello_timeout --name app.test --first 40
	- hello_timeout --name app.test --first 1
	- hello_timeout --name app.test --first 0
	- client_fin --name app.test --first 40 --fin
CASES
stream app.test --up 1k --down 1k
same "events" "$(closed_event $((n + 1)) >/dev/null; event_count)" $((n + 1))
