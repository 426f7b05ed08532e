// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello_test - the kernel and user space make the same of every hello, to the last offset.
 *
 * hello_test OBJECT FILE|DIR...: each file, and each of some cuts and changes of it, goes through
 * hello.h in a BPF program and natively.  Exits 0 for no difference, 1 for any, 4 where BPF or its
 * test run is not permitted.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hello_work.h"

#define SKIP 4

struct prog {
	const char *name;
	int fd;
	enum hello_verdict (*native)(const __u8 *buf, __u32 len, struct hello *out);
	__u64 insns;
};

static struct {
	struct bpf_object *object;
	struct hello_work *work; /* the programs' map, mapped */
	struct prog progs[2];
	unsigned long inputs, refused, differences, verdicts[HELLO_VERDICT_MAX];
} t;

static enum hello_verdict parse(const __u8 *buf, __u32 len, struct hello *out)
{
	return hello_parse(buf, len, out);
}

/* As the kernel has to: a message above HELLO_MAX is for user space. */
static enum hello_verdict parse_message(const __u8 *buf, __u32 len, struct hello *out)
{
	enum hello_verdict v = hello_parse_message(buf, len < HELLO_MAX ? len : HELLO_MAX, out);

	if (v == HELLO_MORE && len >= HELLO_MESSAGE_HEADER &&
	    HELLO_MESSAGE_HEADER + hello_u16(buf, 2) > HELLO_MAX)
		v = HELLO_SPLIT;
	return v;
}

static void print(const char *side, const struct hello_result *r)
{
	fprintf(stderr, "  %s: verdict %u end %u name %u+%u '%.*s' alpn %u+%u seen %llx\n", side,
		r->verdict, r->hello.end, r->hello.name_off, r->hello.name_len, r->name_len,
		r->name, r->hello.alpn_off, r->hello.alpn_len, (unsigned long long)r->hello.seen);
}

static void compare(const struct prog *p, const char *name, const __u8 *data, __u32 len)
{
	static const char frame[14];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	struct hello_result mine, theirs;
	int err;

	/* What an earlier input left behind <len> stays: the program must not look there. */
	memcpy(t.work->buf, data, len < HELLO_MAX ? len : HELLO_MAX);
	t.work->len = len;
	memset(&t.work->result, 0xee, sizeof(t.work->result));
	err = bpf_prog_test_run_opts(p->fd, &opts);
	if (err || opts.retval) {
		t.refused++;
		fprintf(stderr, "%s: %s: no run: %s, %u\n", name, p->name, strerror(-err),
			opts.retval);
		return;
	}
	theirs = t.work->result;

	memset(&mine, 0, sizeof(mine));
	mine.verdict = p->native(data, len, &mine.hello);
	if (mine.verdict == HELLO_OK)
		mine.name_len = hello_name(data, &mine.hello, mine.name);
	if (!mine.name_len) { /* then the key is unspecified */
		memset(mine.name, 0, sizeof(mine.name));
		memset(theirs.name, 0, sizeof(theirs.name));
	}
	t.inputs++;
	t.verdicts[mine.verdict]++;
	if (!memcmp(&mine, &theirs, sizeof(mine)))
		return;
	t.differences++;
	fprintf(stderr, "%s: %s, %u bytes: different\n", name, p->name, len);
	print("kernel", &theirs);
	print("native", &mine);
}

static void compare_both(const char *name, const __u8 *data, size_t len)
{
	compare(&t.progs[0], name, data, len);
	compare(&t.progs[1], name, data, len);
	if (len > HELLO_RECORD_HEADER)
		compare(&t.progs[1], name, data + HELLO_RECORD_HEADER, len - HELLO_RECORD_HEADER);
}

/* The input, halves of it, and with single bytes changed where the lengths stand. */
static void try_input(const char *name, __u8 *data, size_t len)
{
	static const __u8 values[] = {0, 1, 0x7f, 0xff};
	size_t i, off;
	__u8 old;

	compare_both(name, data, len);
	compare_both(name, data, len / 2);
	if (len)
		compare_both(name, data, len - 1);
	for (i = 0; i < 64 && len > 64; i++) {
		off = i < 12 ? i : (i * 2654435761U + len) % (len < 700 ? len : 700);
		old = data[off];
		data[off] = values[i % sizeof(values)];
		compare_both(name, data, len);
		data[off] = old;
	}
}

static void try_path(const char *path)
{
	static __u8 data[1 << 18];
	char inner[4096];
	struct dirent *d;
	size_t len;
	FILE *f;
	DIR *dir;

	dir = opendir(path);
	if (dir) {
		while ((d = readdir(dir))) {
			if (d->d_name[0] == '.')
				continue;
			snprintf(inner, sizeof(inner), "%s/%s", path, d->d_name);
			try_path(inner);
		}
		closedir(dir);
		return;
	}
	f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return;
	}
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	try_input(path, data, len);
}

static int open_prog(struct prog *p, const char *name,
		     enum hello_verdict (*native)(const __u8 *, __u32, struct hello *))
{
	struct bpf_prog_info info = {0};
	struct bpf_program *prog;
	__u32 len = sizeof(info);

	prog = bpf_object__find_program_by_name(t.object, name);
	if (!prog)
		return -ENOENT;
	p->name = name;
	p->fd = bpf_program__fd(prog);
	p->native = native;
	if (!bpf_obj_get_info_by_fd(p->fd, &info, &len))
		p->insns = info.verified_insns;
	return 0;
}

static int load(const char *path)
{
	struct bpf_map *works;
	int err;

	t.object = bpf_object__open_file(path, NULL);
	if (!t.object) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	err = bpf_object__load(t.object);
	if (err == -EPERM) {
		printf("skip: BPF is not permitted here\n");
		return SKIP;
	}
	works = bpf_object__find_map_by_name(t.object, "works");
	if (err || !works || open_prog(&t.progs[0], "on_parse", parse) ||
	    open_prog(&t.progs[1], "on_parse_message", parse_message)) {
		fprintf(stderr, "%s: cannot load: %s\n", path, strerror(-err));
		return 1;
	}
	t.work = mmap(NULL, bpf_map__value_size(works), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(works), 0);
	if (t.work == MAP_FAILED) {
		fprintf(stderr, "%s: cannot map the map: %s\n", path, strerror(errno));
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int err, i;

	if (argc < 3) {
		fprintf(stderr, "usage: %s OBJECT FILE|DIR...\n", argv[0]);
		return 1;
	}
	err = load(argv[1]);
	if (err)
		return err;
	for (i = 2; i < argc; i++)
		try_path(argv[i]);
	printf("%lu inputs, %lu differences, %lu not run; verifier: %llu and %llu instructions\n",
	       t.inputs, t.differences, t.refused, (unsigned long long)t.progs[0].insns,
	       (unsigned long long)t.progs[1].insns);
	printf("verdicts: OK %lu MORE %lu NO_SNI %lu NOT_TLS %lu BAD %lu TOO_BIG %lu SPLIT %lu\n",
	       t.verdicts[HELLO_OK], t.verdicts[HELLO_MORE], t.verdicts[HELLO_NO_SNI],
	       t.verdicts[HELLO_NOT_TLS], t.verdicts[HELLO_BAD], t.verdicts[HELLO_TOO_BIG],
	       t.verdicts[HELLO_SPLIT]);
	bpf_object__close(t.object);
	return t.differences || t.refused || !t.inputs ? 1 : 0;
}
