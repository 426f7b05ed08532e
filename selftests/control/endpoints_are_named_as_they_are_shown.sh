# control/endpoints_are_named_as_they_are_shown.sh - An endpoint is found by its id, its URL, its name and what --name called it; a change keeps its place in the list; PEM is shown as in a file, all backends as one JSON document.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath=userspace
. "$LIB"
need jq openssl
start_snisplitd <<-CONF
CONF
issue ca "" 30 basicConstraints=critical,CA:TRUE
up=127.0.0.1:9000
first=$(cli endpoint add tls://one.test --upstream $up --name shop | cut -d' ' -f1)
cli endpoint add 'tls://*.two.test' --upstream $up --terminate-at edge --mutual-tls-cas "$TMP/ca.pem" >"$TMP/out"
cli endpoint add tls://three.test --upstream $up --name twin >"$TMP/out"
cli endpoint add tls://four.test --upstream $up --name twin >"$TMP/out"
for by in "$first" tls://one.test tls://One.test. one.test one.test:443 shop; do
	same "get $by" "$(cli --json endpoint get "$by" | jq -r .id)" "$first"
	cli endpoint set "$by" --description "by $by" >"$TMP/out"
	same "set $by" "$(cli --json endpoint get "$first" | jq -r .description)" "by $by"
	cli conn list --endpoint "$by" >"$TMP/out"
done
same "get a wildcard's URL" "$(cli --json endpoint get 'tls://*.two.test' | jq -r .url)" 'tls://*.two.test'
same "the order" "$(cli --json endpoint list | jq -r '.endpoints[].url' | xargs)" 'tls://one.test tls://*.two.test tls://three.test tls://four.test'
status=0
cli endpoint rm twin 2>"$TMP/err" || status=$?
same "two of one name" "$status: $(cat "$TMP/err")" "2: snisplit: 2 endpoints are called 'twin'; name one by its id"
cli endpoint get '*.two.test' | grep -A 99 -e '-----BEGIN' >"$TMP/shown"
cmp "$TMP/shown" "$TMP/ca.pem" || fail "$(cat "$TMP/shown")"
cli endpoint rm tls://four.test >"$TMP/out"
cli endpoint rm twin >"$TMP/out"
cli endpoint rm shop >"$TMP/out"
refuse cli endpoint get "$first" 2>"$TMP/err"

a=$(cli backend create static --address $up)
cli backend create weighted --backend "$a=2" >"$TMP/out"
same "backends" "$(cli backend list --json | jq -c '.backends | length')" 2
same "their kinds" "$(cli backend list | awk 'NR > 1 {print $2}' | xargs)" 'static weighted'
cli top --once --interval 100ms | head -n 2 >"$TMP/out"
grep -q 'in the kernel$' "$TMP/out" && grep -q 'FAILED.*UPSTREAM' "$TMP/out" || fail "top is cut: $(cat "$TMP/out")"
