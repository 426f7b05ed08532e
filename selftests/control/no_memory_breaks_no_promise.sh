# control/no_memory_breaks_no_promise.sh - While allocations fail, a request that is said to be done is, one that is refused changes nothing of what was there, TLS that ends here is served or fails, agents come back; what was acknowledged outlives it all, a restart too.
# SPDX-License-Identifier: GPL-2.0-only
# Each: datapath
# Timeout: 240
. "$LIB"
. "$LIB_DIR/lib_agent.sh"
need jq cc curl openssl python3 ssh-keygen
cc -shared -fPIC -O1 -o "$TMP/scarce.so" "$LIB_DIR/fixtures/scarce.c"
scarce() { printf "\\$(printf %o $(($1 % 256)))\\$(printf %o $(($1 / 256)))" | dd of="$TMP/scarce" conv=notrunc status=none; }
printf '\0\0' >"$TMP/scarce"
issue ca "" 10 basicConstraints=critical,CA:true
issue up.test ca 5 subjectAltName=DNS:up.test
ssh-keygen -q -t ed25519 -N '' -C test -f "$TMP/key1"
start_upstream python 9001
mkdir "$TMP/www" && echo "hello from plain" >"$TMP/www/page"
python3 -m http.server --bind 127.0.0.1 -d "$TMP/www" 9002 >"$TMP/www.log" 2>&1 &
wait_for listening 9002
configure <<-CONF
	tunnel: {listen: "$TUNNEL"}
	events: [{file: "$EVENTS"}]
	endpoints:
	  - {url: "tls://python.test", upstream: "$UP:9001"}
	  - {url: "tls://nginx.test", upstream: "127.0.0.1:9002", terminate_at: edge, crt: "$TMP/cert.pem", key: "$TMP/key.pem"}
	  - {url: "tls://haproxy.test", upstream: "tls://$UP:9001", upstream_tls_verify: false, terminate_at: edge, crt: "$TMP/cert.pem", key: "$TMP/key.pem"}
CONF
start_again env LD_PRELOAD="$TMP/scarce.so" SCARCE="$TMP/scarce"
export SNISPLIT_SERVER=$TUNNEL SNISPLIT_SERVER_CA=$TMP/state/ca/root.pem HOME=$TMP
SNISPLIT_AUTHTOKEN=$(cli authtoken add 2>/dev/null)
export SNISPLIT_AUTHTOKEN
start_agent a tls 9001 --url openssl.test
all_serve()
{
	local name
	for name in python nginx haproxy openssl; do
		[[ "$(fetch "$name.test" --max-time 5 2>/dev/null)" == "hello from "* ]] || return 1
	done
}
wait_for all_serve

cat >"$TMP/ask.py" <<'PY'
import http.client, json, random, socket, sys
tmp, seed, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
random.seed(seed)
class Socket(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(tmp + "/control.sock")
def ask(method, path, body=None):  # None: no answer
    try:
        c = Socket("x")
        c.request(method, path, None if body is None else json.dumps(body))
        r = c.getresponse()
        text = r.read()
        return r.status, json.loads(text) if text else None
    except TimeoutError:
        sys.exit(f"{method} {path}: no answer in 20 s")
    except (OSError, http.client.HTTPException, ValueError):
        return None, None
def read(name):
    return open(tmp + "/" + name).read()
# what there should be, by path: its description; None: not there; "?": it was not said
try:
    want = json.load(open(tmp + "/want"))
except FileNotFoundError:
    want = {}
ranges = [f"192.0.2.{i}" for i in range(100)]
rules = [f"bind:{i}.{'x' * 40}.test" for i in range(60)]
kinds = {
    "/endpoints": lambda n: {"url": f"tls://e{n}.test", "upstream": "127.0.0.1:1", "cidr_allow": ranges},
    "/tls_certificates": lambda n: {"certificate_pem": read("up.test.pem"), "private_key_pem": read("up.test.key")},
    "/certificate_authorities": lambda n: {"ca_pem": read("ca.pem")},
    "/ip_policies": lambda n: {},
    "/credentials": lambda n: {"acl": rules},
    "/ssh_credentials": lambda n: {"public_key": read("key1.pub")},
    "/event_destinations": lambda n: {"target": {"file": {"path": f"f{n}"}}},
    "/backends/static": lambda n: {"address": "127.0.0.1:1"},
    "/backends/tunnel_group": lambda n: {"labels": {"a": "b"}},
}
def verdict(status, j, what, before, after):
    if status is None:
        return "?"
    if 200 <= status < 300:
        return after
    if status not in (500, 503, 409, 404, 400):
        sys.exit(f"{what}: {status}")
    return after if "done" in j["msg"] else before
if what == "scarce":
    tally = {}
    for n in range(60):
        kind = random.choice(list(kinds))
        n += 1000 * seed
        status, made = ask("POST", kind, kinds[kind](n) | {"description": f"d{n}"})
        tally[status] = tally.get(status, 0) + 1
        if status == 201:
            one = kind + "/" + made["id"]
            want[one] = f"d{n}"
            status, j = ask("PATCH", one, {"description": "changed"})
            want[one] = verdict(status, j, "PATCH", want[one], "changed")
            if n % 3 == 0:
                status, j = ask("DELETE", one)
                want[one] = verdict(status, j, "DELETE", want[one], None)
        for path in kind, "/status", "/tls_sessions", "/tunnel_sessions", "/metrics":
            ask("GET", path)
    print("POST:", tally)
    if seed >= 1000 and tally.get(201, 0) < 20:
        sys.exit("too few were done to tell anything")
else:  # all memory is there
    bad = 0
    for one, description in want.items():
        status, j = ask("GET", one)
        if status not in (200, 404):
            sys.exit(f"GET {one}: {status} {j}")
        is_now = j["description"] if status == 200 else None
        for kind, key, whole in ("/endpoints/", "cidr_allow", ranges), ("/credentials/", "acl", rules):
            if status == 200 and one.startswith(kind) and j[key] != whole:
                sys.exit(f"{one}: {key} has {len(j[key])} of {len(whole)}")
        if description == "?":
            want[one] = is_now
        elif is_now != description:
            print(f"{one}: is {is_now}, said to be {description}")
            bad = 1
    if bad:
        sys.exit(1)
json.dump(want, open(tmp + "/want", "w"))
PY
# (of some requests each fails, of others most, of others few)
for n in 2 5 17 90 250 $((RANDOM % 700 + 300)) $((RANDOM % 2000 + 1000)) $((RANDOM % 2000 + 1000)); do
	[ -z "${EVERY:-}" ] || n=$EVERY
	scarce $n
	for name in python nginx haproxy openssl python nginx haproxy openssl; do
		fetch "$name.test" --max-time 3 >"$TMP/page" 2>/dev/null || echo "1 in $n: $name: $?" >>"$TMP/fetch.log"
	done
	python3 "$TMP/ask.py" "$TMP" $n scarce
	cli reload >/dev/null 2>&1 || true
	scarce 0
	kill -0 "$DAEMON" || fail "1 in $n: the daemon is gone"
	python3 "$TMP/ask.py" "$TMP" $n afterwards || fail "1 in $n: see above"
	wait_for 40 all_serve
done
stop_snisplitd
start_again
python3 "$TMP/ask.py" "$TMP" 0 afterwards || fail "after a restart: see above"
wait_for 40 all_serve
