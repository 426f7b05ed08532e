# start/damaged_state_is_told.sh - Whatever has happened to the state database and to the local CA's files, bits that flipped, an end that is missing, rows with another content: the daemon starts and serves what is whole, or says which file it cannot use; it never falls over.
# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 400
. "$LIB"
need python3 openssl ssh-keygen curl
rounds=$([ "$LONG" = 1 ] && echo 1000 || echo 32)
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test
ssh-keygen -q -t ed25519 -N '' -C test -f "$TMP/key"
# shellcheck disable=SC2034 # for configure
DATAPATH=userspace
start_snisplitd <<-CONF
	workers: 1
	sandbox: off
	tunnel: {listen: "127.0.0.1:4443"}
	endpoints: [{url: "tls://file.test", upstream: "127.0.0.1:9000", terminate_at: edge}]
CONF
mkdir "$TMP/www"
python3 -m http.server --bind 127.0.0.1 -d "$TMP/www" 9000 >/dev/null 2>&1 &
wait_for listening 9000
cat >"$TMP/ask.py" <<'PY'
import http.client, json, socket
class Socket(http.client.HTTPConnection):
    def __init__(self, tmp):
        super().__init__("x", timeout=20)
        self.path = tmp + "/control.sock"
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)
def ask(tmp, method, path, body=None):
    c = Socket(tmp)
    c.request(method, path, None if body is None else json.dumps(body))
    r = c.getresponse()
    text = r.read()
    return r.status, json.loads(text) if text else None
KINDS = """endpoints tls_certificates certificate_authorities ip_policies ip_policy_rules credentials ssh_credentials
    event_destinations event_subscriptions backends/static backends/weighted backends/failover backends/tunnel_group
    edges/tls""".split()
PY
# some of everything
python3 - "$TMP" <<-'PY'
	import sys
	tmp = sys.argv[1]
	sys.path.insert(0, tmp)
	from ask import ask
	def read(name):
	    return open(tmp + "/" + name).read()
	def add(path, body):
	    status, j = ask(tmp, "POST", "/" + path, body | {"description": "of the test", "metadata": "m" * 50})
	    assert status == 201, (path, status, j)
	    return j["id"]
	for i in range(5):
	    add("endpoints", {"url": f"tls://e{i}.test", "upstream": "127.0.0.1:1,127.0.0.2:2=3", "cidr_allow": ["192.0.2.0/24"],
	                      "cidr_deny": ["198.51.100.7"], "max_conns": 9, "proxy_proto": 2, "health_check": "tcp", "balance": "weighted"})
	ca = add("certificate_authorities", {"ca_pem": read("ca.pem")})
	add("tls_certificates", {"certificate_pem": read("app.test.pem"), "private_key_pem": read("app.test.key")})
	policy = add("ip_policies", {})
	add("ip_policy_rules", {"ip_policy_id": policy, "cidr": "192.0.2.0/24", "action": "allow"})
	add("ip_policy_rules", {"ip_policy_id": policy, "cidr": "2001:db8::/32", "action": "deny"})
	add("endpoints", {"url": "tls://own.test", "upstream": "127.0.0.1:1", "terminate_at": "edge", "certificate_authorities": [ca],
	                  "ip_policies": [policy], "crt": read("app.test.pem"), "key": read("app.test.key")})
	add("credentials", {"acl": ["bind:*.test", "bind:edge.test:*"], "max_sessions": 3})
	add("ssh_credentials", {"public_key": read("key.pub"), "acl": ["bind:app.test"]})
	where = add("event_destinations", {"target": {"file": {"path": "a"}}})
	add("event_subscriptions", {"sources": [{"type": "tcp_connection_closed.v0", "filter": "ev.conn.server_port == 443", "fields": ["conn.bytes_in"]}],
	                            "destination_ids": [where]})
	static = add("backends/static", {"address": "127.0.0.1:1"})
	group = add("backends/tunnel_group", {"labels": {"a": "b"}})
	add("backends/failover", {"backends": [static, group]})
	weighted = add("backends/weighted", {"backends": {static: 1, group: 2}})
	add("edges/tls", {"hostports": ["edge.test:443"], "backend": {"backend_id": weighted}, "ip_restriction": {"ip_policy_ids": [policy]},
	                  "mutual_tls": {"certificate_authority_ids": [ca]}, "tls_termination": {"terminate_at": "edge"}})
PY
handshake() { timeout 2 openssl s_client -connect "$EDGE:443" -servername file.test </dev/null 2>/dev/null | grep '^issuer'; }
handshake >/dev/null || fail "the local CA has issued none"
stop_snisplitd
mv "$TMP/state" "$TMP/whole"
[ -s "$TMP/whole/ca/root.pem" ] || fail "no CA: $(ls "$TMP/whole")"

