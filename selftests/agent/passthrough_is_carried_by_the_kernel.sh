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
stop_agent "$AGENT"
refuse cli endpoint get app.test 2>/dev/null
