/* SPDX-License-Identifier: BSD-2-Clause */
#define FORMAT KVT_FORMAT_CLOUD_HYPERVISOR
#include "vmdef_target.h"
