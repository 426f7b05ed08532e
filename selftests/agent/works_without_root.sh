# agent/works_without_root.sh - An agent that may not load BPF programs, or not try them, relays with splice(2) and says why; one that is told to use the kernel refuses to start then, and nonsense is refused.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need nginx curl jq openssl setpriv
start_upstream nginx 9001
start_edge <<-CONF
	workers: 1
CONF
# as NAME: an agent of that name, with less than root has
as() # NAME SETPRIV-ARG... -- AGENT-ARG...
{
	local name=$1 how=()
	shift
	while [ "$1" != -- ]; do how+=("$1") && shift; done
	shift
	setpriv "${how[@]}" "$O/snisplit" tls 9001 --url "$name.test" "$@" --log-format json >"$TMP/agent.$name.log" 2>"$TMP/agent.$name.err" &
	AGENT=$!
}
# (who may do nothing keeps his name here, as the files of the test are his)
nobody=(--bounding-set=-all) no_admin=(--bounding-set=-sys_admin)
as app "${nobody[@]}" -- --log stdout
wait_for is_ready app.test
same "the page" "$(fetch app.test)" "hello from nginx"
wait_for agent_says app '"connection closed".*"bytes_kernel":"0"'
agent_says app '"lvl":"warn","msg":"datapath","datapath":"splice","why":"no kernel datapath: .*needs root'
same "the API" "$(curl -s http://127.0.0.1:4040/api/status | jq -r '.datapath + " " + .datapath_why' | grep -c 'splice .*needs root')" 1
stop_agent "$AGENT"
# root, but the self-test cannot be tried
as nginx "${no_admin[@]}" -- --log stdout
wait_for is_ready nginx.test
same "the page" "$(fetch nginx.test)" "hello from nginx"
agent_says nginx '"lvl":"warn","msg":"datapath","datapath":"splice","why":"no kernel datapath: .*not proven here'
wait_for agent_says nginx '"connection closed".*"bytes_kernel":"0"'
stop_agent "$AGENT"
# told to
ends_with() # STATUS PATTERN
{
	local status=0
	wait "$AGENT" || status=$?
	same "exit status" "$status" "$1"
	grep -q -- "$2" "$TMP/agent.app.err" || fail "$(cat "$TMP/agent.app.err")"
}
as app "${nobody[@]}" -- --log stdout --datapath kernel
ends_with 4 '^snisplit: --datapath: kernel: .*needs root'
as app "${no_admin[@]}" -- --log stdout --datapath=kernel
ends_with 4 '^snisplit: --datapath: kernel: .*not proven here'
as app --nnp -- --log stdout --datapath fast
ends_with 1 "^snisplit: --datapath: must be auto, kernel or userspace, got 'fast'"
# and in a file, where the command line beats it
printf 'version: 2\ndatapath: fast\n' >"$TMP/bad.yml"
refuse "$O/snisplit" config check --config "$TMP/bad.yml" 2>"$TMP/bad.log"
grep -q "bad.yml:2: datapath: must be one of auto|kernel|userspace" "$TMP/bad.log" || fail "$(cat "$TMP/bad.log")"
printf 'version: 2\ndatapath: userspace\n' >"$TMP/good.yml"
chmod 600 "$TMP/good.yml"
as app --nnp -- --log stdout --config "$TMP/good.yml"
wait_for agent_says app '"lvl":"info","msg":"datapath","datapath":"splice","why":"datapath: userspace"'
wait_for is_ready app.test
stop_agent "$AGENT"
as app --nnp -- --log stdout --config "$TMP/good.yml" --datapath kernel
wait_for agent_says app '"lvl":"info","msg":"datapath","datapath":"kernel","why":"self-test passed'
wait_for is_ready app.test
same "the page" "$(fetch app.test)" "hello from nginx"
stop_agent "$AGENT"
