// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>

#include "fault.h"

void fault_tell(struct fault *f, int status, int code, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return;
	f->status = status;
	f->code = code;
	snprintf(f->field, sizeof(f->field), "%s", field ? field : "");
	va_start(ap, fmt);
	vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	va_end(ap);
}
