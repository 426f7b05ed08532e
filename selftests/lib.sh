# SPDX-License-Identifier: GPL-2.0-only
# lib.sh - what behaviour tests share.  Sourced by a test that selftests/run started:
# $TMP, $O and, by its "# Each:" line, $DATAPATH, $TOPOLOGY and $FAMILY are set.
# shellcheck shell=bash
set -euo pipefail

: "${DATAPATH:=kernel}" "${TOPOLOGY:=lo}" "${FAMILY:=4}" "${LONG:=0}"
SNISPLITD=$O/snisplitd
HELPERS=$O/helpers
# shellcheck disable=SC2034 # for tests
LIB_DIR=$(dirname "$LIB")
PINS=/sys/fs/bpf/snisplit
EVENTS=$TMP/events.ndjson
export PATH=$PATH:/usr/sbin:/sbin
# What the event says when a connection took the datapath under test.
# shellcheck disable=SC2034 # for tests
case $DATAPATH in userspace) MOVER=splice ;; *) MOVER=kernel ;; esac

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 4; }

need() # TOOL...
{
	local t
	for t; do command -v "$t" >/dev/null || skip "$t is not installed"; done
}

# wait_for [SECONDS] CMD...: until CMD succeeds; the only wait there is.
wait_for()
{
	local limit=25 until # (a busy machine starts a python in ten)
	case $1 in [0-9]*) limit=$1; shift ;; esac
	until=$((SECONDS + limit))
	while ! "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $until ] || fail "waited $limit s for: $*"
		sleep 0.02
	done
}

refuse() # CMD...: fails when CMD succeeds
{
	if "$@"; then fail "succeeded: $*"; fi
}

same() # WHAT GOT WANT
{
	[ "$2" = "$3" ] || fail "$1: got '$2', want '$3'"
}

# ---- topology: client -- edge -- upstream, on one lo or over two veth pairs ----
# EDGE and UP are addresses as URLs write them.  in_client and in_upstream run a
# command where that party lives; the _exec forms, for the background, keep the pid.
in_client_exec() { exec nsenter ${CLIENT_NS:+--net=$CLIENT_NS} -- "$@"; }
in_upstream_exec() { exec nsenter ${UPSTREAM_NS:+--net=$UPSTREAM_NS} -- "$@"; }
in_client() { (in_client_exec "$@"); }
in_upstream() { (in_upstream_exec "$@"); }

# ("ip -n" and "ip netns" want / to be a mount point, which it is not in a chroot)
in_ns() { nsenter --net="/run/netns/$1" -- "${@:2}"; } # NAME CMD...

link() # NAME NUMBER: a namespace NAME, 10.9.NUMBER.2, behind a veth of ours, .1
{
	touch "/run/netns/$1"
	unshare --net="/run/netns/$1" true
	ip link add "e-$1" mtu 1500 type veth peer name "p-$1" mtu 1500 netns "$1"
	ip addr add "10.9.$2.1/24" dev "e-$1"
	ip addr add "fd09:$2::1/64" dev "e-$1" nodad
	ip link set "e-$1" up
	in_ns "$1" ip addr add "10.9.$2.2/24" dev "p-$1"
	in_ns "$1" ip addr add "fd09:$2::2/64" dev "p-$1" nodad
	in_ns "$1" ip link set lo up
	in_ns "$1" ip link set "p-$1" up
	local onoff=on
	[ "$TOPOLOGY" = veth ] || onoff=off
	ethtool -K "e-$1" gro "$onoff" gso "$onoff" tso "$onoff"
	in_ns "$1" ethtool -K "p-$1" gro "$onoff" gso "$onoff" tso "$onoff"
}

link_is_up() # NAME: at both ends
{
	ip link show "e-$1" | grep -q 'state UP' && in_ns "$1" ip link show "p-$1" | grep -q 'state UP'
}

