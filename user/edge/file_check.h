/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_check - what only the library for TLS can say of the file's endpoints: keys that are another
 * certificate's, files that hold no CA.  For `--check`; at the start and at a reload it shows when
 * the endpoints are made.
 */
#ifndef FILE_CHECK_H
#define FILE_CHECK_H
#include "config.h"

config_look_fn file_check;
#endif
