# start/full_disk_is_told_and_survived.sh - With no room for state or events, what cannot be kept is refused or counted, connections go on, and all works again when there is room.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq curl
mkdir "$TMP/small"
mount -t tmpfs -o size=1m tmpfs "$TMP/small"
start_upstream python 9001
start_snisplitd <<-CONF
	state_dir: $TMP/small/state
	events: [{file: "$TMP/small/events.ndjson"}]
	endpoints: [{url: "tls://python.test", upstream: "$UP:9001"}]
CONF
lost() { cli --json status | jq .events.lost; }
cli endpoint add tls://app.test --upstream "$UP:9001" >/dev/null
same "the page" "$(fetch python.test)" "hello from python"
cat /dev/zero >"$TMP/small/filler" 2>/dev/null || true
refused=0
for i in {1..40}; do
	cli endpoint add "tls://e$i.test" --upstream "$UP:9001" >"$TMP/out" 2>&1 || { refused=1; break; }
done
same "an endpoint that cannot be kept is refused" "$refused" 1
grep -qiE 'full|space' "$TMP/out" || fail "it says: $(cat "$TMP/out")"
if cli endpoint get "tls://e$i.test" >/dev/null 2>&1; then fail "what was refused is online"; fi
for n in {1..5}; do same "page $n" "$(fetch python.test)" "hello from python"; done
wait_for eval '[ "$(lost)" -ge 1 ]'
grep -q 'cannot write' "$TMP/snisplitd.log" || fail "the log does not tell"
rm "$TMP/small/filler"
cli endpoint add tls://nginx.test --upstream "$UP:9001" >/dev/null
same "the page" "$(fetch nginx.test --insecure)" "hello from python"
wait_for grep -q nginx.test "$TMP/small/events.ndjson"
jq -e . "$TMP/small/events.ndjson" >/dev/null || fail "half a line stayed"
kept=$(cli --json endpoint list | jq '.endpoints | length')
stop_snisplitd
start_again
same "endpoints after a restart" "$(cli --json endpoint list | jq '.endpoints | length')" "$kept"
