# passthrough/captured_hellos_reach_their_endpoint.sh - Hellos of real clients, whole, halved and byte by byte, arrive unchanged at the endpoint of their name and nowhere else.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 180
. "$LIB"
need jq
tables=(selftests/fixtures/hellos/expected.tsv)
more=${HELLOS_DIR:-../shared/data/hellos}/hellos.tsv
[ ! -f "$more" ] || tables+=("$more")
for table in "${tables[@]}"; do
	rm -f "$EVENTS"
	"$HELPERS/hellos" --table "$table" --upstream "$UP" --conf >"$TMP/endpoints"
	start_snisplitd <"$TMP/endpoints"
	total=0
	for cut in whole half byte "whole --repeat 5"; do # the last ones find warm upstreams
		# shellcheck disable=SC2086 # words are wanted
		out=$("$HELPERS/hellos" --table "$table" --upstream "$UP" --connect "$EDGE:443" --cut $cut 2>"$TMP/hellos.log") ||
			fail "$cut: $out"
		echo "$table $cut: $out"
		total=$((total + $(jq .hellos <<<"$out")))
	done
	wait_for has_events $total
	same "events" "$(event_count)" $total
	mixed=$(jq -r 'select(.object.endpoint_id) | .object | "\(.conn.server_name) \(.upstream_addr)"' "$EVENTS" |
		sort -u | awk '{print $1}' | uniq -d)
	same "names that went to two upstreams" "$mixed" ""
	if [ "$DATAPATH" = kernel ]; then
		echo "started by the kernel: $(counter start_kernel) of $total"
		[ "$(counter start_kernel)" -gt 0 ] || fail "the kernel started none"
	fi
	stop_snisplitd
done
[ ${#tables[@]} = 2 ] || skip "the captured hellos are not here: only the fixtures were run"
