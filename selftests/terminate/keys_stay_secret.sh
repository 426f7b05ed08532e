# terminate/keys_stay_secret.sh - A private key, of a file, an endpoint, an upload or the local CA, is in no core dump, log, event, metric or reply of the API, and in no file that others than the owner may read.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl jq curl
cd "$TMP" || exit
ulimit -c unlimited
dumped() { compgen -G "$TMP/core*"; }
sleep 60 &
control=$!
kill -ABRT $control
wait $control 2>/dev/null || true
dumped >/dev/null || skip "this machine writes its core dumps elsewhere: $(cat /proc/sys/kernel/core_pattern)"
rm -f "$TMP"/core*

certificate
mkdir certs
for name in file added uploaded; do issue $name "" 5 subjectAltName=DNS:$name.test; done
cp file.pem file.key certs
start_snisplitd <<-CONF
	http: 127.0.0.1:4041
	tls: {certificates: $TMP/certs}
	endpoints:
	  - {url: "tls://app.test", upstream: "127.0.0.1:9", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}
	  - {url: "tls://*.test", upstream: "127.0.0.1:9", terminate_at: edge}
CONF
cli endpoint add tls://added.test --upstream 127.0.0.1:9 --terminate-at edge --crt added.pem --key added.key >said 2>&1
cli cert add --crt uploaded.pem --key uploaded.key >>said 2>&1
for name in app file added uploaded local; do # the last by the local CA
	openssl s_client -connect "$EDGE:443" -servername $name.test </dev/null >>handshakes 2>&1 || true
done
same "handshakes" "$(grep -c '^Server certificate' handshakes)" 5
api() { curl -sS --unix-socket "$TMP/control.sock" "http://x$1"; }
api /endpoints >>said
api /tls_certificates >>said
api /status >>said
for id in $(api /tls_certificates | jq -r '.tls_certificates[].id'); do api "/tls_certificates/$id" >>said; done
for id in $(api /endpoints | jq -r '.endpoints[].id'); do api "/endpoints/$id" >>said; done
curl -sS http://127.0.0.1:4041/metrics >>said
wait_for has_events 5
[ -s said ] || fail "the API says nothing"
for key in key.pem file.key added.key uploaded.key state/ca/root.key state/ca/issued/*.pem; do
	[ -s "$key" ] || fail "there is no $key: $(find state)"
	secret=$(sed -n '/PRIVATE KEY/{n;p;q}' "$key")
	refuse grep -F -- "$secret" said snisplitd.log "$EVENTS"
	open=$(find state -type f -perm /077 -exec grep -lF -- "$secret" {} +) || true
	same "files of others with $key" "$open" ""
done
grep -rqF -e "$(sed -n 2p added.key)" state || fail "the key of the endpoint is nowhere: this looks for the wrong thing"

kill -ABRT "$DAEMON"
wait "$DAEMON" 2>/dev/null || true
DAEMON=''
same "core dumps" "$(dumped || true)" ""
