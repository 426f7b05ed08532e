# proxyproto/wrong_header_is_refused.sh - Who has to start with a PROXY header and does not is closed before an upstream hears of it; from everybody else a header is not honoured; one that never ends dies at the hello's deadline.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need python3 jq
certificate
start_upstream stream 9000
start_snisplitd <<-CONF
	accept_proxy: {from: [127.0.0.2]}
	ip_deny: [192.0.2.7]
	timeouts: {client_hello: 2s}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}]
CONF
mkfifo "$TMP/ask" "$TMP/told"
python3 selftests/fixtures/proxy_client.py 127.0.0.1 443 <"$TMP/ask" >"$TMP/told" 2>"$TMP/python.log" &
exec 3>"$TMP/ask" 4<"$TMP/told"
n=0
ends() # SOURCE HEADER PIECE HOW REASON
{
	local got
	echo "$1 app.test $2 $3" >&3
	read -r got <&4
	n=$((n + 1))
	[[ "|$4|" == *"|$got|"* ]] || fail "$2 from $1: '$got', want '$4'"
	event_is $n close_reason="$5" endpoint_id= upstream_addr= conn.server_name= bytes_kernel=0
}
for bad in none text v1-longer v1-port v1-family v2-crc-bad v2-version v2-command v2-short v2-tlv-long; do
	ends 127.0.0.2 $bad 0 'fin|rst' hello_malformed
done
ends 127.0.0.2 v1-longer 1 'fin|rst' hello_malformed
ends 127.0.0.2 v1-start 0 fin hello_timeout
ends 127.0.0.1 v2-tcp4 0 'fin|rst' not_tls
ends 127.0.0.1 v1-tcp4 1 'fin|rst' not_tls
event_is $n ip_policy.decision=invalid conn.client_ip=127.0.0.1
# The address it carries is the one that is judged.
ends 127.0.0.2 v2-tcp4 0 rst ip_denied
event_is $n ip_policy.decision=block conn.client_ip=192.0.2.7 conn.proxy_ip=127.0.0.2
status=$(cli --json status | jq -c '[.counters[] | {(.name): .value}] | add')
same counters "$(jq -c '[.proxy_bad, .proxy_ok, .denied_by_all, .dialled]' <<<"$status")" '[11,1,1,0]'

# A reload changes who has to.
sed -i 's/127\.0\.0\.2/127.0.0.3/' "$TMP/snisplitd.yml"
cli reload
ends 127.0.0.2 v2-tcp4 0 'fin|rst' not_tls
ends 127.0.0.3 none 0 'fin|rst' hello_malformed
