# agent/passthrough_is_carried_by_the_kernel.sh - A client of an agent's endpoint reaches the upstream behind the agent; at the edge the kernel (or splice) carries its bytes.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
CONF
start_agent a tls 9001 --terminate-at upstream --url app.test
wait_for is_ready app.test
same "the page" "$(fetch app.test)" "hello from nginx"
event_is 1 datapath="$MOVER" terminated_at=upstream conn.server_name=app.test
[ "$DATAPATH" = userspace ] || same "bytes that user space saw" "$(event_field 1 bytes_user)" 0
wait_for agent_says a '"connection closed".*"client":"127.0.0.1:.*"sni":"app.test"'
# the agent has looked at the hello, and no more
share=$(agent_kernel_share a)
echo "the agent's kernel moved $share %"
case $DATAPATH in
userspace) same "percent that the agent's kernel moved" "$share" 0 ;;
*) [ "$share" -ge 50 ] || fail "the agent's kernel moved $share % only" ;;
esac
agent_says a "\"msg\":\"datapath\",\"datapath\":\"$MOVER\",\"why\":\".\+\""
status=$(in_upstream curl -s http://127.0.0.1:4040/api/status)
same "as the agent tells" "$(jq -r .datapath <<<"$status")" "$MOVER"
same "bytes that it has counted" "$(jq '.bytes_kernel + .bytes_user' <<<"$status")" "$(jq -s 'map(.object.conn | .bytes_in + .bytes_out) | add' "$EVENTS")"
# nothing of it is where edges keep their pins
[ "$DATAPATH" = userspace ] || [ "$(find "$PINS" -name 'prog_*' | wc -l)" = 2 ] || fail "$(ls "$PINS")"
stop_agent "$AGENT"
refuse cli endpoint get app.test 2>/dev/null
