# ssh/hundred_sessions_carry_traffic.sh - A hundred ssh -R sessions of seven keys at once carry their connections, every byte to the right service and back, each direction ended by itself.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 240
. "$LIB"
. "$LIB_DIR/ssh/lib_ssh.sh"
need jq
# two pairs of client and service, for 50 of the sessions each
for half in 0 1; do
	"$HELPERS/stream" server --listen "$UP:900$half=1" --listen "$UP:901$half=2" --report "$TMP/report.$half" \
		2>>"$TMP/stream.log" &
	wait_for listening 901$half
done
start_gateway <<-CONF
	datapath: userspace
	workers: 2
CONF
for k in 1 2 3 4 5 6; do
	ssh-keygen -q -t ed25519 -N '' -C "$k" -f "$TMP/id$k"
	cli ssh-key add "$TMP/id$k.pub" >/dev/null
done
cp "$TMP/id" "$TMP/id0"
# few at a time: of those that have not logged in, some are refused from 16 on
for i in {1..100}; do
	half=$((i > 50)) tag=$((i % 2 + 1))
	KEY=$TMP/id$((i % 7)) start_ssh "$i" -R "s$i.test:443:$UP:90$((tag - 1))$half" "$EDGE" tls
	names+=(--name "s$i.test=$tag")
	[ $((i % 8)) != 0 ] || wait_for 30 ssh_says "$i" '^forwarding '
done
all_online() { [ "$(cli --json endpoint list | jq '.endpoints | length')" = 100 ]; }
wait_for 60 all_online

# (SSH has no resets, so none is asked for)
load() # HALF ORDER SEED
{
	"$HELPERS/stream" client --connect "$EDGE:443" "${names[@]:$((100 * $1)):100}" --report "$TMP/report.$1" --order "$2" \
		--seed "$3" --up 150k --down 250k --conns 200 --parallel 50 --timeout 60 >"$TMP/load.$1" 2>>"$TMP/stream.log"
}
seed=0
for order in client server together; do
	load 0 $order $((seed += 1)) &
	first=$!
	load 1 $order $((seed += 1)) || fail "$order: $(cat "$TMP/load.1")"
	wait $first || fail "$order: $(cat "$TMP/load.0")"
done
same "sessions still there" "$(cli --json endpoint list | jq '.endpoints | length')" 100
