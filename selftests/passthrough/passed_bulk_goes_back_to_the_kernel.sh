# passthrough/passed_bulk_goes_back_to_the_kernel.sh - A reader by fits and starts closes the gate again and again; the kernel carries 80% all the same.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
. "$LIB"
need jq python3
mkfifo "$TMP/say"
exec 7<>"$TMP/say"
python3 "$LIB_DIR/fixtures/fits.py" 127.0.0.1:9000 "$EDGE:443" 3 800000000 <&7 >"$TMP/fits" &
wait_for listening 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "127.0.0.1:9000"}]
CONF
echo >&7
wait_for 60 grep -q sent "$TMP/fits"
wait_for eval '[ "$(live_conns)" = 0 ]'
shares=$(jq -s -c 'map(.object | select(.conn.bytes_in > 800000000)) | [length, ((map(.bytes_kernel) | add) * 100 / (map(.conn.bytes_in) | add) | floor)]' "$EVENTS")
echo "connections, and percent of their bytes: $shares"
[ "$(counter pass_hard_limit)" -gt 0 ] || fail "the gate never closed: this test tests nothing here"
[ "$(jq '.[0] == 3 and .[1] >= 80' <<<"$shares")" = true ] || fail "connections, and percent of them in the kernel: $shares"
echo >&7
