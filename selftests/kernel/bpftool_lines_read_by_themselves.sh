# kernel/bpftool_lines_read_by_themselves.sh - Every bpftool line of tools/bpftool.md prints what it says, and every pinned map dumps, with its types wherever the kernel keeps them.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
. "$LIB"
need jq bpftool
start_upstream stream 9000
start_snisplitd <<-CONF
	limits: {connections: 64} # a map of flows that is dumped in a moment
	endpoints: [{url: "tls://*.app.test", upstream: "$UP:9000"}, {url: "tls://one.test", upstream: "$UP:9000", cidr_allow: [127.0.0.0/8]}]
CONF
stream a.app.test --conns 10 --up 1k --down 1k
# (there until it is told: a busy machine takes longer than any amount of bytes)
"$HELPERS/stream" client --connect "$EDGE:443" --name one.test --order server --up 1 --down 300m --hold \
	--timeout 100 --report "$TMP/stream.report" >/dev/null 2>&1 &
BULK=$!
is_paired() { dump_map flows | jq -e 'any(.[].formatted.value; .redir > 0 and .peer_cookie > 0)'; }
wait_for is_paired
# somebody comes all the time, or the pool of nobody's is empty by the time that a busy machine shows it
(while sleep 0.5; do stream a.app.test --conns 1 --up 1k --down 1k >/dev/null 2>&1; done) &
COMES=$!
# the code blocks of the page, in order
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' tools/bpftool.md >"$TMP/lines"
n=0
while IFS= read -r line; do
	n=$((n + 1))
	bash -o pipefail -c "$line" >"$TMP/out.$n" || fail "line $n: $line"
	[ -s "$TMP/out.$n" ] || fail "line $n prints nothing: $line"
done <"$TMP/lines"
[ $n -ge 5 ] || fail "only $n lines"
same "names" "$(sort -k2 "$TMP/out.1" | cut -d' ' -f2 | xargs)" "*.app.test one.test"
jq -e '.redirect_bytes > 0 and .drop_empty >= 0' "$TMP/out.2" >/dev/null || fail "$(cat "$TMP/out.2")"
jq -es 'any(.[]; .redirected > 0 and .endpoint > 0)' "$TMP/out.3" >/dev/null || fail "$(cat "$TMP/out.3")"
jq -es 'map(.ready) | add > 0' "$TMP/out.4" >/dev/null || fail "$(cat "$TMP/out.4")"
jq -es 'any(.[]; .bits == 104 and .allow and .addr[12] == 127)' "$TMP/out.5" >/dev/null || fail "$(cat "$TMP/out.5")"
same "programs" "$(jq -r .name "$TMP/out.6" | sort | xargs)" "on_sockops on_verdict"

for map in "$PINS"/*; do
	case ${map##*/} in
	prog_*) continue ;;
	flows) bpftool -j map lookup pinned "$map" key 1 0 0 0 | jq -e .formatted.value.role >/dev/null || fail "$map has no types" ;;
	sockets | events) bpftool -j map dump pinned "$map" | jq -e 'type == "array" and length > 0' >/dev/null || fail "$map" ;;
	*) bpftool -j map dump pinned "$map" | jq -e 'all(.[]; .formatted)' >/dev/null || fail "$map has no types" ;;
	esac
done
kill $BULK $COMES 2>/dev/null || true
