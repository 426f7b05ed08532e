# control/top_shows_live_rates.sh - top has the live bytes of open connections, rates and the kernel's share; its keys sort, it fits narrow and wide terminals, q quits; --once --json is for scripts.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq tmux
start_upstream stream 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://busy.app.test", upstream: "$UP:9000"}, {url: "tls://many.app.test", upstream: "$UP:9000"}, {url: "tls://never.app.test", upstream: "$UP:9000"}]
CONF
# one long connection that moves 100 MB while it is open, a few small ones that are over
"$HELPERS/stream" client --connect "$EDGE:443" --name busy.app.test --report "$TMP/stream.report" --order server --up 1 --down 100m --server-write-rate 8000 --timeout 90 >/dev/null 2>&1 &
BULK=$!
stream many.app.test --conns 30 --up 1k --down 1k --seed 5
top_json() { cli top --once --json --interval 300ms "$@"; }
is_busy() { [ "$(top_json | jq '.endpoints[] | select(.name == "busy.app.test") | .bytes_out_per_s > 1000 and .active == 1')" = true ]; }
wait_for is_busy
same "order by bytes" "$(top_json | jq -r '.endpoints[0].name')" busy.app.test
same "order by name" "$(top_json --sort name | jq -c '[.endpoints[].name]')" '["busy.app.test","many.app.test"]'
same "totals" "$(top_json | jq '.all.total')" 31
if [ "$DATAPATH" = kernel ]; then
	wait_for eval 'top_json | jq -e ".endpoints[0].kernel_share > 0.5"'
fi
cli top --once --interval 100ms >"$TMP/once"
grep -q '^busy.app.test  *1 ' "$TMP/once" || fail "$(cat "$TMP/once")"
status=0
cli top >/dev/null 2>"$TMP/err" </dev/null || status=$?
same "without a terminal" "$status $(cat "$TMP/err")" "1 snisplit: top: stdout is not a terminal; see top --once"
{ cli top --sort size 2>&1 || true; } | grep -q 'must be bytes, connections, rate or name' || fail "a bad --sort"

T() { tmux -S "$TMP/tmux" -f /dev/null "$@"; }
screen() { T capture-pane -p; }
shows() { screen | grep -qE "$1"; }
T new-session -d -x 130 -y 12 "'$O/snisplit' --socket '$TMP/control.sock' top --interval 200ms; echo status=\$? >'$TMP/status'; sleep 1000"
wait_for shows '^ENDPOINT +CONNS +CONN/S +IN/S +OUT/S +KERNEL +TOTAL +FAILED +IN +OUT'
wait_for shows '^busy.app.test +1 '
wait_for shows 'q quit .*\(by bytes\)'
T send-keys n
wait_for shows '\(by name\)'
T resize-window -x 40 -y 6
wait_for shows '^ENDPOINT +CONNS +OUT/S$|^ENDPOINT +CONNS +IN/S +OUT/S +KERNEL$'
[ "$(screen | awk '{ if (length($0) > n) n = length($0) } END { print n }')" -le 40 ] || fail "$(screen)"
T send-keys q
wait_for grep -q status=0 "$TMP/status"
wait_for eval '! shows CONNS'
T kill-server
kill $BULK 2>/dev/null || true
