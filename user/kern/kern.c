// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kern.h"
#include "log.h"
#include "pins.h"
#include "selftest.h"
#include "snisplit.skel.h"

#define RING_BYTES (256U * 1024)

struct kern {
	struct snisplit_bpf *skel;
	struct pins pins;
	struct bpf_link *sockops;
	struct flow *flows;
	struct replay *replays;
	struct pool_value *pools;
	struct group_value *groups;
	struct wake *wakes;
	size_t flows_len, replays_len, pools_len, groups_len, wakes_len;
	uint32_t n_slots;
	bool shy; /* the pins are another daemon's */
	char selftest[200];
	atomic_uint_fast64_t full[KERN_MAP_MAX];
	int rings[WORKERS_MAX];
	int sockets_fd, slots_fd, endpoints_fd, wildcards_fd, policies_fd, counters_fd;
	unsigned n_cpus;
};

/*
 * libbpf prints one level lower than we do: its warnings are our debug lines, except what it says
 * in the load that failed, see open_fail().  It prints in the thread that has called it; sessions
 * of libsnisplit load each in their own.
 */
static _Thread_local char last_words[256];

static int on_libbpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static int on_libbpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text, *line, *save = NULL;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	/* the verifier's log comes as one message of many lines */
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (level == LIBBPF_WARN && !last_words[0])
			snprintf(last_words, sizeof(last_words), "%.255s", line);
		log_debug("%s", line);
	}
	free(text);
	return 0;
}

static void *map_memory(const struct bpf_map *map, size_t *ret_len)
{
	long page = sysconf(_SC_PAGESIZE);
	void *p;

	*ret_len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	*ret_len = (*ret_len + (size_t)page - 1) & ~((size_t)page - 1);
	p = mmap(NULL, *ret_len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return p == MAP_FAILED ? NULL : p;
}

static int size_maps(struct snisplit_bpf *s, const struct kern_opts *o)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{s->maps.sockets, o->slots},
		{s->maps.slots, o->slots + o->n_workers * KERN_SLOTS_DEAD},
		{s->maps.flows, o->slots},
		{s->maps.replays, o->replays ? o->replays : 1},
		{s->maps.endpoints, o->endpoints},
		{s->maps.wildcards, o->endpoints},
		{s->maps.policies, o->policies ? o->policies : 1},
		{s->maps.pools, (o->pools + 1) * o->n_workers},
		{s->maps.groups, o->groups + 1},
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		err = bpf_map__set_max_entries(sizes[i].map, sizes[i].entries);
		if (err)
			return err;
	}
	return 0;
}

