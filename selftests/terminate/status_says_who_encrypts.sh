# terminate/status_says_who_encrypts.sh - status says whether the kernel's TLS is used, lacking, or switched off by tls.ktls.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need jq curl
certificate
said() { curl -sS --unix-socket "$TMP/control.sock" http://x/status | jq -r .kernel_tls; }
# The daemon has asked for it, so the module is there by now if there is one.
has() { grep -qsw tls /proc/sys/net/ipv4/tcp_available_ulp; }
for ktls in auto off; do
	start_snisplitd <<-CONF
		tls: {ktls: $ktls}
		endpoints: [{url: "tls://app.test", upstream: "$UP:9000", terminate_at: edge, crt: $TMP/cert.pem, key: $TMP/key.pem}]
	CONF
	want="the kernel lacks CONFIG_TLS, or its module tls"
	if has && [ $ktls = auto ]; then want=used; fi
	if has && [ $ktls = off ]; then want="available, switched off by tls.ktls"; fi
	same "tls.ktls: $ktls" "$(said)" "$want"
	stop_snisplitd
done