topology()
{
	CLIENT_NS='' UPSTREAM_NS=''
	if [ "$TOPOLOGY" = lo ]; then
		case $FAMILY in 4) EDGE=127.0.0.1 ;; *) EDGE='[::1]' ;; esac
		UP=$EDGE
		return
	fi
	need ethtool
	link client 1
	link upstream 2
	CLIENT_NS=/run/netns/client UPSTREAM_NS=/run/netns/upstream
	case $FAMILY in
	4) EDGE=10.9.1.1 UP=10.9.2.2 ;;
	*) EDGE='[fd09:1::1]' UP='[fd09:2::2]' ;;
	esac
	wait_for link_is_up client
	wait_for link_is_up upstream
}

unbracket() { echo "$1" | tr -d '[]'; }

listening() # PORT [in_upstream]
{
	[ -n "$(${2:-} ss -Htln "sport = :$1")" ]
}

# ---- upstreams: foreign servers, ready when this returns ----
certificate() # $TMP/cert.pem and key.pem, made once
{
	[ ! -f "$TMP/cert.pem" ] || return 0
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
		-addext "subjectAltName=DNS:app.test,DNS:nginx.test,DNS:haproxy.test,DNS:python.test,DNS:openssl.test" -keyout "$TMP/key.pem" -out "$TMP/cert.pem" 2>/dev/null
	cat "$TMP/cert.pem" "$TMP/key.pem" >"$TMP/both.pem"
}

issue() # NAME CA|"" DAYS [EXTENSION...]: $TMP/NAME.pem and NAME.key, issued by CA.pem, "" by itself
{
	local name=$1 ca=$2 days=$3 ext
	shift 3
	local args=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=test/CN=$name" -keyout "$TMP/$name.key")
	for ext; do printf '%s\n' "$ext"; done >"$TMP/$name.ext"
	openssl req -new "${args[@]}" -out "$TMP/$name.csr" 2>/dev/null
	local sign=(-signkey "$TMP/$name.key")
	[ -z "$ca" ] || sign=(-CA "$TMP/$ca.pem" -CAkey "$TMP/$ca.key" -CAcreateserial)
	# negative days: expired yesterday
	if [ "$days" -lt 0 ]; then
		: >"$TMP/$name.db"
		openssl ca -batch -notext -config <(printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\nO=optional\nCN=supplied\n' "$TMP/$name.db") \
			-cert "$TMP/$ca.pem" -keyfile "$TMP/$ca.key" -in "$TMP/$name.csr" -out "$TMP/$name.pem" -outdir "$TMP" \
			-extfile "$TMP/$name.ext" -startdate 200101000000Z -enddate 200102000000Z 2>"$TMP/$name.err" ||
			fail "openssl ca: $(cat "$TMP/$name.err")"
	else
		openssl x509 -req -in "$TMP/$name.csr" "${sign[@]}" -days "$days" -extfile "$TMP/$name.ext" \
			-out "$TMP/$name.pem" 2>/dev/null
	fi
}

# start_upstream KIND PORT: nginx, haproxy, python, openssl, gnutls (all TLS, with the page
# "hello from KIND") or stream (the checker's server; more arguments are passed on)
start_upstream()
{
	local kind=$1 port=$2 dir=$TMP/up.$1.$2
	shift 2
	mkdir -p "$dir"
	if [ "$kind" != stream ]; then
		certificate
		echo "hello from $kind" >"$dir/page"
	fi
	case $kind in
	nginx)
		need nginx
		cat >"$dir/nginx.conf" <<-CONF
			daemon off;
			user root;
			worker_processes 1;
			pid $dir/pid;
			error_log $dir/error.log;
			events { worker_connections 1000; }
			http {
				access_log off;
				client_body_temp_path $dir/1; proxy_temp_path $dir/2; fastcgi_temp_path $dir/3;
				uwsgi_temp_path $dir/4; scgi_temp_path $dir/5;
				server {
					listen $UP:$port ssl http2;
					ssl_certificate $TMP/cert.pem;
					ssl_certificate_key $TMP/key.pem;
					root $dir;
				}
			}
		CONF
		in_upstream_exec nginx -e "$dir/error.log" -c "$dir/nginx.conf" 2>"$dir/log" & ;;
	haproxy)
		need haproxy
		cat >"$dir/haproxy.cfg" <<-CONF
			defaults
				mode http
				timeout connect 5s
				timeout client 30s
				timeout server 30s
			frontend f
				bind $UP:$port ssl crt $TMP/both.pem
				http-request return status 200 content-type text/plain lf-string "hello from haproxy\n"
		CONF
		in_upstream_exec haproxy -db -q -f "$dir/haproxy.cfg" 2>"$dir/log" & ;;
	python)
		need python3
		in_upstream_exec python3 - "$(unbracket "$UP")" "$port" "$TMP" "$dir" 2>"$dir/log" <<-'PY' &
			import functools, http.server, socket, ssl, sys
			host, port, tmp, dir = sys.argv[1:]
			class Server(http.server.ThreadingHTTPServer):
			    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
			context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
			context.load_cert_chain(tmp + "/cert.pem", tmp + "/key.pem")
			handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=dir)
			server = Server((host, int(port)), handler)
			server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
			server.serve_forever()
		PY
		;;
	openssl)
		need openssl
		(cd "$dir" && in_upstream_exec openssl s_server -quiet -accept "$UP:$port" -cert "$TMP/cert.pem" \
			-key "$TMP/key.pem" -WWW >"$dir/log" 2>&1) & ;;
	gnutls)
		need gnutls-serv
		in_upstream_exec gnutls-serv --quiet --echo --port "$port" --x509certfile "$TMP/cert.pem" \
			--x509keyfile "$TMP/key.pem" >"$dir/log" 2>&1 & ;;
	stream)
		in_upstream_exec "$HELPERS/stream" server --listen "$UP:$port" --report "$TMP/stream.report" "$@" \
			2>>"$dir/log" & ;;
	*)
		fail "no upstream of kind $kind" ;;
	esac
	# shellcheck disable=SC2034 # for tests
	UPSTREAM_PID=$!
	wait_for 40 listening "$port" in_upstream
}

