// SPDX-License-Identifier: GPL-2.0-only
#include "histogram.h"

const uint32_t histogram_le_us[HISTOGRAM_BUCKETS] = {
	100,	250,	500,	1000,	 2500,	  5000,	   10000,    25000,    50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

void histogram_add(struct histogram *h, uint64_t us)
{
	int i = 0;

	while (i < HISTOGRAM_BUCKETS && us > histogram_le_us[i])
		i++;
	atomic_fetch_add_explicit(&h->in[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

void histogram_collect(struct histogram_total *t, struct histogram *h)
{
	for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		uint64_t n = atomic_load_explicit(&h->in[i], memory_order_relaxed);

		t->in[i] += n;
		t->count += n;
	}
	t->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}
