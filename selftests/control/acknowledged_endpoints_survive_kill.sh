# control/acknowledged_endpoints_survive_kill.sh - kill -9 at any moment, with registrations in flight, loses none that was acknowledged and leaves nothing that stops the next start.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 120
. "$LIB"
need jq
start_snisplitd <<-CONF
	version: 1
CONF
rounds=10
[ "$LONG" = 0 ] || rounds=100
: >"$TMP/acknowledged"
: >"$TMP/removed"
adder() # ROUND: adds until the daemon is gone, removing every third again
{
	local i
	for ((i = 0; ; i++)); do
		cli endpoint add "e$i.r$1.test" --upstream 127.0.0.1:9 >/dev/null 2>&1 || return 0
		echo "tls://e$i.r$1.test" >>"$TMP/acknowledged"
		[ $((i % 3)) = 0 ] || continue
		cli endpoint rm "e$i.r$1.test" >/dev/null 2>&1 || return 0
		echo "tls://e$i.r$1.test" >>"$TMP/removed"
	done
}
for ((round = 0; round < rounds; round++)); do
	adder $round &
	adder=$!
	sleep "0.$((RANDOM % 20 + 5))"
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null || true
	wait $adder
	start_again
done
cli --json endpoint list | jq -r '.endpoints[].url' | sort >"$TMP/there"
sort "$TMP/acknowledged" >"$TMP/a"
sort "$TMP/removed" >"$TMP/r"
[ "$(wc -l <"$TMP/a")" -ge $rounds ] || fail "only $(wc -l <"$TMP/a") were added"
# one removal a round may have happened without its acknowledgement
lost=$(comm -23 "$TMP/a" "$TMP/r" | comm -23 - "$TMP/there")
for url in $lost; do
	[[ $url =~ e([0-9]+)\. && $((BASH_REMATCH[1] % 3)) = 0 ]] || fail "$url was acknowledged and is gone"
done
same "removed ones that came back" "$(comm -12 "$TMP/r" "$TMP/there")" ''
if [ "$DATAPATH" = kernel ]; then
	same "endpoints in the kernel's map" "$(map_entries endpoints)" "$(wc -l <"$TMP/there")"
	same "programs" "$(prog_ids | wc -l)" 2
	stop_snisplitd
	[ ! -e "$PINS" ] || fail "pins are left: $(ls "$PINS")"
fi
