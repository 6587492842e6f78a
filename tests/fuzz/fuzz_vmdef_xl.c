/* SPDX-License-Identifier: BSD-2-Clause */
#define FORMAT KVT_FORMAT_XL
#include "vmdef_target.h"
