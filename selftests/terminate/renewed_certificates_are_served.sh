# terminate/renewed_certificates_are_served.sh - What certbot, dehydrated, lego and uacme leave in tls.certificates is served, and what they renew is served by the next handshake, without a reload; connections that are open go on.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need openssl curl python3
D=$TMP/certs
mkdir -p "$TMP/archive/certbot.test" "$D"/{certbot,dehydrated,uacme,private/uacme}.test
issue ca "" 10 basicConstraints=critical,CA:true
# Each pair as its tool writes it: files first, then links, in its order.
renew() # NAME N
{
	local name=$1 n=$2
	issue "$name" ca 5 "subjectAltName=DNS:$name.test"
	cat "$TMP/$name.pem" "$TMP/ca.pem" >"$TMP/chain"
	case $name in
	certbot)
		cp "$TMP/$name.key" "$TMP/archive/certbot.test/privkey$n.pem"
		cp "$TMP/chain" "$TMP/archive/certbot.test/fullchain$n.pem"
		cp "$TMP/$name.pem" "$TMP/archive/certbot.test/cert$n.pem"
		for kind in cert privkey fullchain; do
			rm -f "$D/certbot.test/$kind.pem"
			ln -s "../../archive/certbot.test/$kind$n.pem" "$D/certbot.test/$kind.pem"
		done ;;
	dehydrated)
		cp "$TMP/$name.key" "$D/dehydrated.test/privkey-$n.pem"
		cp "$TMP/chain" "$D/dehydrated.test/fullchain-$n.pem"
		ln -sf "privkey-$n.pem" "$D/dehydrated.test/privkey.pem"
		ln -sf "fullchain-$n.pem" "$D/dehydrated.test/fullchain.pem" ;;
	lego)
		cat "$TMP/chain" >"$D/lego.test.crt"
		cat "$TMP/ca.pem" >"$D/lego.test.issuer.crt"
		cat "$TMP/$name.key" >"$D/lego.test.key"
		echo '{}' >"$D/lego.test.json" ;;
	uacme)
		cp "$TMP/$name.key" "$D/private/uacme.test/key.pem.tmp"
		mv "$D/private/uacme.test/key.pem.tmp" "$D/private/uacme.test/key.pem"
		cp "$TMP/chain" "$D/uacme.test/cert.pem.tmp"
		mv "$D/uacme.test/cert.pem.tmp" "$D/uacme.test/cert.pem" ;;
	esac
}
serial() { openssl x509 -noout -serial; }
served() # NAME
{
	[ "$(openssl s_client -connect "$EDGE:443" -servername "$1.test" -verify_return_error -CAfile "$TMP/ca.pem" </dev/null 2>/dev/null | serial)" = \
		"$(serial <"$TMP/$1.pem")" ]
}
for name in certbot dehydrated lego uacme; do renew $name 1; done
mkdir "$TMP/www"
head -c 3000000 /dev/urandom >"$TMP/www/page"
in_upstream_exec python3 -m http.server --bind 127.0.0.1 --directory "$TMP/www" 9000 2>/dev/null &
wait_for listening 9000
start_snisplitd <<-CONF
	tls: {certificates: $D}
	endpoints:
	  - {url: "tls://certbot.test", upstream: "127.0.0.1:9000", terminate_at: edge}
	  - {url: "tls://dehydrated.test", upstream: "127.0.0.1:9000", terminate_at: edge}
	  - {url: "tls://lego.test", upstream: "127.0.0.1:9000", terminate_at: edge}
	  - {url: "tls://uacme.test", upstream: "127.0.0.1:9000", terminate_at: edge}
CONF
for name in certbot dehydrated lego uacme; do served $name || fail "$name: the first is not served"; done
refuse grep -i warn <(grep certs "$TMP/snisplitd.log")
curl -sS --cacert "$TMP/ca.pem" --connect-to "certbot.test:443:$EDGE:443" --limit-rate 1m https://certbot.test/page >"$TMP/got" &
slow=$!
for name in certbot dehydrated lego uacme; do renew $name 2; done
for name in certbot dehydrated lego uacme; do wait_for served $name; done
wait $slow
cmp "$TMP/got" "$TMP/www/page"
refuse grep -q "reload" "$TMP/snisplitd.log"