static int make_rings(struct kern *k, const struct kern_opts *o)
{
	uint32_t i;

	for (i = 0; i < o->n_workers; i++) {
		k->rings[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0,
					     o->ring_bytes ? o->ring_bytes : RING_BYTES, NULL);
		if (k->rings[i] < 0 || bpf_map_update_elem(bpf_map__fd(k->skel->maps.events), &i,
							   &k->rings[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

static int attach_verdict(struct kern *k, char *why, size_t why_size)
{
	int err = bpf_prog_attach(bpf_program__fd(k->skel->progs.on_verdict), k->sockets_fd,
				  BPF_SK_SKB_STREAM_VERDICT, 0);
	if (err) {
		err = -errno;
		snprintf(why, why_size, "cannot attach the verdict program: %s", strerror(-err));
	}
	return err;
}

static void attach_sockops(struct kern *k)
{
	char words[200] = "";
	int cgroup;

	cgroup = pins_cgroup_open(words, sizeof(words));
	if (cgroup >= 0) {
		k->sockops = bpf_program__attach_cgroup(k->skel->progs.on_sockops, cgroup);
		if (!k->sockops)
			snprintf(words, sizeof(words), "cannot attach sockops: %s",
				 strerror(errno));
		close(cgroup);
	}
	if (!k->sockops)
		log_warn("%s; the workers poll for the end of connections instead", words);
}

static int pin(struct kern *k, char *why, size_t why_size)
{
	struct snisplit_bpf *s = k->skel;
	const struct {
		const char *name;
		int fd;
	} list[] = {
		{"sockets", bpf_map__fd(s->maps.sockets)},
		{"slots", bpf_map__fd(s->maps.slots)},
		{"flows", bpf_map__fd(s->maps.flows)},
		{"endpoints", bpf_map__fd(s->maps.endpoints)},
		{"wildcards", bpf_map__fd(s->maps.wildcards)},
		{"policies", bpf_map__fd(s->maps.policies)},
		{"pools", bpf_map__fd(s->maps.pools)},
		{"groups", bpf_map__fd(s->maps.groups)},
		{"counters", bpf_map__fd(s->maps.counters)},
		{"events", bpf_map__fd(s->maps.events)},
		{"prog_sockops", bpf_program__fd(s->progs.on_sockops)},
		{"prog_verdict", bpf_program__fd(s->progs.on_verdict)},
	};
	size_t i;
	int err;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		err = pins_add(&k->pins, list[i].name, list[i].fd);
		if (err) {
			snprintf(why, why_size, "cannot pin %s/%s: %s", k->pins.root, list[i].name,
				 strerror(-err));
			return err;
		}
	}
	return 0;
}

/* The load failed: say what a person can do about it. */
static int open_fail(int err, char *why, size_t why_size)
{
	const char *advice = "see `snisplit check`";

	/* (libbpf blames RLIMIT_MEMLOCK, whatever was not permitted) */
	if (err == -EPERM) {
		snprintf(why, why_size,
			 "the BPF programs do not load: %s; needs root, or CAP_BPF, CAP_NET_ADMIN "
			 "and CAP_PERFMON",
			 strerror(-err));
		return err;
	}
	snprintf(why, why_size, "the BPF programs do not load: %s (%s); %s", strerror(-err),
		 last_words[0] ? last_words : "no message", advice);
	return err;
}

int kern_open(const struct kern_opts *opts, struct kern **ret_k, char *why, size_t why_size)
{
	struct kern *k;
	unsigned i;
	int err, n;

	if (opts->n_workers > WORKERS_MAX) {
		snprintf(why, why_size, "workers: at most %d", WORKERS_MAX);
		return -EINVAL;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->pins.lock_fd = -1;
	k->shy = opts->lock_fd != -1;
	for (i = 0; i < WORKERS_MAX; i++)
		k->rings[i] = -1;
	last_words[0] = '\0';
	libbpf_set_print(on_libbpf_print);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);

	k->skel = snisplit_bpf__open();
	if (!k->skel) {
		err = open_fail(-errno, why, why_size);
		goto fail;
	}
	k->skel->rodata->cfg_hard = opts->hard;
	k->skel->rodata->cfg_mutant = opts->mutant;
	memcpy((void *)k->skel->rodata->cfg_ports, opts->ports, sizeof(opts->ports));
	k->skel->rodata->cfg_first_port = opts->first_port;
	k->skel->rodata->cfg_last_port = opts->last_port;
	err = size_maps(k->skel, opts);
	if (!err)
		err = snisplit_bpf__load(k->skel);
	if (err) {
		open_fail(err, why, why_size);
		goto fail;
	}
	n = libbpf_num_possible_cpus();
	k->n_cpus = n > 0 ? (unsigned)n : 1;
	k->n_slots = opts->slots;
	k->sockets_fd = bpf_map__fd(k->skel->maps.sockets);
	k->slots_fd = bpf_map__fd(k->skel->maps.slots);
	k->endpoints_fd = bpf_map__fd(k->skel->maps.endpoints);
	k->wildcards_fd = bpf_map__fd(k->skel->maps.wildcards);
	k->policies_fd = bpf_map__fd(k->skel->maps.policies);
	k->counters_fd = bpf_map__fd(k->skel->maps.counters);
	k->flows = map_memory(k->skel->maps.flows, &k->flows_len);
	k->replays = map_memory(k->skel->maps.replays, &k->replays_len);
	k->pools = map_memory(k->skel->maps.pools, &k->pools_len);
	k->groups = map_memory(k->skel->maps.groups, &k->groups_len);
	k->wakes = map_memory(k->skel->maps.wakes, &k->wakes_len);
	err = k->flows && k->replays && k->pools && k->groups && k->wakes ? make_rings(k, opts)
									  : -ENOMEM;
	if (err) {
		snprintf(why, why_size, "cannot set up the BPF maps: %s", strerror(-err));
		goto fail;
	}
	err = selftest_run(opts->selftest_mutant, k->selftest, sizeof(k->selftest));
	if (err < 0) {
		/* on a machine that is short of time or of memory for TCP something may have taken
		 * longer than it waits; what is broken is so a second time */
		log_warn("self-test of the kernel path: %s; once more", k->selftest);
		err = selftest_run(opts->selftest_mutant, k->selftest, sizeof(k->selftest));
	}
	if (err < 0) {
		snprintf(why, why_size, "the kernel path fails its self-test: %s", k->selftest);
		goto fail;
	}
	if (err && opts->proven) {
		snprintf(why, why_size, "the kernel path is not proven here: %s", k->selftest);
		err = -ENOTSUP;
		goto fail;
	}
	if (err)
		log_warn("self-test of the kernel path: %s", k->selftest);
	/* Last, when everything else stands: a daemon that is refused has touched
	 * nothing of the first one's. */
	if (k->shy)
		err = pins_inherit(&k->pins, opts->lock_fd, why, why_size);
	else if (!opts->unpinned)
		err = pins_open(&k->pins, why, why_size);
	if (!err)
		attach_sockops(k);
	if (!err)
		err = attach_verdict(k, why, why_size);
	if (!err && !k->shy && !opts->unpinned)
		err = kern_take_over(k, why, why_size);
	if (err)
		goto fail;
	*ret_k = k;
	return 0;
fail:
	kern_close(k);
	return err;
}

void kern_close(struct kern *k)
{
	unsigned i;

	if (!k)
		return;
	bpf_link__destroy(k->sockops);
	if (k->flows)
		munmap(k->flows, k->flows_len);
	if (k->replays)
		munmap(k->replays, k->replays_len);
	if (k->pools)
		munmap(k->pools, k->pools_len);
	if (k->groups)
		munmap(k->groups, k->groups_len);
	if (k->wakes)
		munmap(k->wakes, k->wakes_len);
	for (i = 0; i < WORKERS_MAX; i++)
		if (k->rings[i] >= 0)
			close(k->rings[i]);
	if (k->shy)
		pins_leave(&k->pins);
	else
		pins_close(&k->pins);
	snisplit_bpf__destroy(k->skel);
	free(k);
}

int kern_lock_fd(const struct kern *k)
{
	return k->pins.lock_fd;
}

int kern_take_over(struct kern *k, char *why, size_t why_size)
{
	int err = pin(k, why, why_size);

	if (!err && k->shy)
		pins_own(&k->pins);
	if (!err)
		k->shy = false;
	return err;
}

void kern_leave(struct kern *k)
{
	k->shy = true;
	pins_leave(&k->pins);
}

bool kern_probe(char *why, size_t why_size)
{
	struct snisplit_bpf *s;
	int err;

	last_words[0] = '\0';
	libbpf_set_print(on_libbpf_print);
	s = snisplit_bpf__open();
	err = s ? snisplit_bpf__load(s) : -errno;
	if (err)
		open_fail(err, why, why_size);
	snisplit_bpf__destroy(s);
	return !err && selftest_run(MUTANT_NONE, why, why_size) >= 0;
}

const char *kern_selftest(const struct kern *k)
{
	return k->selftest;
}

const char *kern_libbpf_version(void)
{
	return libbpf_version_string();
}

const char *kern_release(void)
{
	static struct utsname u;

	return uname(&u) ? "unknown" : u.release;
}

const char *kern_pin_root(const struct kern *k)
{
	return k->pins.shown;
}

bool kern_has_sockops(const struct kern *k)
{
	return k->sockops;
}

struct flow *kern_flow(struct kern *k, uint32_t slot)
{
	return &k->flows[slot];
}

struct replay *kern_replay(struct kern *k, uint32_t idx)
{
	return &k->replays[idx];
}

struct pool_value *kern_pool(struct kern *k, uint32_t idx)
{
	return &k->pools[idx];
}

struct group_value *kern_group(struct kern *k, uint32_t idx)
{
	return &k->groups[idx];
}

struct wake *kern_wake(struct kern *k, unsigned worker)
{
	return &k->wakes[worker];
}

int kern_events_fd(const struct kern *k, unsigned worker)
{
	return k->rings[worker];
}

/* The end of a put.  Full: hashes say E2BIG, the trie ENOSPC. */
static int put_result(struct kern *k, enum kern_map map, int ret)
{
	int err = ret ? -errno : 0;

	if (err == -E2BIG || err == -ENOSPC)
		atomic_fetch_add_explicit(&k->full[map], 1, memory_order_relaxed);
	return err;
}

uint64_t kern_full(const struct kern *k, enum kern_map map)
{
	return atomic_load_explicit(&k->full[map], memory_order_relaxed);
}

int kern_slot_set(struct kern *k, uint64_t cookie, uint32_t slot)
{
	return put_result(k, KERN_MAP_slots,
			  bpf_map_update_elem(k->slots_fd, &cookie, &slot, BPF_ANY));
}

void kern_slots_del(struct kern *k, const uint64_t *cookies, unsigned n)
{
	__u32 done;

	/* it stops at one that is not there; <done> is how far it came */
	for (; n; cookies += done, n -= done) {
		done = n;
		if (n > 1 && !bpf_map_delete_batch(k->slots_fd, cookies, &done, NULL))
			return;
		if (n == 1 || done >= n) {
			bpf_map_delete_elem(k->slots_fd, cookies);
			done = 1;
		} else {
			done++;
		}
	}
}

int kern_sock_add(struct kern *k, uint64_t cookie, int fd)
{
	uint64_t value = (uint64_t)fd;

	return put_result(k, KERN_MAP_sockets,
			  bpf_map_update_elem(k->sockets_fd, &cookie, &value, BPF_NOEXIST));
}

#ifdef MUTANT
void kern_sock_del(struct kern *k, uint64_t cookie)
{
	bpf_map_delete_elem(k->sockets_fd, &cookie);
}
#endif

static struct name_key name_key(const char *host)
{
	struct name_key key = {.name = ""};

	strncpy(key.name, host, sizeof(key.name) - 1);
	return key;
}

int kern_endpoint_put(struct kern *k, const char *host, bool wild, const struct endpoint_value *v)
{
	struct name_key key = name_key(host);

	return put_result(k, wild ? KERN_MAP_wildcards : KERN_MAP_endpoints,
			  bpf_map_update_elem(wild ? k->wildcards_fd : k->endpoints_fd, &key, v,
					      BPF_ANY));
}

void kern_endpoint_del(struct kern *k, const char *host, bool wild)
{
	struct name_key key = name_key(host);

	bpf_map_delete_elem(wild ? k->wildcards_fd : k->endpoints_fd, &key);
}

static struct policy_key policy_key(uint32_t id, const struct cidr *c)
{
	struct policy_key key = {.prefixlen = 32 + c->prefixlen, .policy = id};

	memcpy(key.addr, c->addr, sizeof(key.addr));
	return key;
}

int kern_policy_put(struct kern *k, uint32_t id, const struct cidr *c, bool allow)
{
	const struct policy_key key = policy_key(id, c);
	const struct policy_value v = {.allow = allow};

	return put_result(k, KERN_MAP_policies,
			  bpf_map_update_elem(k->policies_fd, &key, &v, BPF_ANY));
}

void kern_policy_del(struct kern *k, uint32_t id, const struct cidr *c)
{
	const struct policy_key key = policy_key(id, c);

	bpf_map_delete_elem(k->policies_fd, &key);
}

int kern_counters(struct kern *k, struct counters *ret_c)
{
	size_t words = sizeof(struct counters) / sizeof(uint64_t), i;
	uint64_t *sum = (uint64_t *)ret_c;
	struct counters *values;
	uint32_t zero = 0;
	unsigned cpu;
	int err = 0;

	values = calloc(k->n_cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	memset(ret_c, 0, sizeof(*ret_c));
	if (bpf_map_lookup_elem(k->counters_fd, &zero, values))
		err = -errno;
	for (cpu = 0; !err && cpu < k->n_cpus; cpu++)
		for (i = 0; i < words; i++)
			sum[i] += ((const uint64_t *)&values[cpu])[i];
	free(values);
	return err;
}
