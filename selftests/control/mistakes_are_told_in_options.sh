# control/mistakes_are_told_in_options.sh - What a person mistyped is refused by the name of the option or argument, never half taken, and with what to write instead.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq
start_snisplitd <<-CONF
	endpoints: [{url: "tls://file.test", upstream: "127.0.0.1:9000"}]
CONF
issue a "" 30
issue b "" 30
issue ca "" 30 basicConstraints=critical,CA:TRUE
# mistake STATUS TEXT ARG...: TEXT is a part of the message
mistake()
{
	local status=0 want=$1 text=$2
	shift 2
	cli "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	same "$* exits" $status "$want"
	grep -qF -- "$text" "$TMP/err" || fail "$*: no '$text' in: $(cat "$TMP/err")"
	grep -qE '(^|[ :])[a-z]+_[a-z_]+' "$TMP/err" && fail "$*: a field of the API's: $(cat "$TMP/err")"
	[ ! -s "$TMP/out" ] || fail "$*: on stdout: $(cat "$TMP/out")"
}
add() { mistake "$1" "$2" endpoint add tls://a.test --upstream 127.0.0.1:9000 "${@:3}"; }

# numbers are numbers to their last byte
for n in 1e3 20x '5 6' 1.5 -1 '' 0x10; do
	add 1 "--max-conns: must be a number, digits only, got '$n'" --max-conns "$n"
	add 1 '--conn-rate: must be a number' --conn-rate "$n"
	mistake 1 '--health-rise: must be a number' backend create static --address 127.0.0.1:1 --health-rise "$n"
done
add 1 '--max-conns: is too large' --max-conns 99999999999999999999
same "endpoints made of half a number" "$(cli --json endpoint list | jq '.endpoints | length')" 1
one=$(cli backend create static --address 127.0.0.1:9000)
mistake 1 '--backend: must be a number' backend create weighted --backend "$one=1x"
mistake 1 '--backend: must be ID=WEIGHT' backend create weighted --backend "$one"
mistake 1 '--backend: must be ID without a weight' backend create failover --backend "$one=2"
mistake 1 '--backend: is missing' backend create weighted
mistake 1 'needs --backend ID' edge create --hostport a.test:443

# fields are options
for option in cidr-allow cidr-deny alpn ip-policies; do # nobody is let in because a variable is not set
	add 1 "--$option: needs a value" "--$option" ''
	mistake 1 "--$option: needs a value" endpoint set file.test "--$option="
done
add 1 '--key: is missing' --terminate-at edge --crt "$TMP/a.pem"
add 1 '--crt: needs --terminate-at edge' --terminate-at upstream --crt "$TMP/a.pem" --key "$TMP/a.key"
mistake 1 '--key: does not belong' cert add --crt "$TMP/a.pem" --key "$TMP/b.key"
mistake 1 'tls://NAME: ' endpoint add tls://a..test --upstream 127.0.0.1:9000
mistake 2 "or give both --pooling-enabled" endpoint add tls://file.test --upstream 127.0.0.1:1
cli endpoint add tls://kernel.test --upstream 127.0.0.1:9000 --datapath kernel >"$TMP/id"
mistake 1 'to take it away: --unset datapath' endpoint set kernel.test --terminate-at edge
cli endpoint set kernel.test --terminate-at edge --unset datapath >"$TMP/out"
cli endpoint add tls://pool.test --upstream 127.0.0.1:9000 --pooling-enabled >"$TMP/id"
mistake 2 'give this one --pooling-enabled too' endpoint add tls://pool.test --upstream 127.0.0.1:1

# each by what it is for, and no word of what cannot be
echo junk >"$TMP/junk.pem"
mistake 1 "snisplit: FILE: $TMP/junk.pem: is not a PEM file" ca add "$TMP/junk.pem"
mistake 1 'tcp://[HOST][:PORT]: ' endpoint add tcp://:99999 --upstream 127.0.0.1:1
mistake 2 '--hostport: tls://kernel.test is already online' edge create --hostport kernel.test:443 --backend "$one"
grep -q pooling "$TMP/err" && fail "an edge cannot share: $(cat "$TMP/err")"
mistake 1 '--field: ' event-subscription add --type tcp_connection_closed.v0 --field nix.x --destination x
mistake 1 '--address: is of static backends, not of failover ones' backend create failover --address 127.0.0.1:1
mistake 1 '--label: is of tunnel group backends, not of static ones' backend set "$one" --label a=b
mistake 1 '--backend: is of weighted and failover backends, not of static ones' backend create static --backend "$one"
for n in -1 x 1000001 ''; do
	mistake 1 "--max-sessions: must be 1 to 1000000, or 0 for any number, got '$n'" authtoken add --max-sessions "$n"
done
cli authtoken add --max-sessions 0 >"$TMP/id" 2>"$TMP/err" || fail "0 is any number: $(cat "$TMP/err")"
for verb in get rm; do mistake 1 "no edge 'nix'" edge "$verb" nix; done
mistake 1 "no static backend 'bkdsc_nix'" backend rm bkdsc_nix
for verb in 'endpoint add tls://t.test --upstream 127.0.0.1:1' "edge create --hostport t.test:443 --backend $one"; do
	# shellcheck disable=SC2086 # words are wanted
	mistake 1 "must be one of upstream|edge, got 'moon'" $verb --terminate-at moon
done

add 1 "ERR_SNISPLIT_224: --terminate-at: must be one of upstream|edge, got 'moon'" --terminate-at moon

# flags: alone, true or false; of what is changed false is a value
add 1 "--pooling-enabled: must be true or false, or stand alone, got 'maybe'" --pooling-enabled=maybe
verify() { cli --json endpoint get kernel.test | jq .upstream_tls_verify; }
cli endpoint set kernel.test --upstream tls://127.0.0.1:9000 --upstream-tls-verify >"$TMP/out"
same "alone" "$(verify)" true
cli endpoint set kernel.test --upstream-tls-verify=false >"$TMP/out"
same "false" "$(verify)" false
cli endpoint set kernel.test --upstream-tls-verify=true >"$TMP/out"
same "true" "$(verify)" true
mistake 1 '--pooling-enabled: cannot be changed' endpoint set pool.test --pooling-enabled=false
cli endpoint add tls://alone.test --upstream 127.0.0.1:9000 --pooling-enabled=false >"$TMP/id"
same "false from the start" "$(cli --json endpoint get alone.test | jq .pooling_enabled)" false
cli backend set "$one" --tls >"$TMP/out"
same "tls" "$(cli --json backend get "$one" | jq .tls.enabled)" true
cli backend set "$one" --tls=false >"$TMP/out"
same "no tls" "$(cli --json backend get "$one" | jq .tls.enabled)" false

# near misses and what is not there
mistake 1 'an argument is empty' endpoint get ''
mistake 1 'cannot be changed' endpoint set kernel.test --url tls://z.test
mistake 1 'did you mean --ip-policies?' endpoint add tls://a.test --upstream 127.0.0.1:1 --ip-policy x
mistake 1 'did you mean --certificate-authority?' edge create --certificate-authorities x
mistake 1 'did you mean endpoint?' endpont list
mistake 1 '--upstream: stands after the command' endpoint --upstream=127.0.0.1:1 add tls://a.test
same "help COMMAND" "$(cli help endpoint add)" "$(cli endpoint add --help)"
same "help" "$(cli help)" "$(cli --help)"
edge=$(cli edge create --backend "$one" --terminate-at edge --hostport edge.test:443 | cut -d' ' -f1)
cli edge set "$edge" --unset tls-termination >"$TMP/out"
same "a module with a dash" "$(cli --json edge get "$edge" | jq -c .tls_termination)" null
mistake 1 "--ip-policy: no IP policy 'nix'" edge set "$edge" --ip-policy nix
mistake 1 '--certificate-authority: needs --terminate-at edge' edge set "$edge" --certificate-authority nix
mistake 1 "--certificate-authority: there is no certificate authority 'nix'" edge set "$edge" --terminate-at edge --certificate-authority nix
mistake 1 "--unset: must be tls-termination, mutual-tls, ip-restriction, backend, description or metadata, got 'hostport'" edge set "$edge" --unset hostport
# (what a refusal says to do can be done)
cli edge set "$edge" --terminate-at edge --mutual-tls-cas "$TMP/ca.pem" >"$TMP/out"
mistake 1 'to take it away: --unset mutual-tls-cas' edge set "$edge" --terminate-at upstream
cli edge set "$edge" --terminate-at upstream --unset mutual-tls-cas >"$TMP/out"
same "an option of a module" "$(cli --json edge get "$edge" | jq -c .mutual_tls)" null
for verb in endpoint edge backend authtoken ssh-key event-destination event-subscription; do
	mistake 1 "$verb set: nothing to change" "$verb" set "$one"
done

# names that no host has
mistake 1 'ERR_SNISPLIT_328' endpoint add tls://-x.test --upstream 127.0.0.1:1
mistake 1 'ERR_SNISPLIT_329' endpoint add tls://x-.test --upstream 127.0.0.1:1
mistake 1 'ERR_SNISPLIT_396' endpoint add "tls://$(printf '%070d' 1).test" --upstream 127.0.0.1:1
