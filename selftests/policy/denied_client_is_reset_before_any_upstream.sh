# policy/denied_client_is_reset_before_any_upstream.sh - A client that no cidr_allow has, or a cidr_deny has, is reset before an upstream hears of it, also with its hello in pieces, and the kernel path decides without user space seeing a byte.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath topology=veth family
# Timeout: 120
. "$LIB"
need python3 jq
case $FAMILY in
4) A=10.9.1.20 B=10.9.1.21 C=10.9.1.22 NET=10.9.1.16/29 ALL=0.0.0.0/0 OTHER=::/0 ;;
*) A=fd09:1::20 B=fd09:1::21 C=fd09:1::22 NET=fd09:1::/64 ALL=::/0 OTHER=0.0.0.0/0 ;;
esac
for address in $A $B $C; do
	case $FAMILY in 4) in_client ip addr add $address/24 dev p-client ;; *) in_client ip addr add $address/64 dev p-client nodad ;; esac
done
start_upstream nginx 9000
start_snisplitd <<-CONF
	workers: 1
	ip_deny: [$C]
	endpoints:
	- {url: "tls://app.test", upstream: "$UP:9000", cidr_allow: [$A]}
	- {url: "tls://nginx.test", upstream: "$UP:9000", cidr_allow: [$NET, "$ALL"], cidr_deny: [$B]}
	- {url: "tls://haproxy.test", upstream: "$UP:9000", cidr_allow: ["$OTHER"]}
	- {url: "tls://python.test", upstream: "$UP:9000"}
	- {url: "tls://openssl.test", upstream: "tls://$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem,
	   cidr_allow: [$A]}
CONF
mkfifo "$TMP/ask" "$TMP/told"
in_client_exec python3 selftests/fixtures/proxy_client.py "$(unbracket "$EDGE")" 443 <"$TMP/ask" >"$TMP/told" 2>"$TMP/python.log" &
exec 3>"$TMP/ask" 4<"$TMP/told"
n=0
# ask SOURCE NAME PIECE WANT: what the client says came of it
ask()
{
	local got
	echo "$1 $2 none $3" >&3
	read -r got <&4
	same "$2 from $1 in pieces of $3" "$got" "$4"
	n=$((n + 1))
}
allowed() # SOURCE NAME DECISION
{
	ask "$1" "$2" 0 'hello from nginx'
	event_is $n ip_policy.decision="$3" conn.client_ip="$1" datapath="${4:-$MOVER}"
}
denied() # SOURCE NAME PIECE
{
	ask "$1" "$2" "$3" rst
	event_is $n ip_policy.decision=block close_reason=ip_denied conn.server_name="$2" conn.client_ip="$1" \
		conn.bytes_out=0 upstream_addr= terminated_at=none datapath=none
	[ -n "$(event_field $n endpoint_id)" ] || fail "event $n has no endpoint"
	[ "$(event_field $n conn.bytes_in)" -gt 100 ] || fail "event $n has no bytes"
	if [ "$DATAPATH" = kernel ] && [ "$3" = 0 ]; then event_is $n bytes_user=0; fi
}
for _ in cold warm; do
	allowed $A app.test allow
	allowed $A nginx.test allow
	allowed $B python.test invalid
	allowed $A openssl.test allow userspace
done
ask $C python.test 0 rst
event_is $n ip_policy.decision=block close_reason=ip_denied conn.client_ip=$C conn.bytes_in=0 endpoint_id= conn.server_name=
dialled=$(cli --json status | jq '[.counters[] | select(.name == "dialled") | .value] | add')
denied $B app.test 0
denied $B nginx.test 0
denied $B nginx.test 99
denied $A haproxy.test 0
denied $A haproxy.test 50
denied $B openssl.test 0
denied $B openssl.test 50
same dialled "$(cli --json status | jq '[.counters[] | select(.name == "dialled") | .value] | add')" "$dialled"
if [ "$DATAPATH" = kernel ]; then
	same "denied in the kernel" "$(counter deny_policy)" 4
	[ "$(counter start_kernel)" -ge 1 ] || fail "an allowed client is not started by the kernel"
fi

# A reload exchanges the rules.
sed -i "s|cidr_allow: \[$A\]|cidr_allow: [$B]|" "$TMP/snisplitd.yml"
cli reload
denied $A app.test 0
allowed $B app.test allow
entries() { dump_map policies | jq length; }
if [ "$DATAPATH" = kernel ]; then # the old rules go with the last connection and warm upstream
	wait_for 20 eval '[ "$(entries)" -le 14 ]'
fi
