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
rules=$(daemon_fds 'anon_inode:*landlock*')
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
# mistakes are told in whole lines, as they are in the log; where they are too many, who tells them all
kill -HUP "$DAEMON"
wait_for grep -q "error: reload: .*'nope'" "$TMP/snisplitd.log"
refuse grep -q '^$' "$TMP/snisplitd.log"
for i in 1 2 3 4 5 6; do echo "nope: $i"; done >>"$TMP/snisplitd.yml"
cli reload 2>"$TMP/err" && fail "many mistakes were taken"
refuse grep -vE "snisplitd.yml:[0-9]+: (unknown key 'nope'; there are .*, endpoints|nope: given twice, first on line [0-9]+)\$|there is more: snisplitd --check" "$TMP/err"
same "lines that say where the others are" "$(grep -c 'there is more: snisplitd --check' "$TMP/err")" 1
same "after bad files" "$(urls)" "api.test comes.test stays.test"
sed -i '/^nope/d' "$TMP/snisplitd.yml"
issue a "" 2
issue b "" 2
conf "[{url: stays.test, upstream: \"$UP:9000\"}, {url: pair.test, upstream: \"$UP:9000\", crt: $TMP/a.pem, key: $TMP/b.key}]"
cli reload 2>"$TMP/err" && fail "another one's key was taken"
grep -q "snisplitd.yml:[0-9]*: endpoints\[1\].key: does not belong to the certificate in crt" "$TMP/err" || fail "$(cat "$TMP/err")"
same "after a bad pair" "$(urls)" "api.test comes.test stays.test"

count_reloads() { grep -c 'info: reloaded' "$TMP/snisplitd.log"; }
reloaded() { [ "$(count_reloads)" -ge $((before + $1)) ]; }
# events follow the file too; one that cannot be opened is told with its line, and nothing changes
conf "[{url: stays.test, upstream: \"$UP:9000\"}]"
cli reload >/dev/null
cp "$TMP/snisplitd.yml" "$TMP/good.yml"
sed -i "s|^events:.*|events: [{file: $EVENTS}, {file: /proc/nope/x}]|" "$TMP/snisplitd.yml"
line=$(grep -n '^events:' "$TMP/snisplitd.yml" | cut -d: -f1)
cli reload 2>"$TMP/err" && fail "an event file that cannot be opened was taken"
grep -q "snisplitd.yml:$line: /proc/nope/x cannot be opened: No such file" "$TMP/err" || fail "$(cat "$TMP/err")"
events=$(event_count)
stream stays.test --up 1k --down 1k --seed 40
wait_for has_events $((events + 1))
sed -i "s|^events:.*|events: [{file: $EVENTS}, {file: $TMP/more, fields: [close_reason]}]|" "$TMP/snisplitd.yml"
cli reload >/dev/null
stream stays.test --up 1k --down 1k --seed 41
wait_for grep -q '"object":{"close_reason":"client_fin"}' "$TMP/more"
wait_for has_events $((events + 2))
cp "$TMP/good.yml" "$TMP/snisplitd.yml"
cli reload >/dev/null
same "descriptors of Landlock's rules" "$(daemon_fds 'anon_inode:*landlock*')" "$rules"
same "destinations" "$(cli --json status | jq -r '[.events.destinations[].target] | join(" ")')" "file:$EVENTS"

# 200 reloads, half of them by signal, under connections that come all the time and some that stay
reloads=200
before=$(count_reloads)
conf "[{url: stays.test, upstream: \"$UP:9000\"}]"
"$HELPERS/stream" client --connect "$EDGE:443" --name stays.test --report "$TMP/stream.report" --order server --conns 4 \
	--parallel 4 --up 1k --down 10m --server-write-rate 8000 --timeout 100 --seed 7000 >"$TMP/long" 2>&1 &
LONG_ONES=$!
(for ((i = 1; i <= reloads / 2; i++)); do
	conf "[{url: stays.test, upstream: \"$UP:9000\", description: \"$i\"}, {url: \"e$i.test\", upstream: \"$UP:9000\"}]"
	kill -HUP "$DAEMON"
	cli reload >/dev/null
	wait_for reloaded $((2 * i)) # two signals that wait are one
done) &
RELOADS=$!
for ((seed = 10000, conns = 0; conns < 300; seed += 1000, conns += 100)); do
	stream stays.test --conns 100 --parallel 10 --up 10k --down 50k --random --seed $seed
done
while kill -0 $RELOADS 2>/dev/null; do
	stream stays.test --conns 100 --parallel 10 --up 10k --down 50k --random --seed $seed
	seed=$((seed + 1000))
done
wait $RELOADS || fail "a reload failed"
wait $LONG_ONES || fail "those that stayed: $(cat "$TMP/long")"
same "description" "$(cli --json endpoint get stays.test | jq -r .description)" $((reloads / 2))
same "endpoints" "$(urls)" "api.test e$((reloads / 2)).test stays.test"
same "refused or lost" "$(jq -s '[.[].object | select(.close_reason | IN("unknown_name", "upstream_refused", "internal", "limit", "drained"))] | length' "$EVENTS")" 0
same "reloads" $(($(count_reloads) - before)) $reloads
