// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "tcp_memory.h"

uint32_t tcp_memory_low(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_mem", "re");
	long page = sysconf(_SC_PAGESIZE);
	unsigned long low = 0;
	struct sysinfo si;

	if (f) {
		if (fscanf(f, "%lu", &low) != 1)
			low = 0;
		fclose(f);
	}
	if (!low && page > 0 &&
	    !sysinfo(&si)) /* tcp_init_mem(): a sixteenth, three quarters of that */
		low = (unsigned long)((uint64_t)si.totalram * si.mem_unit / (uint64_t)page / 16 /
				      4 * 3);
	return low < UINT32_MAX ? (uint32_t)low : UINT32_MAX;
}
