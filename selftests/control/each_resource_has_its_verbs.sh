# control/each_resource_has_its_verbs.sh - Every resource of the API by plain HTTP: each verb it has, with its status; those it has not are 405 with the ones there are; what is not there is 404, a field that is none 400; lists come in pages.
# SPDX-License-Identifier: GPL-2.0-only
. "$LIB"
need python3 openssl ssh-keygen curl
issue ca "" 10 basicConstraints=critical,CA:true
issue app.test ca 5 subjectAltName=DNS:app.test
ssh-keygen -q -t ed25519 -N '' -C test -f "$TMP/key"
start_snisplitd </dev/null
same "by curl" "$(curl -sS -o "$TMP/body" -w '%{http_code}' --unix-socket "$TMP/control.sock" http://x/endpoints)" 200
python3 - "$TMP" <<-'PY'
	import http.client, json, socket, sys
	tmp = sys.argv[1]
	class Socket(http.client.HTTPConnection):
	    def connect(self):
	        self.sock = socket.socket(socket.AF_UNIX)
	        self.sock.connect(tmp + "/control.sock")
	def ask(method, path, body=None):
	    c = Socket("x")
	    c.request(method, path, None if body is None else json.dumps(body))
	    r = c.getresponse()
	    text = r.read()
	    return r.status, json.loads(text) if text else None, r.headers
	def want(status, method, path, body=None):
	    got, out, headers = ask(method, path, body)
	    if got != status:
	        sys.exit(f"{method} {path} {body}: {got} {out}, want {status}")
	    if status >= 400:
	        assert out["status_code"] == status and out["msg"] and type(out["details"]) is dict, out
	    if status == 405:
	        assert headers["Allow"], "no Allow"
	    return out
	def read(name):
	    return open(tmp + "/" + name).read()
	ignored = ("metrics", "updated_at", "statistics", "state", "delivered", "status")
	def plain(j):
	    return {k: v for k, v in j.items() if k not in ignored}

	def walk(path, key, prefix, post, patch):  # all verbs; leaves one, whose id it returns
	    had = want(200, "GET", path)
	    assert type(had[key]) is list and had["uri"] == path and had["next_page_uri"] is None, had
	    made = want(201, "POST", path, post)
	    one = path + "/" + made["id"]
	    assert made["id"].startswith(prefix) and made["uri"] == one, made
	    assert type(made["description"]) is str and type(made["metadata"]) is str, made
	    before = want(200, "GET", one)
	    assert len(want(200, "GET", path)[key]) == len(had[key]) + 1, path
	    want(200, "PATCH", one, patch)
	    assert plain(want(200, "GET", one)) != plain(before), "PATCH changed nothing: " + one
	    now = plain(want(200, "GET", one))
	    for method, at in ("PATCH", one), ("POST", path):
	        assert want(400, method, at, {"nonsense": 1})["details"] == {"field": "nonsense"}, at
	        want(400, method, at, [])
	    assert plain(want(200, "GET", one)) == now, "what was refused changed " + one
	    for method in "GET", "PATCH", "DELETE":
	        want(404, method, path + "/" + prefix + "none", {} if method == "PATCH" else None)
	    want(405, "PUT", one, {})
	    want(405, "DELETE", path)
	    want(204, "DELETE", one)
	    want(404, "GET", one)
	    return want(201, "POST", path, post)["id"]

	texts = {"description": "d", "metadata": "m"}
	walk("/endpoints", "endpoints", "ep_", {"url": "tls://own.test", "upstream": "127.0.0.1:1"}, texts)
	pair = {"certificate_pem": read("app.test.pem"), "private_key_pem": read("app.test.key")}
	walk("/tls_certificates", "tls_certificates", "cert_", pair, texts)
	ca = walk("/certificate_authorities", "certificate_authorities", "ca_", {"ca_pem": read("ca.pem")}, texts)
	policy = walk("/ip_policies", "ip_policies", "ipp_", {}, texts)
	rule = {"ip_policy_id": policy, "cidr": "192.0.2.0/24", "action": "allow"}
	walk("/ip_policy_rules", "ip_policy_rules", "ipr_", rule, {"action": "deny"})
	walk("/credentials", "credentials", "cr_", {"acl": ["bind:app.test"]}, texts)
	walk("/ssh_credentials", "ssh_credentials", "sshcr_", {"public_key": read("key.pub")}, texts)
	where = walk("/event_destinations", "event_destinations", "ed_", {"target": {"file": {"path": "a"}}}, texts)
	source = {"sources": [{"type": "tcp_connection_closed.v0"}], "destination_ids": [where]}
	walk("/event_subscriptions", "event_subscriptions", "esb_", source, texts)
	static = walk("/backends/static", "backends", "bkdsc_", {"address": "127.0.0.1:1"}, texts)
	walk("/backends/weighted", "backends", "bkdwd_", {"backends": {static: 1}}, texts)
	walk("/backends/failover", "backends", "bkdfo_", {"backends": [static]}, texts)
	walk("/backends/tunnel_group", "backends", "bkdtg_", {"labels": {"a": "b"}}, {"labels": {"c": "d"}})
	backend = {"backend_id": static}
	edge = "/edges/tls/" + walk("/edges/tls", "tls_edges", "edgtls_", {"hostports": ["app.test:443"], "backend": backend}, texts)

	# modules: PUT replaces, DELETE takes away
	modules = {
	    "tls_termination": {"terminate_at": "edge", "min_version": "1.3"},
	    "mutual_tls": {"certificate_authority_ids": [ca]},
	    "ip_restriction": {"ip_policy_ids": [policy]},
	}
	for name, body in modules.items():
	    at = edge + "/" + name
	    want(404, "GET", at)
	    shown = {**body, "enabled": True}  # as none says of itself
	    assert want(200, "PUT", at, body) == shown and want(200, "GET", at) == shown, at
	    assert want(200, "GET", edge)[name] == shown, at
	    want(400, "PUT", at, {"nonsense": 1})
	    want(405, "POST", at, {})
	want(400, "DELETE", edge + "/tls_termination")  # mutual TLS is in its way
	for name in reversed(modules):
	    want(204, "DELETE", edge + "/" + name)
	    want(404, "GET", edge + "/" + name)
	want(204, "DELETE", edge + "/backend")
	want(404, "GET", edge + "/backend")
	want(200, "PUT", edge + "/backend", backend)
	for path in "/edges/tls/edgtls_none/backend", edge + "/nonsense", "/backends/nonsense", "/nonsense":
	    want(404, "GET", path)

	# what is only looked at, or ended
	for path in "/tunnel_sessions", "/connections", "/status", "/stats", "/local_ca":
	    want(200, "GET", path)
	    want(405, "POST", path, {})
	for method, path in (
	    ("GET", "/tunnel_sessions/ts_none"), ("POST", "/tunnel_sessions/ts_none/stop"),
	    ("POST", "/tunnel_sessions/ts_none/restart"),
	    ("GET", "/connections/conn_none"), ("DELETE", "/connections/conn_none"),
	):
	    want(404, method, path)
	want(405, "DELETE", "/tunnel_sessions/ts_none")
	want(405, "GET", "/reload")

	# pages: the newest first, until there is no next
	for i in "123456":
	    want(201, "POST", "/backends/static", {"address": "127.0.0.1:1", "metadata": i})
	page, got = "/backends/static?limit=3", []
	while page:
	    out = want(200, "GET", page)
	    got.append("".join(b["metadata"] or "-" for b in out["backends"]))
	    page = out["next_page_uri"]
	assert got == ["654", "321", "-"], got
	for query in "limit=0", "limit=x", "before_id=none", "nonsense=1":
	    want(400, "GET", "/backends/static?" + query)
PY
