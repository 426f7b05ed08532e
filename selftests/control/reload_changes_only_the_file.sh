# control/reload_changes_only_the_file.sh - A reload follows the file's endpoints and leaves the API's; a bad file changes nothing and is told with its lines; connections under load do not notice.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need jq
start_upstream stream 9000
conf() # ENDPOINTS
{
	sed -i '/^endpoints:/d' "$TMP/snisplitd.yml"
	echo "endpoints: $1" >>"$TMP/snisplitd.yml"
}
urls() { cli --json endpoint list | jq -r '.endpoints[].host' | sort | xargs; }
start_snisplitd <<-CONF
	timeouts: {client_hello: 20s} # a random plan may send its hello byte by byte
	endpoints: [{url: stays.test, upstream: "$UP:9000"}, {url: goes.test, upstream: "$UP:9000"}]
CONF
cli endpoint add api.test --upstream "$UP:9000"
id=$(cli --json endpoint get stays.test | jq -r .id)
stream stays.test --up 1k --down 1k

conf "[{url: stays.test, upstream: \"$UP:9000\"}, {url: comes.test, upstream: \"$UP:9000\"}]"
cli reload
same endpoints "$(urls)" "api.test comes.test stays.test"
same "the one that stays" "$(cli --json endpoint get stays.test | jq -r '.id, .metrics.conns.count' | xargs)" "$id 1"
stream comes.test --up 1k --down 1k --seed 2

conf "[{url: api.test, upstream: \"$UP:9000\"}]"
status=0
cli reload 2>"$TMP/err" || status=$?
same "a name of the API in the file" $status 2
echo 'nope: 1' >>"$TMP/snisplitd.yml"
cli reload 2>"$TMP/err" && fail "a bad file was taken"
grep -q "snisplitd.yml:[0-9]*: unknown key 'nope'" "$TMP/err" || fail "$(cat "$TMP/err")"
same "after bad files" "$(urls)" "api.test comes.test stays.test"
sed -i '/^nope/d' "$TMP/snisplitd.yml"

conf "[{url: stays.test, upstream: \"$UP:9000\"}]"
(for i in $(seq 20); do
	conf "[{url: stays.test, upstream: \"$UP:9000\", description: \"$i\"}]"
	kill -HUP "$DAEMON"
	cli reload >/dev/null
done) &
reloads=$!
stream stays.test --conns 300 --parallel 10 --up 10k --down 100k --random --seed 3
wait $reloads || fail "a reload failed"
same "description" "$(cli --json endpoint get stays.test | jq -r .description)" 20
