# start/endpoints_survive_a_restart.sh - An endpoint added by the CLI is there after a restart and after kill -9, with the same id, and serves; a removed one is not.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq
start_upstream stream 9000
start_snisplitd <<-CONF
	version: 1
CONF
cli endpoint add tls://app.test --upstream "$UP:9000"
cli endpoint add tls://gone.test --upstream "$UP:9000"
cli endpoint rm gone.test
id=$(cli --json endpoint get app.test | jq -r .id)
[[ $id == ep_* ]] || fail "id is '$id'"
stream app.test --up 1k --down 1k --seed 1
stop_snisplitd
start_again
same "id after a restart" "$(cli --json endpoint get app.test | jq -r .id)" "$id"
stream app.test --up 1k --down 1k --seed 2
kill -KILL "$DAEMON"
wait "$DAEMON" || true
start_again
same "id after kill -9" "$(cli --json endpoint get app.test | jq -r .id)" "$id"
stream app.test --up 1k --down 1k --seed 3
[[ $(say --name gone.test) == 1503*0270\ fin\ * ]] || fail "gone.test is back"

# its name comes into the file meanwhile: that one serves, and ours can be forgotten
stop_snisplitd
echo "endpoints: [{url: app.test, upstream: \"$UP:9000\"}]" >>"$TMP/snisplitd.yml"
start_again
[ "$(cli --json endpoint get app.test | jq -r .id)" != "$id" ] || fail "the file's is not there"
grep "error: endpoint $id .*is not restored: .*snisplit endpoint rm $id" "$TMP/snisplitd.log" || fail "not said what to do"
cli endpoint rm "$id"
cli endpoint rm "$id" 2>"$TMP/err" && fail "forgotten twice"
grep -q "no endpoint" "$TMP/err" || fail "$(cat "$TMP/err")"
stream app.test --up 1k --down 1k --seed 4
stop_snisplitd
before=$(wc -l <"$TMP/snisplitd.log")
start_again
! tail -n +$((before + 1)) "$TMP/snisplitd.log" | grep 'not restored' || fail "not forgotten"
