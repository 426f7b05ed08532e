// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "quantity.h"

#define EVERY_MS 2000
#define RISE 2
#define FALL 3

static unsigned number(const struct endpoint *e, enum field_id id, unsigned otherwise)
{
	const char *text = endpoint_spec_value(&e->spec, id);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

void endpoint_health_read(struct endpoint *e)
{
	const char *kind = endpoint_spec_value(&e->spec, FIELD_ID_HEALTH_CHECK);
	const char *every = endpoint_spec_value(&e->spec, FIELD_ID_HEALTH_INTERVAL);
	uint64_t ms = EVERY_MS;

	if (!kind || !strcmp(kind, "off"))
		return;
	if (every)
		quantity_duration(every, &ms);
	e->check_ms = (unsigned)ms;
	e->check_tls = !strcmp(kind, "tls");
	e->rise = number(e, FIELD_ID_HEALTH_RISE, RISE);
	e->fall = number(e, FIELD_ID_HEALTH_FALL, FALL);
}

void endpoint_health_succeed(struct endpoint *e, const struct endpoint *old)
{
	for (; old && e->head->check_ms; old = old->next_target) {
		if (strcmp(old->upstream, e->upstream) || !old->head->check_ms)
			continue;
		atomic_store(&e->dead, atomic_load(&old->dead));
		atomic_store(&e->dead_why, atomic_load(&old->dead_why));
		atomic_store(&e->changed_at, atomic_load(&old->changed_at));
		return;
	}
}
