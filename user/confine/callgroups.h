/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callgroups - the lists behind the CALLS_... groups of callfilter.h, each ended by CALLS_END.
 * What is allowed by its arguments only is in callfilter.c.
 */
#ifndef CALLGROUPS_H
#define CALLGROUPS_H
#include <limits.h>

#define CALLS_END INT_MIN /* libseccomp has -1 and smaller numbers for calls */

extern const int calls_network[], calls_read[], calls_write[], calls_programs[];
#endif
