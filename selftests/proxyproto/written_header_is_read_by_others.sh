# proxyproto/written_header_is_read_by_others.sh - haproxy, nginx and a reader in Python find in our PROXY headers, v1 and v2, v4 and v6, what we put there.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need haproxy nginx python3
V4='192.0.2.1:50001 198.51.100.2:443'
V6='[2001:db8::1]:50001 [2001:db8::2]:443'
long=$(printf 'a%.0s' {1..200})

cat >"$TMP/haproxy.cfg" <<-'CONF'
	defaults
	  mode http
	  timeout connect 5s
	  timeout client 10s
	  timeout server 10s
	frontend f
	  bind 127.0.0.1:7001 accept-proxy
	  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] authority=%[fc_pp_authority] id=%[fc_pp_unique_id]\n"
CONF
nginx_says='return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port\n";'
cat >"$TMP/nginx.conf" <<-CONF
	daemon off;
	user root;
	worker_processes 1;
	pid $TMP/nginx.pid;
	error_log $TMP/nginx.log;
	events { worker_connections 100; }
	http {
		access_log off;
		client_body_temp_path $TMP/1; proxy_temp_path $TMP/2; fastcgi_temp_path $TMP/3;
		uwsgi_temp_path $TMP/4; scgi_temp_path $TMP/5;
		server { listen 127.0.0.1:7002 proxy_protocol; location / { $nginx_says } }
	}
CONF
cat >"$TMP/reader.py" <<-'PY'
	import ipaddress, struct, sys

	def crc32c(data):
	    crc = 0xffffffff
	    for byte in data:
	        crc ^= byte
	        for _ in range(8):
	            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
	    return crc ^ 0xffffffff

	def tlvs(data):
	    while data:
	        kind, size = struct.unpack("!BH", data[:3])
	        assert len(data) >= 3 + size, "TLV too long"
	        yield kind, data[3:3 + size]
	        data = data[3 + size:]

	def v1(data):
	    assert data.endswith(b"\r\n") and len(data) <= 107
	    word = data[:-2].decode("ascii").split(" ")
	    if word[1] == "UNKNOWN":
	        return "local"
	    kind = {"TCP4": ipaddress.IPv4Address, "TCP6": ipaddress.IPv6Address}[word[1]]
	    assert len(word) == 6
	    return f"{kind(word[2])}:{int(word[4])} {kind(word[3])}:{int(word[5])}"

	def v2(data):
	    command, family, size = struct.unpack("!BBH", data[12:16])
	    assert len(data) == 16 + size, "wrong length"
	    if command == 0x20:
	        return "local"
	    kind, ip_len = {0x11: (ipaddress.IPv4Address, 4), 0x21: (ipaddress.IPv6Address, 16)}[family]
	    src, dst, sport, dport = struct.unpack_from(f"!{ip_len}s{ip_len}sHH", data, 16)
	    out = f"{kind(src)}:{sport} {kind(dst)}:{dport}"
	    for kind, value in tlvs(data[16 + 2 * ip_len + 4:]):
	        if kind == 3:
	            assert len(value) == 4 and data.count(b"\3\0\4" + value) == 1
	            assert struct.unpack("!I", value)[0] == crc32c(data.replace(b"\3\0\4" + value, b"\3\0\4\0\0\0\0"))
	            out += " crc"
	        elif kind == 0x20:
	            out += " ssl=%d/%d" % struct.unpack("!BI", value[:5])
	            out += "".join(f" {k:02x}={v.decode()}" for k, v in tlvs(value[5:]))
	        else:
	            out += f" {kind:02x}={value.decode()}"
	    return out

	data = sys.stdin.buffer.read()
	print(v2(data) if data[:12] == b"\r\n\r\n\0\r\nQUIT\n" else v1(data))
PY

haproxy -db -q -f "$TMP/haproxy.cfg" 2>>"$TMP/haproxy.log" &
nginx -e "$TMP/nginx.log" -c "$TMP/nginx.conf" 2>>"$TMP/nginx.log" &
wait_for listening 7001
wait_for listening 7002

over_http() # PORT ARG...: the page behind our header
{
	local port=$1
	shift
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	{ "$HELPERS/header" write "$@"; printf 'GET / HTTP/1.0\r\n\r\n'; } >&3
	timeout 10 tr -d '\r' <&3 | tail -n 1
	exec 3>&-
}

bare() { sed 's/[][]//g' <<<"$1"; }

# read_by_all ADDRS ARG...: TLVs are haproxy's and python's to tell
read_by_all()
{
	local want=$1 name id
	shift
	name=$(sed -n 's/.*--authority \([^ ]*\).*/\1/p' <<<"$*") id=$(sed -n 's/.*--id \([^ ]*\).*/\1/p' <<<"$*")
	same "haproxy: $*" "$(over_http 7001 "$@")" "$(bare "$want") authority=$name id=$id"
	same "nginx: $*" "$(over_http 7002 "$@")" "$(bare "$want")"
}
by_python() { "$HELPERS/header" write "$@" | python3 "$TMP/reader.py"; }

for addrs in "$V4" "$V6" '0.0.0.0:1 255.255.255.255:65535'; do
	# shellcheck disable=SC2086 # words are wanted
	for version in 1 2; do
		read_by_all "$addrs" $version $addrs
		same "python: $version $addrs" "$(by_python $version $addrs)" "$(bare "$addrs")"
	done
	# shellcheck disable=SC2086 # words are wanted
	{
		read_by_all "$addrs" 2 $addrs --crc
		read_by_all "$addrs" 2 $addrs --authority app.test --alpn h2 --id conn_1 --crc --ssl client.test
		read_by_all "$addrs" 2 $addrs --authority "$long" --id "${long:0:128}" --crc
		same "python: $addrs" \
			"$(by_python 2 $addrs --authority app.test --alpn h2 --id conn_1 --crc --ssl client.test)" \
			"$(bare "$addrs") 02=app.test 01=h2 05=conn_1 ssl=3/0 21=TLSv1.3 23=TLS_AES_128_GCM_SHA256 22=client.test crc"
	}
done

# What is IPv4 is written as IPv4, unless the other side is not.
mapped='[::ffff:192.0.2.1]:50001 [::ffff:198.51.100.2]:443'
mixed='192.0.2.1:50001 [2001:db8::2]:443'
for version in 1 2; do
	# shellcheck disable=SC2086 # words are wanted
	{
		read_by_all "$V4" $version $mapped
		same "haproxy: v$version, mixed" "$(over_http 7001 $version $mixed)" \
			'::ffff:192.0.2.1:50001 2001:db8::2:443 authority= id='
		same "python: v$version, mixed" "$(by_python $version $mixed)" '::ffff:c000:201:50001 2001:db8::2:443'
	}
	# Our own connection: the reader goes by its socket.
	own=$(over_http 7001 $version - -)
	[[ $own == 127.0.0.1:*\ 127.0.0.1:7001\ * ]] || fail "haproxy: v$version of our own: $own"
	same "nginx: v$version of our own" "$(over_http 7002 $version - -)" ': :'
	same "python: v$version of our own" "$(by_python $version - -)" local
done
