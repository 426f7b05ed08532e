# agent/person_sees_a_screen.sh - At a terminal the agent shows session, endpoint, forwarding and the last connections, redrawn in place, and gives the screen back when it ends.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl tmux
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
CONF
export LANG=C.UTF-8
tmux() { command tmux -f /dev/null -S "$TMP/tmux" "$@"; }
tmux new-session -d -x 110 -y 30 "bash --norc"
shows() { tmux capture-pane -p | grep -qE -- "$1"; }
wait_for shows '[#$] *$'
tmux send-keys "PS1='prompt> '" Enter
wait_for shows '^prompt> *$'
tmux send-keys "'$O/snisplit' tls 9001 --url app.test" Enter
wait_for shows "Session +online"
wait_for shows "Forwarding +tls://app.test -> localhost:9001"
wait_for shows "Datapath +(kernel \(self-test passed|splice \(no kernel)"
wait_for shows "Web interface +http://127.0.0.1:4040"
wait_for is_ready app.test
fetch app.test >/dev/null
wait_for shows "Connections +1 in all, 0 open"
wait_for shows "127.0.0.1:[0-9]+ +app.test .*(client|upstream)_fin"
refuse shows "prompt>"
tmux send-keys C-c
wait_for shows "prompt>"
wait_for eval '! cli endpoint get app.test 2>/dev/null'
tmux kill-server
