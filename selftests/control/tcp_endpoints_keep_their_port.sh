# control/tcp_endpoints_keep_their_port.sh - TCP endpoints of the file and of the CLI: a port each, kept through reload, change and restart, denied to whom a policy denies, free again when they go; what is of TLS is refused.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq socat
socat "TCP-LISTEN:9001,fork,reuseaddr" SYSTEM:'echo one; cat' 2>/dev/null &
socat "TCP-LISTEN:9002,fork,reuseaddr" SYSTEM:'echo two; cat' 2>/dev/null &
socat TCP-LISTEN:22008,bind=127.0.0.1,fork - & # of somebody else
wait_for listening 22008
wait_for listening 9001
wait_for listening 9002
config() # UPSTREAM-PORT
{
	cat <<-CONF
		workers: 2
		tcp: {ports: "22000-22009", listen: 127.0.0.1}
		endpoints: [{url: "tcp://127.0.0.1:22000", upstream: "127.0.0.1:$1"}]
	CONF
}
says() { printf 'word\n' | timeout 10 socat -t 5 - "TCP:127.0.0.1:$1" 2>/dev/null | paste -sd' '; }
start_snisplitd < <(config 9001)
same "of the file" "$(says 22000)" "one word"
event_is 1 terminated_at=none conn.server_name= conn.bytes_in=5 conn.bytes_out=9
# a connection that is there outlives the reload, and so does the port: nobody is refused meanwhile
exec 3<>/dev/tcp/127.0.0.1/22000
read -r -u 3 _
(while [ ! -e "$TMP/stop" ]; do says 22000; done >"$TMP/said") &
loop=$!
configure < <(config 9002)
cli reload
wait_for eval '[ "$(says 22000)" = "two word" ]'
touch "$TMP/stop"
wait $loop
same "what was said meanwhile" "$(sort -u "$TMP/said" | grep -cv '^\(one\|two\) word$')" 0
echo still >&3
read -r -u 3 line
same "the old connection" "$line" still
same "its datapath" "$(cli --json conn list | jq -r '.connections[0].datapath')" "$MOVER"
exec 3>&-
# of the CLI: a port is chosen, and kept by a change and a restart
url=$(cli --json endpoint add tcp:// --upstream 127.0.0.1:9001 | jq -r .url)
port=${url##*:}
same "host" "${url%:*}" tcp://edge.localhost
same "of the CLI" "$(says "$port")" "one word"
cli endpoint set "$url" --upstream 127.0.0.1:9002 >/dev/null
same "after a change" "$(says "$port")" "two word"
cli endpoint set "$url" --cidr-allow 192.0.2.0/24 >/dev/null
same "denied" "$(says "$port")" ""
cli endpoint set "$url" --cidr-allow 127.0.0.0/8 >/dev/null
stop_snisplitd
start_again
same "after a restart" "$(says "$port")" "two word"
# refused
other=$((port == 22005 ? 22006 : 22005)) # a free one
refused() # PATTERN ARG...
{
	local pattern=$1
	shift
	if cli endpoint add "$@" >"$TMP/said.log" 2>&1; then fail "accepted: $*"; fi
	grep -q -- "$pattern" "$TMP/said.log" || fail "$*: $(cat "$TMP/said.log")"
}
refused "ERR_SNISPLIT_334.*already online" "$url" --upstream 127.0.0.1:9001
refused "ERR_SNISPLIT_334.*is taken by" tcp://127.0.0.1:"$port" --upstream 127.0.0.1:9001
refused "not within tcp.ports" tcp://edge.localhost:443 --upstream 127.0.0.1:9001
refused "no address of tcp.listen" tcp://127.0.0.2:$other --upstream 127.0.0.1:9001
refused "host of a TCP endpoint here is edge.localhost" tcp://other.test:$other --upstream 127.0.0.1:9001
refused "terminate.at: is for tls://" tcp:// --upstream 127.0.0.1:9001 --terminate-at edge
refused "alpn: is for tls://" tcp:// --upstream 127.0.0.1:9001 --alpn h2
refused "upstream: .*needs a tls://" tcp:// --upstream tls://127.0.0.1:9001
refused "22008: in use; see who has it" tcp://edge.localhost:22008 --upstream 127.0.0.1:9001
# gone, with its port, while a connection goes on
exec 3<>"/dev/tcp/127.0.0.1/$port"
read -r -u 3 _
cli endpoint rm "$url" >/dev/null
refuse listening "$port"
cli endpoint add "$url" --upstream 127.0.0.1:9001 >/dev/null
same "the next one" "$(says "$port")" "one word"
echo still >&3
read -r -u 3 line
same "the connection of the removed one" "$line" still