# ---- the daemon ----
# start_snisplitd [WRAPPER...] <config: the keys that the test cares about; the rest is given.
# Returns when it listens; DAEMON is its pid (or the wrapper's).
configure()
{
	cat >"$TMP/conf.in"
	{
		local line
		while IFS= read -r line; do
			grep -q "^${line%%:*}:" "$TMP/conf.in" || echo "$line"
		done <<-CONF
			version: 1
			listen: ["$EDGE:443"]
			datapath: $DATAPATH
			state_dir: $TMP/state
			control: {socket: $TMP/control.sock}
			http: none
			tunnel: none
			ssh: none
			events: [{file: $EVENTS}]
		CONF
		cat "$TMP/conf.in"
	} >"$TMP/snisplitd.yml"
}

start_snisplitd()
{
	configure
	start_again "$@"
}

start_again() # [WRAPPER...]: with the configuration there is
{
	local ready=$TMP/ready.$RANDOM
	mkfifo "$ready"
	# shellcheck disable=SC2094 # the fifo is opened by both ends
	"$@" "$SNISPLITD" -c "$TMP/snisplitd.yml" --ready-fd 9 9>"$ready" 2>>"$TMP/snisplitd.log" &
	DAEMON=$!
	if [ "$(timeout 20 head -c 1 "$ready" | wc -c)" != 1 ]; then
		wait "$DAEMON" || echo "exit status $?"
		cat "$TMP/snisplitd.log"
		fail "snisplitd did not get ready"
	fi
	rm "$ready"
}

stop_snisplitd() # [SIGNAL]: ends in good order, without a word from a sanitizer
{
	local status=0
	kill "-${1:-TERM}" "$DAEMON"
	wait "$DAEMON" || status=$?
	DAEMON=''
	[ $status = 0 ] || [ "${1:-TERM}" != TERM ] || fail "snisplitd ended with status $status"
}

cli() { "$O/snisplit" --socket "$TMP/control.sock" "$@"; }

