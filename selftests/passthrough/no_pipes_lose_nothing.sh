# passthrough/no_pipes_lose_nothing.sh - Where there is no pipe to be had, at once or later on, a direction is copied from there on: random streams, sizes, pauses and ways to end arrive as they are.
# SPDX-License-Identifier: GPL-2.0-only
# Each: topology ~family
# Timeout: 180
. "$LIB"
need jq cc
cc -shared -fPIC -O1 -o "$TMP/no_pipe.so" "$LIB_DIR/fixtures/no_pipe.c"
head -c 8 /dev/zero >"$TMP/no_pipe"
refused() { od -An -tu4 -j4 -N4 "$TMP/no_pipe" | tr -d ' '; }
# shellcheck disable=SC2034 # for configure
DATAPATH=userspace
start_upstream stream 9000 --listen "$UP:9001=1"
start_snisplitd env LD_PRELOAD="$TMP/no_pipe.so" NO_PIPE="$TMP/no_pipe" <<-CONF
	timeouts: {client_hello: 60s}
	endpoints: [{url: "tls://one.test", upstream: "$UP:9001"}]
CONF
conns=$([ "$LONG" = 1 ] && echo 5000 || echo 200)
random() { stream one.test=1 --conns "$conns" --parallel 50 --up 2m --down 2m --random --seed "${SEED:-$RANDOM}"; }
random
all=$(refused)
echo "$SUMMARY; refused $all"
# (readers that are slower: more than their sockets hold)
stream one.test=1 --up 24m --down 24m --read-rate 8000 --server-read-rate 8000 --conns 4 --parallel 4 --timeout 60
echo "$SUMMARY"
all=$(refused)
# (some end before they have moved anything)
[ "$all" -ge "$conns" ] || fail "only $all of $conns connections got no pipe"
printf '\2' | dd of="$TMP/no_pipe" conv=notrunc status=none
random
echo "$SUMMARY; refused $(($(refused) - all))"
[ "$(refused)" -gt "$all" ] || fail "all got a pipe"
wait_for has_events $((2 * conns + 4))
wait_for eval '[ "$(live_conns)" = 0 ]'
