/* SPDX-License-Identifier: BSD-2-Clause */
#define FORMAT KVT_FORMAT_NOVA
#include "vmdef_target.h"
