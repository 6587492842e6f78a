/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/cpuinfo: what it says about time. */
#ifndef KVT_SYS_CPUINFO_H
#define KVT_SYS_CPUINFO_H

#include <stdbool.h>

#include <glib.h>

enum kvt_cpu_flag {
	KVT_CPU_CONSTANT_TSC = 1 << 0,
	KVT_CPU_NONSTOP_TSC = 1 << 1,
	KVT_CPU_TSC_RELIABLE = 1 << 2,
	KVT_CPU_TSC_KNOWN_FREQ = 1 << 3,
	KVT_CPU_TSC_ADJUST = 1 << 4,
	KVT_CPU_TSC_SCALE = 1 << 5,
	KVT_CPU_HYPERVISOR = 1 << 6,
	KVT_CPU_TSC = 1 << 7,
	KVT_CPU_VIRT = 1 << 8 /* vmx or svm */
};

struct kvt_cpuinfo {
	char vendor[32]; /* "" = not said */
	char name[128];
	int family, model; /* -1 = not said */
	guint count;       /* processors listed */
	guint packages;    /* different "physical id" values; 0 = not said */
	double mhz;        /* of the first; 0 = not said */
	bool has_flags;    /* at least one flags line was there */
	unsigned all;      /* flags that every processor has */
	unsigned any;      /* flags that one has */
};

/** kvt_cpuinfo_parse() - never fails: what the text does not say is not said; any bytes do */
void kvt_cpuinfo_parse(const char *text, gsize len, struct kvt_cpuinfo *ret_info);

#endif
