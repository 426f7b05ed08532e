# edges/pool_refuses_contradictions.sh - A name is shared only by endpoints that all have pooling and let in the same clients; who shares it is named by id; when the last has left, the longest wildcard serves.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq curl
for tag in 1 2 3; do
	listen+=(--listen "$UP:900$tag=$tag")
done
start_upstream stream 9000 "${listen[@]}"
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://*.test", upstream: "$UP:9001"}
	  - {url: "tls://*.sub.test", upstream: "$UP:9002"}
CONF
refused() # STATUS CODE TEXT ARG...: of the CLI's endpoint verbs
{
	local status=$1 code=$2 text=$3 got=0
	shift 3
	cli endpoint "$@" >"$TMP/out" 2>&1 || got=$?
	same "exit status of $* ($(cat "$TMP/out"))" "$got" "$status"
	grep -q "$code" "$TMP/out" && grep -q -- "$text" "$TMP/out" || fail "$*: $(cat "$TMP/out")"
}
post() # JSON: status and error code
{
	curl -s --unix-socket "$TMP/control.sock" -d "$1" -w ' %{http_code}' http://x/endpoints | jq -rs '"\(.[1]) \(.[0].error_code)"'
}
a=$(cli endpoint add tls://app.sub.test --upstream "$UP:9003" --pooling-enabled --cidr-allow 127.0.0.0/8 | cut -d' ' -f1)
refused 2 ERR_SNISPLIT_334 'already online' add tls://app.sub.test --upstream "$UP:9003"
refused 2 ERR_SNISPLIT_334 '--cidr-allow: differs' add tls://app.sub.test --upstream "$UP:9003" --pooling-enabled
refused 2 ERR_SNISPLIT_334 '--terminate-at: differs' add tls://app.sub.test --upstream "$UP:9003" --pooling-enabled --terminate-at edge --cidr-allow 127.0.0.0/8
same "the same with curl" "$(post '{"url": "tls://app.sub.test", "upstream": "127.0.0.1:9003"}')" '409 ERR_SNISPLIT_334'
refused 2 ERR_SNISPLIT_334 'already online' add 'tls://*.sub.test' --upstream "$UP:9003" --pooling-enabled
b=$(cli endpoint add tls://app.sub.test --upstream "$UP:9003" --pooling-enabled --cidr-allow 127.0.0.0/8 --proxy-proto 1 | cut -d' ' -f1)
for verb in get rm 'set --name x'; do
	# shellcheck disable=SC2086 # verb and options
	refused 2 '' '2 endpoints share tls://app.sub.test' ${verb%% *} app.sub.test ${verb#"${verb%% *}"}
done
cli endpoint set "$b" --unset proxy-proto >/dev/null
refused 2 ERR_SNISPLIT_334 'differs' set "$b" --unset cidr-allow
refused 1 '' 'cannot be changed' set "$b" --unset pooling-enabled
n=0
get() { stream "$1" --up 1k --down 1k --seed $((n += 1)); }
get app.sub.test=3
cli endpoint rm "$a" >/dev/null
for _ in 1 2 3; do get app.sub.test=3; done
cli endpoint rm app.sub.test >/dev/null
for _ in 1 2 3; do get app.sub.test=2; done
for _ in 1 2 3; do get other.test=1; done
