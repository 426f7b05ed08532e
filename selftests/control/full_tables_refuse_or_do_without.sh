# control/full_tables_refuse_or_do_without.sh - An endpoint or a policy the kernel's maps have no room for is refused with 503 and nothing of it stays; names beyond `pools` and `groups` are served by user space; each is counted.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=kernel
# Timeout: 200
. "$LIB"
need jq cc curl python3 bpftool
cc -shared -fPIC -O1 -o "$TMP/small.so" "$LIB_DIR/fixtures/small_maps.c" -ldl
full() { cli --json status | jq ".counters[] | select(.name == \"full_$1\").value"; }
api() { curl -sS --unix-socket "$TMP/control.sock" -X "$1" "http://x$2" ${3:+-d "$3"} -w '\n%{http_code}'; }
add() { api POST /endpoints "{\"url\": \"tls://$1\", \"upstream\": \"127.0.0.1:9001\"${2:-}}"; }
n_endpoints() { cli --json endpoint list | jq '.endpoints | length'; }
start_upstream python 9001
start_snisplitd env LD_PRELOAD="$TMP/small.so" SMALL_MAPS="endpoints=4 wildcards=2 policies=6" <<-CONF
	endpoints: [{url: "tls://app.test", upstream: "$UP:9001"}]
CONF

for i in 1 2 3; do [[ "$(add "e$i.test")" == *201 ]] || fail "endpoint $i is refused"; done
out=$(add e4.test)
[[ $out == *503 && $out == *"endpoint map is full"* ]] || fail "one too many: $out"
same "full_endpoints" "$(full endpoints)" 1
same "endpoints" "$(n_endpoints)" 4
[[ "$(api GET /endpoints/e4.test)" == *404 ]] || fail "what was refused is there"
for i in 1 2; do [[ "$(add "*.w$i.test")" == *201 ]] || fail "wildcard $i is refused"; done
out=$(add '*.w3.test')
[[ $out == *503 && $out == *"endpoint map is full"* ]] || fail "a wildcard too many: $out"
same "full_wildcards" "$(full wildcards)" 1
# room again
cli endpoint rm e1.test >/dev/null
[[ "$(add python.test)" == *201 ]] || fail "no room after a removal"
same "the page" "$(fetch python.test)" "hello from python"

# a policy of more ranges than there is room for changes nothing
cli endpoint set e2.test --cidr-allow 127.0.0.0/8 >/dev/null
before=$(map_entries policies)
status=0
out=$(cli endpoint set e3.test --cidr-allow 10.1.0.0/16 --cidr-allow 10.3.0.0/16 --cidr-allow 10.5.0.0/16 --cidr-allow 10.7.0.0/16 \
	--cidr-allow 10.9.0.0/16 --cidr-allow 10.11.0.0/16 --cidr-allow 10.13.0.0/16 2>&1) || status=$?
[ $status != 0 ] && [[ $out == *full* || $out == *space* ]] || fail "a policy too large: $status $out"
[ "$(full policies)" -ge 1 ] || fail "full_policies is $(full policies)"
same "entries of policies" "$(map_entries policies)" "$before"
refuse grep -q 10.13.0.0 <<<"$(api GET /endpoints/e3.test)"
stop_snisplitd
rm -r "$TMP/state"

# more names than places in `pools` (4096), more shared ones than in `groups` (1024)
python3 - "$UP" >"$TMP/many" <<-'PY'
	import sys
	for i in range(1, 4201):
	    print(f"  - {{url: 'tls://n{i}.test', upstream: '{sys.argv[1]}:9001'" + (", pooling_enabled: true}" if i <= 1030 else "}"))
PY
start_snisplitd <<-CONF
	$(printf 'endpoints:\n'; cat "$TMP/many")
CONF
same "full_groups" "$(full groups)" 6
same "full_pools" "$(full pools)" 104
# the first has a place, the last has none
n=0
for name in n1 n1030 n2000 n4200; do
	for _ in 1 2 3; do same "$name: the page" "$(fetch $name.test --insecure)" "hello from python"; done
	n=$((n + 3))
	wait_for has_events $n
	kernel=$(tail -n 2 "$EVENTS" | grep -c '"datapath":"kernel"' || true)
	echo "$name: $kernel of the last 2 by the kernel"
done
echo "by user space: $(counter pass_endpoint_user)"
[ "$(counter pass_endpoint_user)" -ge 6 ] || fail "user space has not started the connections of n1030 and n4200"
curl -sS --unix-socket "$TMP/control.sock" http://x/api/status >/dev/null
