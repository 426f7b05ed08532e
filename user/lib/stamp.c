// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"

struct timespec stamp_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts;
}

/* <value> in exactly <width> digits; the modulo only tells the compiler so. */
static char *digits(char *out, unsigned long value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + width;
}

const char *stamp_text(const struct timespec *ts, char out[STAMP_TEXT_MAX])
{
	struct tm tm;
	char *p = out;

	if (!gmtime_r(&ts->tv_sec, &tm)) {
		out[0] = '\0';
		return out;
	}
	p = digits(p, (unsigned long)tm.tm_year + 1900, 4);
	*p++ = '-';
	p = digits(p, (unsigned long)tm.tm_mon + 1, 2);
	*p++ = '-';
	p = digits(p, (unsigned long)tm.tm_mday, 2);
	*p++ = 'T';
	p = digits(p, (unsigned long)tm.tm_hour, 2);
	*p++ = ':';
	p = digits(p, (unsigned long)tm.tm_min, 2);
	*p++ = ':';
	p = digits(p, (unsigned long)tm.tm_sec, 2);
	*p++ = '.';
	p = digits(p, (unsigned long)ts->tv_nsec / 1000, 6);
	*p++ = 'Z';
	*p = '\0';
	return out;
}

/* Exactly <n> digits at *p, at most <max>.  Returns the number or -1. */
static int number(const char **p, int n, int max)
{
	int v = 0;

	while (n--) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (*(*p)++ - '0');
	}
	return v <= max ? v : -1;
}

static int expect(const char **p, const char *set)
{
	if (!**p || !strchr(set, **p))
		return -1;
	(*p)++;
	return 0;
}

/* "Z" or "+HH:MM" and the end of the text; the offset in seconds. */
static int zone(const char *p, long *ret_offset)
{
	int sign, hour, minute;

	if ((*p == 'Z' || *p == 'z') && !p[1]) {
		*ret_offset = 0;
		return 0;
	}
	if (*p != '+' && *p != '-')
		return -1;
	sign = *p++ == '-' ? -1 : 1;
	hour = number(&p, 2, 23);
	if (hour < 0 || expect(&p, ":"))
		return -1;
	minute = number(&p, 2, 59);
	if (minute < 0 || *p)
		return -1;
	*ret_offset = sign * (hour * 3600L + minute * 60L);
	return 0;
}

int stamp_parse(const char *text, struct timespec *ret_ts)
{
	const char *p = text;
	struct tm tm = {0};
	long nsec = 0, scale = 100000000, offset;
	int year, month, mday;

	year = number(&p, 4, 9999);
	if (year < 1970 || expect(&p, "-"))
		return -EINVAL;
	month = number(&p, 2, 12);
	if (month < 1 || expect(&p, "-"))
		return -EINVAL;
	mday = number(&p, 2, 31);
	if (mday < 1 || expect(&p, "Tt "))
		return -EINVAL;
	tm.tm_hour = number(&p, 2, 23);
	if (tm.tm_hour < 0 || expect(&p, ":"))
		return -EINVAL;
	tm.tm_min = number(&p, 2, 59);
	if (tm.tm_min < 0 || expect(&p, ":"))
		return -EINVAL;
	tm.tm_sec = number(&p, 2, 60);
	if (tm.tm_sec < 0)
		return -EINVAL;
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++, scale /= 10)
			nsec += (*p - '0') * scale;
	}
	if (zone(p, &offset))
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = mday;
	ret_ts->tv_sec = timegm(&tm) - offset;
	ret_ts->tv_nsec = nsec;
	/* timegm() turns the 31st of June into the 1st of July; we do not */
	return tm.tm_mday == mday ? 0 : -EINVAL;
}
