// SPDX-License-Identifier: GPL-2.0-only
#include "retry.h"
#include "join.h"

void retry_at(struct retry *r, struct list *all, uint64_t at_ns)
{
	r->at_ns = at_ns;
	list_del(&r->link);
	list_add_tail(all, &r->link);
}

void retry_soon(struct retry *r, struct list *all, uint64_t now_ns, const struct half *up,
		const struct half *down)
{
	r->step_ns = join_retry_ns(r->step_ns, up, down);
	retry_at(r, all, now_ns + r->step_ns);
}

void retry_never(struct retry *r)
{
	list_del(&r->link);
	r->step_ns = 0;
}

uint64_t retry_first(const struct list *all, uint64_t until_ns)
{
	const struct list *it;

	list_for_each(it, all)
		if (list_of(it, struct retry, link)->at_ns < until_ns)
			until_ns = list_of(it, struct retry, link)->at_ns;
	return until_ns;
}
