# agent/none_waiting_is_fine_too.sh - With pool.max_idle 0 no channel is kept: each connection asks for its own, and gets it.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl
start_upstream nginx 9001
start_edge <<-CONF
	pool: {max_idle: 0}
CONF
start_agent a tls 9001 --url app.test
start_agent b tls 9001 --url '*.wild.test'
wait_for cli endpoint get app.test
wait_for cli endpoint get '*.wild.test'
for _ in 1 2 3; do same "page" "$(fetch app.test)" "hello from nginx"; done
same "kept" "$(cli --json endpoint get app.test | jq .metrics.pool_idle)" 0