cat >"$TMP/damage.py" <<'PY'
import glob, os, random, sqlite3, sys
seed, state = int(sys.argv[1]), sys.argv[2]
random.seed(seed)
def bend(b):  # bytes, otherwise
    b = bytearray(b)
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(b)) if b else 0
        how = random.randrange(7)
        if how == 0 and b:
            b[at] ^= 1 << random.randrange(8)
        elif how == 1 and b:
            del b[at : at + random.choice((1, 4, 1000))]
        elif how == 2:
            b[at:at] = random.choice((b"\0", b"\n", b"%s%n", b"-1", b"99999999999999999999", b"{", b'"', b"[]", b"null", b"\xff\xfe", b"a" * 5000, b"/" * 300))
        elif how == 3:
            b[at:] = b""
        elif how == 4:
            b += bytes(b)
        elif how == 5 and b:
            b[at : at + 1] = bytes([random.randrange(256)])
        else:
            b[:] = random.choice((b"", b"x", b"0", b"tls://", b"{}", b"[{}]", b'{"id": 3}', b"127.0.0.1"))
    return bytes(b)
db = state + "/state.db"
what = seed % 4
if what == 0:  # the database's bytes
    b = bytearray(open(db, "rb").read())
    for _ in range(random.choice((1, 3, 20))):
        b[random.randrange(len(b))] ^= 1 << random.randrange(8)
    open(db, "wb").write(b[: random.randrange(len(b))] if seed % 5 == 0 else b)
elif what == 1 and seed % 3 == 0:  # another file
    name = random.choice([f for f in glob.glob(state + "/**", recursive=True) if os.path.isfile(f) and not f.endswith(("state.db", "-wal"))])
    b = open(name, "rb").read()
    open(name, "wb").write(bend(b))
    print(name)
else:  # what is in rows
    c = sqlite3.connect(db)
    c.text_factory = bytes
    for _ in range(random.choice((1, 2, 6))):
        table = random.choice([t.decode() for t, in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")])
        columns = [r[1].decode() for r in c.execute(f"PRAGMA table_info({table})")]
        rows = c.execute(f"SELECT * FROM {table}").fetchall()
        if not rows:
            continue
        row, k = random.choice(rows), random.randrange(len(columns))
        value = row[k]
        if isinstance(value, int):
            value = random.choice((-1, 0, value + 1, 1 << 62, b"x", None))
        else:
            value = bend(value or b"")
            value = random.choice((value, value.decode("latin1")))
        where = " AND ".join(f"{n} IS ?" for n in columns)
        # (a row is found by what Python made of it: a text is one again)
        key = [v.decode("utf8", "surrogateescape") if isinstance(v, bytes) else v for v in row]
        try:
            n = c.execute(f"UPDATE OR REPLACE {table} SET {columns[k]} = ? WHERE {where}", [value] + key).rowcount
            print(table, columns[k], n)
        except (sqlite3.Error, UnicodeError) as e:
            print(table, columns[k], e)
    c.commit()
PY
cat >"$TMP/look.py" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from ask import ask, KINDS
for kind in KINDS + ["status", "stats", "local_ca", "tunnel_sessions"]:
    status, j = ask(sys.argv[1], "GET", "/" + kind)
    assert status in (200, 404, 500), (kind, status)
PY
served=0 refused=0
for ((i = 0; i < rounds; i++)); do
	seed=$((${SEED:-0} + i))
	rm -rf "$TMP/state" && cp -a "$TMP/whole" "$TMP/state"
	python3 "$TMP/damage.py" $seed "$TMP/state" >"$TMP/how"
	rm -f "$TMP/ready" && mkfifo "$TMP/ready"
	"$SNISPLITD" -c "$TMP/snisplitd.yml" --ready-fd 9 9>"$TMP/ready" 2>"$TMP/snisplitd.log" &
	DAEMON=$!
	status=0
	if [ "$(timeout 30 head -c 1 "$TMP/ready" | wc -c)" = 1 ]; then
		served=$((served + 1))
		handshake >/dev/null || true
		python3 "$TMP/look.py" "$TMP" || fail "seed $seed: $(cat "$TMP/how")"
		kill -TERM "$DAEMON"
		wait "$DAEMON" || status=$?
		[ $status = 0 ] || fail "seed $seed: ended with status $status: $(cat "$TMP/how")"
	else
		refused=$((refused + 1))
		wait "$DAEMON" || status=$?
		[ $status = 1 ] || fail "seed $seed: ended with status $status: $(cat "$TMP/how" "$TMP/snisplitd.log")"
		LC_ALL=C grep -qaE "error: .*($TMP/state|in the state database is damaged)" "$TMP/snisplitd.log" || fail "seed $seed: it does not say what is damaged: $(cat "$TMP/how" "$TMP/snisplitd.log")"
	fi
done
DAEMON=''
echo "of $rounds: $served served, $refused refused"
[ $served -ge $((rounds / 4)) ] && [ $refused -ge $((rounds / 20)) ] || fail "served $served, refused $refused: that is not what damage does"
