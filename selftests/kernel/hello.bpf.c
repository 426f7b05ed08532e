// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello - hello.h inside the kernel, for a test to compare with hello.h outside of it.
 *
 * As tc programs, because sk_skb programs have no test run; the input stands in the map, because a
 * test run takes less than a page.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "hello_work.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hello_work);
} works SEC(".maps");

/* Answers 0 when the result stands in the map. */
static __always_inline int run(bool message)
{
	__u32 zero = 0;
	struct hello_work *w;
	struct hello h;

	w = bpf_map_lookup_elem(&works, &zero);
	if (!w)
		return 1;
	w->result.verdict =
		message ? hello_parse_message(w->buf, w->len, &h) : hello_parse(w->buf, w->len, &h);
	w->result.name_len = 0;
	if (w->result.verdict == HELLO_OK)
		w->result.name_len = hello_name(w->buf, &h, w->result.name);
	w->result.hello = h;
	return 0;
}

SEC("tc")
int on_parse(struct __sk_buff *skb)
{
	(void)skb;
	return run(false);
}

SEC("tc")
int on_parse_message(struct __sk_buff *skb)
{
	(void)skb;
	return run(true);
}

/* What a test run costs without a hello, for the benchmark. */
SEC("tc")
int on_nothing(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

char _license[] SEC("license") = "GPL";
