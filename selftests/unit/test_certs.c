// SPDX-License-Identifier: GPL-2.0-only
/* certs - which certificate a name gets: uploaded, from the directory in every layout, or of the
 * local CA; what a damaged pair does; how each fault of a pair is called. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"
#include "ca.h"
#include "certs.h"
#include "pair.h"
#include "unit.h"

static char base[] = "/tmp/test_certs.XXXXXX";
static char said[4096]; /* what the store said last */
static unsigned n_said;

static const char *at(const char *name)
{
	static char path[4][512];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", base, name);
	return path[turn];
}

static void write_file(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s", name);
	close(fd);
}

static void write_pair(const struct pki *p, const char *crt, const char *key)
{
	char *c = pki_crt(p), *k = pki_key(p);

	write_file(crt, c);
	write_file(key, k);
	free(c);
	free(k);
}

static void on_say(void *arg, bool warning, const char *text)
{
	(void)arg;
	(void)warning;
	n_said++;
	snprintf(said, sizeof(said), "%s", text);
}

static struct certs *open_certs(const char *dir)
{
	char state[512], path[512];
	const struct certs_conf conf = {.dir = dir ? path : NULL, .state = state, .say = on_say};
	struct certs *c = NULL;

	snprintf(state, sizeof(state), "%s/state", base);
	snprintf(path, sizeof(path), "%s/%s", base, dir ? dir : "");
	mkdir(state, 0700);
	CHECK(!certs_open(&conf, &c), "certs_open");
	if (!c)
		exit(1);
	return c;
}

static void add(struct certs *c, const char *id, const struct pki *p)
{
	char *crt = pki_crt(p), *key = pki_key(p);
	struct fault f = {0};

	CHECK(!certs_add(c, id, crt, key, &f), "%s", f.msg);
	free(crt);
	free(key);
}

/* The common names of what is chosen, with commas between; "!..." is a failure. */
static const char *chosen(struct certs *c, const char *sni, const char *endpoint)
{
	static char text[600];
	struct pairs ps = {.n = 0};
	struct fault f = {0};
	char cn[100];

	if (certs_choose(c, sni, endpoint, time(NULL), &ps, &f)) {
		snprintf(text, sizeof(text), "!%s", f.msg);
		return text;
	}
	text[0] = '\0';
	for (unsigned i = 0; i < ps.n; i++) {
		X509_NAME_get_text_by_NID(X509_get_subject_name(ps.p[i]->leaf), NID_commonName, cn,
					  sizeof(cn));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "," : "",
			 cn);
	}
	pairs_done(&ps);
	return text;
}

static void best_match_is_chosen(void)
{
	static const struct {
		const char *sni, *endpoint, *want;
	} rows[] = {
		{"a.test", "a.test", "rsa a,ec a"},
		{"", "a.test", "rsa a,ec a"},
		{"unknown.test", "a.test", "rsa a,ec a"}, /* the default endpoint */
		{"b.test", "b.test", "old b"},
		{"x.w.test", "x.w.test", "wild"},
		{"x.w.test", "*.w.test", "wild"},
		{"", "*.w.test", "wild"},
		{"y.w.test", "*.w.test", "exact y"},
		{"deep.x.w.test", "*.w.test", "*.x.w.test"}, /* the local CA's */
		{"c.test", "c.test", "c.test"},
		{"x.l.test", "*.l.test", "*.l.test"},
		{"d.test", "d.test", "long d"},
		{"cn.test", "cn.test", "CN.test"},
	};
	struct pki p[] = {
		pki_make((struct pki_conf){.cn = "ec a", .san = "DNS:A.test"}),
		pki_make((struct pki_conf){.cn = "rsa a", .san = "DNS:a.test", .rsa = true}),
		pki_make((struct pki_conf){
			.cn = "old b", .san = "DNS:b.test", .from_s = -9000, .until_s = -9}),
		pki_make((struct pki_conf){.cn = "wild", .san = "DNS:*.w.test,IP:192.0.2.1"}),
		pki_make((struct pki_conf){.cn = "exact y", .san = "DNS:q.test,DNS:y.w.test"}),
		pki_make((struct pki_conf){
			.cn = "old d", .san = "DNS:d.test", .from_s = -9000, .until_s = -9}),
		pki_make((struct pki_conf){
			.cn = "long d", .san = "DNS:d.test", .from_s = -9000, .until_s = 9000}),
		pki_make((struct pki_conf){
			.cn = "short d", .san = "DNS:d.test", .from_s = -9000, .until_s = 900}),
		pki_make((struct pki_conf){.cn = "CN.test"}),
	};
	struct certs *c = open_certs(NULL);
	char id[16];

	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		snprintf(id, sizeof(id), "cert_%zu", i);
		add(c, id, &p[i]);
		pki_done(&p[i]);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(!strcmp(chosen(c, rows[i].sni, rows[i].endpoint), rows[i].want),
		      "%s at %s: %s, want %s", rows[i].sni, rows[i].endpoint,
		      chosen(c, rows[i].sni, rows[i].endpoint), rows[i].want);
	CHECK(!certs_remove(c, "cert_0") && certs_remove(c, "cert_0") == -ENOENT, "remove");
	CHECK(!strcmp(chosen(c, "", "a.test"), "rsa a"), "%s", chosen(c, "", "a.test"));
	certs_close(c);
}

