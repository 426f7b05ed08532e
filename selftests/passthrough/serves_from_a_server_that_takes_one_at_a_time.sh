# passthrough/serves_from_a_server_that_takes_one_at_a_time.sh - A server that serves one connection after the other serves every client.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath ~family
. "$LIB"
need curl openssl jq
start_upstream openssl 9000
start_snisplitd <<-CONF
	endpoints: [{url: "tls://openssl.test", upstream: "$UP:9000"}]
CONF
for _ in 1 2 3 4 5 6; do
	start=$SECONDS
	same "page" "$(fetch openssl.test)" "hello from openssl"
	[ $((SECONDS - start)) -le 2 ] || fail "it took $((SECONDS - start)) s"
done
