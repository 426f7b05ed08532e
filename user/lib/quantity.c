// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "quantity.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static int parse(const char *text, const struct unit *units, uint64_t *ret_value)
{
	const char *p = text;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	if (p == text)
		return -EINVAL;
	for (; units->name; units++) {
		/* a bare zero is the same in every unit */
		if (strcmp(p, units->name) && (*p || value))
			continue;
		if (__builtin_mul_overflow(value, units->factor, &value))
			return -ERANGE;
		*ret_value = value;
		return 0;
	}
	return -EINVAL;
}

int quantity_duration(const char *text, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
	};

	return parse(text, units, ret_ms);
}

int quantity_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},	{"k", 1 << 10}, {"K", 1 << 10}, {"m", 1 << 20},
		{"M", 1 << 20}, {"g", 1 << 30}, {"G", 1 << 30}, {NULL, 0},
	};

	return parse(text, units, ret_bytes);
}

int quantity_count(const char *text, uint64_t *ret_n)
{
	static const struct unit units[] = {{"", 1}, {NULL, 0}};

	return parse(text, units, ret_n);
}