on_exit()
{
	local status=$?
	if [ $status = 0 ] && [ -n "${DAEMON:-}" ]; then
		kill -0 "$DAEMON" 2>/dev/null || { echo "FAIL: snisplitd is gone" >&2; status=1; }
	fi
	if grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer' "$TMP"/*.log 2>/dev/null; then
		echo "FAIL: a sanitizer spoke" >&2
		status=1
	fi
	if [ $status != 0 ] && [ $status != 4 ]; then
		for f in "$TMP"/*.log "$TMP"/up.*/log "$TMP"/up.*/error.log; do
			[ -s "$f" ] && { echo "--- ${f#"$TMP"/}"; tail -n 8 "$f"; }
		done
		[ -s "$EVENTS" ] && { echo "--- the last event"; tail -n 1 "$EVENTS"; }
	fi
	exit $status
}
trap on_exit EXIT

# ---- what it said ----
event_count() { [ -f "$EVENTS" ] && wc -l <"$EVENTS" || echo 0; }
has_events() { [ "$(event_count)" -ge "$1" ]; }

closed_event() # N: waits for the Nth event and prints it
{
	wait_for has_events "$1"
	sed -n "${1}p" "$EVENTS"
}

# event_is N KEY=VALUE...: KEY as in conn.bytes_in; VALUE "a|b" is either, "" is absent
event_is()
{
	local n=$1 event wrong
	shift
	event=$(closed_event "$n") || exit 1
	# shellcheck disable=SC2016 # they are jq's
	wrong=$(jq -r '.object as $o | [$ARGS.positional[] | (split("=")[0]) as $key | .[($key | length) + 1:] as $want |
		($o | getpath($key | split(".")) // "" | tostring) as $got | select("|\($want)|" | contains("|\($got)|") | not) |
		"\($key) is \u0027\($got)\u0027, want \u0027\($want)\u0027"] | join("; ")' --args "$@" <<<"$event") || fail "event $n: jq: $event"
	[ -z "$wrong" ] || fail "event $n: $wrong: $event"
}

event_field() { closed_event "$1" | jq -r ".object.$2 // 0"; }

dump_map() { bpftool -j map dump pinned "$PINS/$1"; }
map_entries() { dump_map "$1" | jq length; }

# Ids of the daemon's programs; other daemons of the machine have theirs.
prog_ids() { find "$PINS" -name 'prog_*' -exec bpftool -j prog show pinned {} \; 2>/dev/null | jq .id; }
progs_are_gone() # ID...
{
	local id
	for id; do
		if bpftool prog show id "$id" >/dev/null 2>&1; then return 1; fi
	done
}

# counter NAME: of the kernel's
counter()
{
	dump_map counters | jq "[.. | objects | select(has(\"$1\")) | .\"$1\" | numbers] | add // 0"
}

# At least PERCENT of the connections took the datapath under test.  A client that has
# ended its stream before it could be enrolled is carried by splice(2), which is fine.
moved_by_mover() # PERCENT
{
	local share
	share=$(jq -s --arg m "$MOVER" '100 * (map(select(.object.datapath == $m)) | length) / length | floor' "$EVENTS")
	[ "$share" -ge "$1" ] || fail "only $share% went by $MOVER: $(jq -r .object.datapath "$EVENTS" | sort | uniq -c | xargs)"
}

# (one that is closed meanwhile makes find fail)
daemon_fds() { { find "/proc/$DAEMON/fd" -mindepth 1 -lname "${1:-*}" 2>/dev/null || true; } | wc -l; } # [GLOB]
daemon_rss_kb() { awk '/^VmRSS/ {print $2}' "/proc/$DAEMON/status"; }
live_conns() { cli --json conn list | jq '.connections | length'; }

# ---- clients ----
fetch() # NAME [CURL ARG...]: the page through the edge
{
	local name=$1
	shift
	in_client curl -sS --max-time 10 --cacert "$TMP/cert.pem" --connect-to "$name:443:$EDGE:443" \
		"$@" "https://$name/page"
}

# stream NAME [ARG...]: the checker's client; its summary is left in $SUMMARY
stream()
{
	local name=$1
	shift
	SUMMARY=$(in_client "$HELPERS/stream" client --connect "$EDGE:443" --name "$name" \
		--report "$TMP/stream.report" "$@" 2>>"$TMP/stream.log") || fail "stream: $SUMMARY"
}

# say ARG...: see helpers/say.c; prints what came back and how it ended
say() { in_client "$HELPERS/say" --connect "$EDGE:443" "$@"; }

topology
