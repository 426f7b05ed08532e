# passthrough/exact_name_beats_wildcard.sh - A name goes to its exact endpoint, else to the longest wildcard above it, in any case and never to the wildcard's own parent.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
. "$LIB"
need jq
for tag in 1 2 3; do
	listen+=(--listen "$UP:900$tag=$tag")
done
start_upstream stream 9000 "${listen[@]}"
start_snisplitd <<-CONF
	endpoints:
	  - {url: "tls://a.example.test", upstream: "$UP:9001"}
	  - {url: "tls://*.example.test", upstream: "$UP:9002"}
	  - {url: "tls://*.deep.example.test", upstream: "$UP:9003"}
CONF
n=0
while read -r name tag host; do
	for _ in 1 2 3; do # by user space first, then by the kernel
		stream "$name=$tag" --up 1k --down 1k --seed $((n += 1))
		event_is $n endpoint_id="$(cli --json endpoint get "$host" | jq -r .id)"
	done
done <<-NAMES
	a.example.test 1 a.example.test
	A.Example.TEST 1 a.example.test
	b.example.test 2 *.example.test
	x.a.example.test 2 *.example.test
	deep.example.test 2 *.example.test
	b.deep.example.test 3 *.deep.example.test
	c.b.deep.example.test 3 *.deep.example.test
NAMES
for name in example.test xexample.test example.test.org test; do
	[[ $(say --name $name) == 1503*0270\ fin\ * ]] || fail "$name was not refused: $(say --name $name)"
done
