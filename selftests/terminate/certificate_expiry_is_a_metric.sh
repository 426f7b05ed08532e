# terminate/certificate_expiry_is_a_metric.sh - /metrics says when each certificate of tls.certificates and of the local CA expires, follows a renewal, and names none that is gone.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl curl
D=$TMP/certs
mkdir "$D"
issue ca "" 10 basicConstraints=critical,CA:true
issue one ca 5 subjectAltName=DNS:app.test,DNS:www.app.test
issue two ca 8 subjectAltName=DNS:app.test
cp "$TMP/one.pem" "$D/app.pem"
cp "$TMP/one.key" "$D/app.key"
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	tls: {certificates: $D}
	endpoints:
	  - {url: "tls://app.test", upstream: "127.0.0.1:9", terminate_at: edge}
	  - {url: "tls://local.test", upstream: "127.0.0.1:9", terminate_at: edge}
CONF
ends() { date -d "$(openssl x509 -noout -enddate | cut -d= -f2)" +%s; }
expiries() { curl -sS http://127.0.0.1:4041/metrics | sed -n 's/^snisplit_certificate_expiry_timestamp_seconds{origin="\([a-z_]*\)",where="\(.*\)",name="\(.*\)"} /\1 \3 /p'; }
is() { [ "$(expiries)" = "$1" ] || { expiries >"$TMP/last"; return 1; }; }
wait_for is "directory app.test $(ends <"$TMP/one.pem")"
openssl s_client -connect "$EDGE:443" -servername local.test </dev/null >"$TMP/said" 2>&1 || true # no upstream: closed, in one way or another
got=$(ends <"$TMP/said")
[ $((got - $(date +%s))) -gt $((89 * 86400)) ] || fail "the local CA's expires at $got"
same "both" "$(expiries | sort)" "directory app.test $(ends <"$TMP/one.pem")
local_ca local.test $got"
cp "$TMP/two.key" "$D/app.key"
cp "$TMP/two.pem" "$D/app.pem"
renewed() { expiries | sort | head -n 1 | grep -qx "directory app.test $(ends <"$TMP/two.pem")"; }
wait_for renewed
rm "$D/app.pem" "$D/app.key"
wait_for is "local_ca local.test $got"
