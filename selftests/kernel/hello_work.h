/* SPDX-License-Identifier: GPL-2.0-only */
/* hello_work - one input for hello.h and what it made of it, shared with the program in the kernel.
 */
#ifndef HELLO_WORK_H
#define HELLO_WORK_H

#include "hello.h"

struct hello_result {
	struct hello hello;
	__u32 verdict;
	__s32 name_len;
	char name[HELLO_KEY_LEN];
};

struct hello_work {
	__u8 buf[HELLO_MAX];
	__u32 len;
	__u32 pad;
	struct hello_result result;
};

#endif
