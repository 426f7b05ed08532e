# upgrade/agent_that_comes_meanwhile_is_waited_for.sh - The name of an agent that came while the new daemon was starting waits for it there as well (another wildcard got its clients).
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq curl nginx python3
# a name server that never answers, and says when it is asked
printf 'nameserver 127.0.0.1\noptions timeout:8 attempts:1\n' >"$TMP/resolv.conf"
printf 'hosts: files dns\n' >"$TMP/nsswitch.conf"
for f in resolv.conf nsswitch.conf; do
	[ ! -e /etc/$f ] || mount --bind "$TMP/$f" "$(realpath -m /etc/$f)"
done
python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("there", flush=True)
while s.recv(4096):
    print("asked", flush=True)' >"$TMP/dns" 2>"$TMP/dns.log" &
wait_for grep -q there "$TMP/dns"
start_upstream nginx 9000
start_upstream python 9001
start_edge <<-CONF
	workers: 1
	endpoints:
	  - {url: "tls://*.test", upstream: "$UP:9001"}
CONF
same "before" "$(fetch nginx.test)" "hello from python"
sed -i '/url: "tls:\/\/\*\.test"/a\  - {url: "tls://slow.test", upstream: "slow.nowhere.test:1"}' "$TMP/snisplitd.yml"
{ upgrade && echo "$DAEMON" >"$TMP/pid"; } &
upgrade=$!
# the new one has heard of all names that there are, and opens
wait_for grep -q asked "$TMP/dns"
start_agent a tls 9000 --url nginx.test
wait_for is_ready nginx.test
kill -STOP "$AGENT"
[ ! -e "$TMP/pid" ] || fail "the new one was there before the agent: this machine is too slow for the test"
wait "$upgrade" || fail "upgrade: $(cat "$TMP/upgrade.log")"
DAEMON=$(cat "$TMP/pid")
fetch nginx.test >"$TMP/page" &
client=$!
wait_for eval '[ "$(live_conns)" -ge 1 ] || ! kill -0 $client'
kill -CONT "$AGENT"
wait "$client" || fail "the client was not served"
same "who answered" "$(cat "$TMP/page")" "hello from nginx"
stop_upgraded
