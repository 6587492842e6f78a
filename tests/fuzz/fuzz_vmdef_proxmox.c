/* SPDX-License-Identifier: BSD-2-Clause */
#define FORMAT KVT_FORMAT_PROXMOX
#include "vmdef_target.h"