/* ---- the local CA ---- */

static struct pair *local(struct certs *c, const char *name, time_t now)
{
	struct pairs ps = {.n = 0};
	struct fault f = {0};

	CHECK(!certs_choose(c, name, name, now, &ps, &f) && ps.n == 1, "%s", f.msg);
	return ps.n ? ps.p[0] : NULL;
}

static void local_certificates_last_and_are_renewed(void)
{
	char fingerprint[CA_FINGERPRINT_MAX], again[CA_FINGERPRINT_MAX], *root, *root2;
	struct certs *c = open_certs(NULL);
	time_t now = time(NULL);
	struct pair *p, *q;
	struct fault f = {0};
	struct stat st;
	struct pki old = pki_make(
		(struct pki_conf){.cn = "old CA", .is_ca = true, .from_s = -900, .until_s = -9});
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	BIO *b;
	X509 *x;

	p = local(c, "one.local.test", now);
	q = local(c, "one.local.test", now + 59 * 86400);
	CHECK(p == q, "the same one");
	pair_put(q);
	q = local(c, "one.local.test", now + 60 * 86400);
	CHECK(p != q && q->not_after - q->not_before == CA_LEAF_S + 3600, "renewed at two thirds");
	pair_put(q);
	CHECK(!stat(at("state/ca/root.key"), &st) && (st.st_mode & 0777) == 0600, "root.key");
	CHECK(!stat(at("state/ca/issued/one.local.test.pem"), &st) && (st.st_mode & 0777) == 0600,
	      "issued");
	CHECK(!stat(at("state/ca"), &st) && (st.st_mode & 0777) == 0700, "ca/");
	root = certs_root(c, fingerprint, &f);
	CHECK(root && strlen(fingerprint) == 95, "%s", f.msg);
	b = BIO_new_mem_buf(root, -1);
	x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	X509_STORE_add_cert(store, x);
	X509_STORE_CTX_init(ctx, store, p->leaf, NULL);
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	CHECK(X509_verify_cert(ctx) == 1, "%s",
	      X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	CHECK(X509_check_host(p->leaf, "one.local.test", 0, 0, NULL) == 1, "host");
	CHECK(X509_check_host(p->leaf, "two.local.test", 0, 0, NULL) == 0, "other host");
	pair_put(p);
	p = local(c, "two.local.test", now);
	certs_close(c);

	c = open_certs(NULL);
	q = local(c, "two.local.test", now);
	CHECK(!X509_cmp(p->leaf, q->leaf), "kept over a restart");
	pair_put(q);
	root2 = certs_root(c, again, &f);
	CHECK(root2 && !strcmp(fingerprint, again), "one root");
	certs_close(c);

	write_file("state/ca/issued/two.local.test.pem", "damaged");
	c = open_certs(NULL);
	q = local(c, "two.local.test", now);
	CHECK(X509_cmp(p->leaf, q->leaf), "a damaged file is replaced");
	pair_put(p);
	pair_put(q);
	certs_close(c);

	write_file("state/ca/root.key", "damaged");
	c = open_certs(NULL);
	CHECK(strstr(chosen(c, "three.local.test", "three.local.test"), "has no private key"), "%s",
	      said);
	certs_close(c);
	write_pair(&old, "state/ca/root.pem", "state/ca/root.key");
	c = open_certs(NULL);
	CHECK(strstr(chosen(c, "three.local.test", "three.local.test"), "has expired; remove"),
	      "%s", chosen(c, "three.local.test", "three.local.test"));
	certs_close(c);
	pki_done(&old);
	unlink(at("state/ca/root.pem"));
	unlink(at("state/ca/root.key"));
	free(root);
	free(root2);
	X509_free(x);
	BIO_free(b);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

static void long_names_are_issued_too(void)
{
	char label[64], name[300];
	struct certs *c = open_certs(NULL);
	struct pair *p;

	memset(label, 'a', 60);
	label[60] = '\0';
	snprintf(name, sizeof(name), "%s.%s.%s.%s.test", label, label, label, label);
	p = local(c, name, time(NULL));
	CHECK(p && X509_check_host(p->leaf, name, 0, 0, NULL) == 1, "248 bytes");
	pair_put(p);
	certs_close(c);
}

/* ---- the directory ---- */

static void layouts_are_understood(void)
{
	struct pki p = pki_make((struct pki_conf){.cn = "plain", .san = "DNS:plain.test"}),
		   l = pki_make((struct pki_conf){.cn = "lego", .san = "DNS:*.lego.test"}),
		   b = pki_make((struct pki_conf){.cn = "certbot", .san = "DNS:certbot.test"}),
		   d = pki_make((struct pki_conf){.cn = "dehydrated", .san = "DNS:dehyd.test"}),
		   u = pki_make((struct pki_conf){.cn = "uacme", .san = "DNS:uacme.test"});
	static const char *const names[][2] = {
		{"plain.test", "plain"},      {"x.lego.test", "lego"}, {"certbot.test", "certbot"},
		{"dehyd.test", "dehydrated"}, {"uacme.test", "uacme"},
	};
	struct certs *c;

	mkdir(at("d"), 0700);
	write_pair(&p, "d/plain.test.pem", "d/plain.test.key");
	write_pair(&l, "d/_.lego.test.crt", "d/_.lego.test.key");
	write_file("d/_.lego.test.issuer.crt", "no key for this one");
	write_file("d/README", "x");
	mkdir(at("archive"), 0700);
	mkdir(at("archive/certbot.test"), 0700);
	mkdir(at("d/certbot.test"), 0700);
	write_pair(&b, "archive/certbot.test/fullchain1.pem", "archive/certbot.test/privkey1.pem");
	CHECK(!symlink("../../archive/certbot.test/fullchain1.pem",
		       at("d/certbot.test/fullchain.pem")) &&
		      !symlink("../../archive/certbot.test/privkey1.pem",
			       at("d/certbot.test/privkey.pem")),
	      "symlink");
	mkdir(at("d/dehyd.test"), 0700);
	write_pair(&d, "d/dehyd.test/fullchain-17.pem", "d/dehyd.test/privkey-17.pem");
	CHECK(!symlink("fullchain-17.pem", at("d/dehyd.test/fullchain.pem")) &&
		      !symlink("privkey-17.pem", at("d/dehyd.test/privkey.pem")),
	      "symlink");
	mkdir(at("d/uacme.test"), 0700);
	mkdir(at("d/private"), 0700);
	mkdir(at("d/private/uacme.test"), 0700);
	write_pair(&u, "d/uacme.test/cert.pem", "d/private/uacme.test/key.pem");
	n_said = 0;
	c = open_certs("d");
	CHECK(!n_said, "%s", said);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(!strcmp(chosen(c, names[i][0], names[i][0]), names[i][1]), "%s: %s",
		      names[i][0], chosen(c, names[i][0], names[i][0]));
	certs_close(c);
	pki_done(&p);
	pki_done(&l);
	pki_done(&b);
	pki_done(&d);
	pki_done(&u);
}

static bool comes(struct certs *c, const char *name, const char *want)
{
	for (int i = 0; i < 1000; i++) {
		if (!strcmp(chosen(c, name, name), want))
			return true;
		usleep(10000);
	}
	return false;
}

static void changes_are_seen(void)
{
	struct pki one = pki_make((struct pki_conf){.cn = "one", .san = "DNS:w.test"}),
		   two = pki_make((struct pki_conf){
			   .cn = "two", .san = "DNS:w.test", .from_s = -9, .until_s = 90000}),
		   three = pki_make((struct pki_conf){.cn = "three", .san = "DNS:w3.test"});
	struct certs *c = open_certs("watched");

	CHECK(!strcmp(chosen(c, "w.test", "w.test"), "w.test"), "the local CA's");
	mkdir(at("watched"), 0700);
	write_pair(&one, "watched/w.pem", "watched/w.key");
	CHECK(!certs_reload(c, at("watched"), true), "reload");
	CHECK(!strcmp(chosen(c, "w.test", "w.test"), "one"), "%s", chosen(c, "w.test", "w.test"));

	n_said = 0;
	write_pair(&two, "watched/w.pem", "watched/w.key.new"); /* half of it */
	CHECK(!certs_reload(c, at("watched"), true), "reload");
	CHECK(!strcmp(chosen(c, "w.test", "w.test"), "one"), "kept");
	CHECK(n_said == 1 && strstr(said, "watched/w.pem: key does not belong to the certificate"),
	      "%u: %s", n_said, said);
	CHECK(!certs_reload(c, at("watched"), true) && n_said == 1, "said once: %s", said);
	CHECK(!rename(at("watched/w.key.new"), at("watched/w.key")), "rename");
	CHECK(comes(c, "w.test", "two"), "by the watch: %s", said);

	mkdir(at("watched/w3"), 0700);
	write_pair(&three, "watched/w3/fullchain.pem", "watched/w3/privkey.pem");
	CHECK(comes(c, "w3.test", "three"), "a directory that came later");
	unlink(at("watched/w.pem"));
	CHECK(comes(c, "w.test", "w.test"), "gone: the local CA's again");
	certs_close(c);
	pki_done(&one);
	pki_done(&two);
	pki_done(&three);
}

/* ---- faults ---- */

static char *joined(const char *a, const char *b)
{
	char *text;

	return asprintf(&text, "%s%s", a, b) == -1 ? NULL : text;
}

static char *encrypted_key(const struct pki *p)
{
	BIO *b = BIO_new(BIO_s_mem());

	PEM_write_bio_PKCS8PrivateKey(b, p->key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	return pki_text(b);
}

static void faults_are_named(void)
{
	struct pki root = pki_make((struct pki_conf){.cn = "Root", .is_ca = true}),
		   mid = pki_make((struct pki_conf){.cn = "Mid", .is_ca = true, .ca = &root}),
		   leaf = pki_make(
			   (struct pki_conf){.cn = "leaf", .san = "DNS:l.test", .ca = &mid}),
		   old = pki_make((struct pki_conf){
			   .cn = "old", .san = "DNS:o.test", .from_s = -90, .until_s = -9}),
		   new = pki_make((struct pki_conf){
			   .cn = "new", .san = "DNS:n.test", .from_s = 90, .until_s = 900});
	char *r = pki_crt(&root), *m = pki_crt(&mid), *l = pki_crt(&leaf), *o = pki_crt(&old),
	     *n = pki_crt(&new);
	char *lk = pki_key(&leaf), *mk = pki_key(&mid), *ok = pki_key(&old), *nk = pki_key(&new);
	char *lm = joined(l, m), *lmr = joined(lm, r), *ml = joined(m, l), *lr = joined(l, r);
	char *enc = encrypted_key(&leaf), *cut = strdup(l), *lkl = joined(l, lk);
	const struct {
		const char *crt, *key, *field, *say; /* NULL: fine */
		int code;
		const char *warning;
	} rows[] = {
		{l, lk, NULL, NULL, 0, NULL},
		{lm, lk, NULL, NULL, 0, NULL},
		{lmr, lk, NULL, NULL, 0, NULL},
		{lkl, lkl, NULL, NULL, 0, NULL},
		{o, ok, NULL, NULL, 0, "has expired"},
		{n, nk, NULL, NULL, 0, "is not valid yet"},
		{l, mk, "key", "does not belong to the certificate in crt", 1923, NULL},
		{lk, l, "crt", "is a private key: certificate and key are swapped", 1924, NULL},
		{l, m, "key", "is a certificate: certificate and key are swapped", 1925, NULL},
		{lr, lk, "crt", "is in the wrong order: certificate 2 (/CN=Root) has not", 1926,
		 NULL},
		{ml, mk, "crt", "is in the wrong order: certificate 2 (/CN=leaf) has not", 1926,
		 NULL},
		{l, enc, "key", "is encrypted", 0, NULL},
		{"x", lk, "crt", "has no certificate", 1911, NULL},
		{"", lk, "crt", "has no certificate", 1911, NULL},
		{l, "", "key", "has no private key", 0, NULL},
		{cut, lk, "crt", "is not valid PEM", 0, NULL},
	};

	cut[strlen(cut) / 2] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *warning = NULL;
		struct fault f = {0};
		int err = certs_check(rows[i].crt, rows[i].key, "crt", "key", &warning, &f);

		CHECK(!err == !rows[i].say, "row %zu: %s", i, f.msg);
		if (rows[i].say)
			CHECK(!strcmp(f.field, rows[i].field) && f.code == rows[i].code &&
				      strstr(f.msg, rows[i].say),
			      "row %zu: %s: %s (%d)", i, f.field, f.msg, f.code);
		CHECK(!strcmp(warning ? warning : "", rows[i].warning ? rows[i].warning : ""),
		      "row %zu: %s", i, warning);
	}
	for (char **text = (char *[]){r, m, l, o, n, lk, mk, ok, nk, lm, lmr, ml, lr, enc, cut, lkl,
				      NULL};
	     *text; text++)
		free(*text);
	for (struct pki **p = (struct pki *[]){&root, &mid, &leaf, &old, &new, NULL}; *p; p++)
		pki_done(*p);
}

int main(void)
{
	char command[600];

	if (!mkdtemp(base))
		return 1;
	best_match_is_chosen();
	local_certificates_last_and_are_renewed();
	long_names_are_issued_too();
	layouts_are_understood();
	changes_are_seen();
	faults_are_named();
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command) || failures;
}
