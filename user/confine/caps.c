// SPDX-License-Identifier: GPL-2.0-only
#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
	[CAP_CHOWN] = "chown",
	[CAP_DAC_OVERRIDE] = "dac_override",
	[CAP_DAC_READ_SEARCH] = "dac_read_search",
	[CAP_FOWNER] = "fowner",
	[CAP_KILL] = "kill",
	[CAP_SETGID] = "setgid",
	[CAP_SETUID] = "setuid",
	[CAP_SETPCAP] = "setpcap",
	[CAP_NET_BIND_SERVICE] = "net_bind_service",
	[CAP_NET_ADMIN] = "net_admin",
	[CAP_SYS_ADMIN] = "sys_admin",
	[CAP_SYS_RESOURCE] = "sys_resource",
	[CAP_PERFMON] = "perfmon",
	[CAP_BPF] = "bpf",
};

static int get(struct __user_cap_data_struct d[2])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &head, d) ? -errno : 0;
}

uint64_t caps_permitted(void)
{
	struct __user_cap_data_struct d[2];

	return get(d) ? 0 : d[0].permitted | (uint64_t)d[1].permitted << 32;
}

uint64_t caps_effective(void)
{
	struct __user_cap_data_struct d[2];

	return get(d) ? 0 : d[0].effective | (uint64_t)d[1].effective << 32;
}

int caps_keep(uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];
	int err = get(d);

	if (err)
		return err;
	for (int i = 0; i < 2; i++) {
		d[i].permitted &= (uint32_t)(permitted >> (32 * i));
		d[i].effective = d[i].permitted & (uint32_t)(effective >> (32 * i));
		d[i].inheritable &= d[i].permitted;
	}
	return syscall(SYS_capset, &head, d) ? -errno : 0;
}

int caps_bound(uint64_t keep)
{
	/* a number the kernel does not know is EINVAL */
	for (int cap = 0; cap < 64; cap++) {
		if (keep & CAP_BIT(cap) || prctl(PR_CAPBSET_READ, cap) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap))
			return -errno;
	}
	return 0;
}

const char *caps_text(uint64_t caps, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "none");
	for (unsigned cap = 0; cap < 64 && len < size; cap++) {
		if (!(caps & CAP_BIT(cap)))
			continue;
		if (cap < sizeof(names) / sizeof(names[0]) && names[cap])
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? " " : "",
						names[cap]);
		else
			len += (size_t)snprintf(out + len, size - len, "%s%u", len ? " " : "", cap);
	}
	return out;
}
