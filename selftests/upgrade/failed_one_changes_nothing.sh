# upgrade/failed_one_changes_nothing.sh - When the new program cannot start, or not as far as to serve, the old daemon goes on and says why.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
. "$LIB_DIR/upgrade/lib_upgrade.sh"
need jq
start_upstream python 9001
start_upstream stream 9000
cp "$SNISPLITD" "$TMP/snisplitd" # which the test may take away
SNISPLITD=$TMP/snisplitd
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://app.test", upstream: "$UP:9000"}
	  - {url: "tls://python.test", upstream: "$UP:9001"}
CONF
cp "$TMP/snisplitd.yml" "$TMP/good.yml"
stream app.test --up 4m --down 4m --conns 20 --parallel 20 --read-rate 250 --server-read-rate 250 --timeout 60 &
client=$!
wait_for eval '[ "$(live_conns)" = 20 ]'

refused() # PATTERN: the upgrade is, for this reason; and all goes on
{
	local out status=0
	out=$("$O/snisplitd" -c "$TMP/good.yml" --upgrade 2>&1) || status=$?
	same "exit status" "$status" 1
	[[ $out == *$1* ]] || fail "it says '$out', not '$1'"
	same "the page" "$(fetch python.test)" "hello from python"
	cli endpoint add "tls://new$RANDOM.test" --upstream "$UP:9001" >/dev/null
	wait_for eval '[ "$(live_conns)" = 20 ]' # (the page's is about to end)
}
echo 'nonsense: true' >>"$TMP/snisplitd.yml"
refused "the new program has ended"
cp "$TMP/good.yml" "$TMP/snisplitd.yml"
sed -i "s|^state_dir:.*|state_dir: /dev/null/nowhere|" "$TMP/snisplitd.yml"
refused "/dev/null/nowhere"
cp "$TMP/good.yml" "$TMP/snisplitd.yml"
mv "$TMP/snisplitd" "$TMP/away"
refused "No such file"
cp /bin/false "$TMP/snisplitd"
refused "the new program has ended"
cp /bin/cat "$TMP/snisplitd" && chmod 644 "$TMP/snisplitd"
refused "Permission denied"
mv "$TMP/away" "$TMP/snisplitd"
SNISPLITD=$O/snisplitd upgrade || fail "the good one: $(cat "$TMP/upgrade.log")"
wait "$client" || fail "a stream was cut: $(cat "$TMP/stream.log")"
same "endpoints" "$(cli --json endpoint list | jq '.endpoints | length')" 7
wait_for eval '[ "$(live_conns)" = 0 ]'
stop_upgraded
same "nobody there" "$("$O/snisplitd" -c "$TMP/good.yml" --upgrade >/dev/null 2>&1; echo $?)" 3
