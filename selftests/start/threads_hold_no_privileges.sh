# start/threads_hold_no_privileges.sh - Once it serves, no thread but four has a capability, all have no_new_privs and a seccomp filter, those that parse strangers' bytes reach no file of the system, and a second ssh gateway still starts.
# Each: datapath
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq
start_upstream openssl 9000
start_snisplitd <<-CONF
	workers: 2
	http: 127.0.0.1:4041
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints: [{url: "tls://app.test", upstream: "$UP:9000"}, {url: "tls://own.test", upstream: "$UP:9000", terminate_at: edge}]
CONF
[[ "$(fetch app.test)" == *"hello from openssl"* ]] || fail "not served"
cli status | grep -q '^sandbox .*off, by the configuration' && fail "off"
cli --json status | jq -e '.sandbox | test("no_new_privs, seccomp")' >/dev/null || skip "$(cli --json status | jq -r .sandbox)"

of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$DAEMON/task/$1/status"; } # TID FIELD
names=''
for task in "/proc/$DAEMON/task"/*; do
	tid=${task##*/}
	name=$(of "$tid" Name)
	names+="$name "
	same "$name: no_new_privs" "$(of "$tid" NoNewPrivs)" 1
	same "$name: seccomp" "$(of "$tid" Seccomp)" 2
	same "$name: inheritable and ambient" "$(of "$tid" CapInh) $(of "$tid" CapAmb)" "0000000000000000 0000000000000000"
	effective=$((16#$(of "$tid" CapEff)))
	case $name in
	snisplitd) want=$((1 << 2 | 1 << 5)) ;;	# dac_read_search, kill
	certificates) want=$((1 << 2)) ;;
	kernel) want=$((1 << 10 | 1 << 12)) ;;	# net_bind_service, net_admin
	*) want=0; same "$name: permitted" "$(of "$tid" CapPrm)" 0000000000000000 ;;
	esac
	same "$name: effective" "$effective" "$want"
done
for name in snisplitd kernel certificates worker tunnel MHD events resolver health; do
	[[ " $names" == *" $name"* ]] || fail "no thread $name among $names"
done
same "bounding set without dac_override, sys_ptrace, sys_module" "$((16#$(of "$DAEMON" CapBnd) & (1 << 1 | 1 << 19 | 1 << 16)))" 0
# not dumpable: its memory is root's
same "owner of its memory" "$(stat -c %u "/proc/$DAEMON/mem")" 0
stop_snisplitd

# what is refused is refused by name, and it can be switched off
start_snisplitd <<-CONF
	sandbox: off
CONF
same "off" "$(cli --json status | jq -r .sandbox)" "off, by the configuration"
same "filter" "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$DAEMON/status")" 0
sed -i 's/^sandbox: off/sandbox: on/' "$TMP/snisplitd.yml"
cli reload 2>"$TMP/err" && fail "sandbox was changed without a restart"
grep -q 'sandbox has changed, which needs a restart' "$TMP/err" || fail "$(cat "$TMP/err")"
