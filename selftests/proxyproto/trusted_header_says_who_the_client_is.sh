# proxyproto/trusted_header_says_who_the_client_is.sh - From a range of accept_proxy.from a header, in any pieces, is read, and its addresses are those of the event and of the header we write; the hello behind it is routed.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath family
. "$LIB"
need python3 jq
certificate
SOURCE=127.0.0.2
[ "$FAMILY" = 4 ] || SOURCE=fd00::2
[ "$FAMILY" = 4 ] || ip addr add fd00::2/128 dev lo nodad
python3 selftests/fixtures/proxy_server.py "$(unbracket "$UP")" 7003 "$TMP" 2>"$TMP/python.log" &
wait_for listening 7003
start_snisplitd <<-CONF
	accept_proxy: {from: ["$SOURCE"]}
	endpoints:
	- {url: "tls://v1.test", upstream: "$UP:7003", proxy_proto: 1}
	- {url: "tls://v2.test", upstream: "$UP:7003", proxy_proto: 2}
CONF

# One python for all: connections first, then what is to be said of each.
cases=()
says() { cases+=("$*"); } # HEADER PIECE NAME ADDRS: the upstream is told ADDRS; "own": the socket's
# judge N PAGE HEADER PIECE NAME ADDRS
judge()
{
	local n=$1 page=$2 case="$3 in pieces of $4" name=$5 who
	event_is "$n" datapath="$MOVER" conn.server_name="$name" close_reason="client_fin|client_rst|upstream_fin"
	who=$(closed_event "$n" | jq -r '.object.conn | "\(.client_ip) \(.client_port) \(.server_ip) \(.server_port)"')
	same "$case: upstream" "$(jq -r '"\(.src) \(.sport) \(.dst) \(.dport)"' <<<"$page")" "$who"
	shift 5
	if [ "$1" = own ]; then
		[[ $who == "$SOURCE "*" $(unbracket "$EDGE") 443" ]] || fail "$case: the event says $who"
		event_is "$n" conn.proxy_ip=
	else
		same "$case: event" "$who" "$*"
		event_is "$n" conn.proxy_ip=$SOURCE
	fi
}
four='192.0.2.7 50122 198.51.100.1 443'
six='2001:db8::7 50122 2001:db8::1 443'
for piece in 0 1 7; do
	says v1-tcp4 $piece v1.test "$four"
	says v2-tcp6 $piece v2.test "$six"
done
says v1-tcp6 0 v1.test "$six"
says v1-unknown 0 v2.test own
says v1-longest 0 v2.test own
says v2-tcp4 3 v1.test "$four"
says v2-mapped 0 v2.test "$four"
says v2-local 0 v2.test own
says v2-local-block 5 v2.test own
says v2-unspec 0 v1.test own
says v2-tlvs 500 v2.test "$four"
says v2-crc 0 v2.test "$four"

for case in "${cases[@]}"; do
	read -r header piece name _ <<<"$case"
	echo "$SOURCE $name $header $piece"
done | python3 selftests/fixtures/proxy_client.py "$(unbracket "$EDGE")" 443 >"$TMP/pages"
n=0
while read -r page; do
	# shellcheck disable=SC2086 # words are wanted
	judge $((n + 1)) "$page" ${cases[n]}
	n=$((n + 1))
done <"$TMP/pages"
same "connections" $n ${#cases[@]}
