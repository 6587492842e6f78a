/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock/page.h"

#include <string.h>

#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>
#include <kvmtime/pairing.h>
#include <kvmtime/scale.h>
#include <kvmtime/vmclock.h>
#include <kvmtime/xen.h>

#include "sys/error.h"
#include "sys/timepages.h"

#define PAGE 4096u

static bool zero(const guint8 *bytes, gsize from, gsize to)
{
	while (from < to && bytes[from] == 0)
		from++;
	return from >= to;
}

/* ---- could it be one? only what no dump of another page satisfies by chance ---- */

static bool record_at(const guint8 *bytes, gsize size, gsize at)
{
	struct pvclock_vcpu_time_info ti;

	return size >= at + sizeof(ti) && zero(bytes, at + 4, at + 8) &&
	       zero(bytes, at + 30, at + 32) &&
	       kvt_pvclock_decode(bytes + at, size - at, &ti) == 0 &&
	       kvt_pvclock_implausible(&ti, 0) == NULL;
}

/* Alone, padded to a cache line, or the kernel's page of them. */
static bool fits_pvclock(const guint8 *bytes, gsize size)
{
	return (size == 32 || size == KVT_PVCLOCK_STRIDE || size == PAGE) &&
	       record_at(bytes, size, 0) && zero(bytes, 32, MIN(size, KVT_PVCLOCK_STRIDE));
}

static bool fits_wall_clock(const guint8 *bytes, gsize size)
{
	struct pvclock_wall_clock wall;

	return size == sizeof(wall) && kvt_wall_clock_decode(bytes, size, &wall) == 0;
}

static bool fits_steal_time(const guint8 *bytes, gsize size)
{
	struct kvm_steal_time steal;

	return size == sizeof(steal) && kvt_steal_decode(bytes, size, &steal) == 0 &&
	       steal.flags == 0 &&
	       (steal.preempted & ~(KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB)) == 0 &&
	       zero(bytes, 17, size);
}

static bool fits_vmclock(const guint8 *bytes, gsize size)
{
	return size >= 4 && memcmp(bytes, "VCLK", 4) == 0;
}

static bool fits_hyperv(const guint8 *bytes, gsize size)
{
	struct ms_hyperv_tsc_page page;
	uint64_t hz;

	return (size == sizeof(page) || size == PAGE) && zero(bytes, 4, 8) &&
	       zero(bytes, sizeof(page), size) && kvt_hyperv_decode(bytes, size, &page) == 0 &&
	       kvt_hyperv_hz(page.tsc_scale, &hz) == 0 && hz >= KVT_HYPERV_HZ &&
	       hz <= UINT64_C(100000000000);
}

/* vcpu_info: the event channel's words, then the time record. */
static bool fits_xen(const guint8 *bytes, gsize size)
{
	return size == XEN_VCPU_INFO_SIZE && record_at(bytes, size, XEN_VCPU_INFO_TIME) &&
	       bytes[0] <= 1 && bytes[1] <= 1 && zero(bytes, 2, 8);
}

/* A date from 2001 on and a TSC that has run: no steal time record has these. */
static bool fits_pairing(const guint8 *bytes, gsize size)
{
	struct kvm_clock_pairing pairing;

	return size == sizeof(pairing) && kvt_pairing_decode(bytes, size, &pairing) == 0 &&
	       pairing.sec >= 1000000000 && pairing.sec <= UINT32_MAX && pairing.tsc > 0xffff &&
	       zero(bytes, 28, size);
}

static const struct page_kind {
	const char *name;
	const char *wants; /* for the errors that list what there is */
	const char *how;
	bool (*fits)(const guint8 *bytes, gsize size);
} kinds[] = {
	[KVT_PAGE_PVCLOCK] = { "pvclock", "32, 64 or 4096 bytes", "size and a plausible scale",
			       fits_pvclock },
	[KVT_PAGE_WALL_CLOCK] = { "wall-clock", "12 bytes", "size", fits_wall_clock },
	[KVT_PAGE_STEAL_TIME] = { "steal-time", "64 bytes", "size and padding", fits_steal_time },
	[KVT_PAGE_VMCLOCK] = { "vmclock", "104 bytes or more, VCLK first", "magic number",
			       fits_vmclock },
	[KVT_PAGE_HYPERV] = { "hyperv", "24 or 4096 bytes", "size and a plausible scale",
			      fits_hyperv },
	[KVT_PAGE_XEN] = { "xen", "a vcpu_info of 64 bytes", "a plausible record at offset 32",
			   fits_xen },
	[KVT_PAGE_PAIRING] = { "pairing", "64 bytes", "size and a plausible date", fits_pairing },
};

G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == KVT_PAGE_TYPES);

const char *kvt_page_name(enum kvt_page_type type)
{
	return kinds[type].name;
}

char *kvt_page_names(void)
{
	GString *names = g_string_new(kinds[0].name);

	for (guint t = 1; t < KVT_PAGE_TYPES; t++)
		g_string_append_printf(names, ", %s", kinds[t].name);
	return g_string_free(names, FALSE);
}

bool kvt_page_by_name(const char *name, enum kvt_page_type *ret_type)
{
	for (guint t = 0; t < KVT_PAGE_TYPES; t++)
		if (strcmp(name, kinds[t].name) == 0) {
			*ret_type = (enum kvt_page_type)t;
			return true;
		}
	return false;
}

static void nothing_fits(gsize size, GError **error)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint t = 0; t < KVT_PAGE_TYPES; t++)
		g_string_append_printf(list, "%s%s (%s)", t > 0 ? ", " : "", kinds[t].name,
				       kinds[t].wants);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "these %" G_GSIZE_FORMAT
		    " bytes look like none of %s; --as TYPE decodes them all "
		    "the same",
		    size, list->str);
}

const char *kvt_page_wants(enum kvt_page_type type)
{
	return kinds[type].wants;
}

bool kvt_page_recognise(const guint8 *bytes, gsize size, enum kvt_page_type *ret_type,
			const char **ret_how, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);
	guint found = 0, type = 0;

	if (zero(bytes, 0, size)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "all %" G_GSIZE_FORMAT
			    " bytes are zero: a record that was never written, "
			    "of any type; --as TYPE says which",
			    size);
		return false;
	}
	for (guint t = 0; t < KVT_PAGE_TYPES; t++)
		if (kinds[t].fits(bytes, size)) {
			g_string_append_printf(names, "%s%s", found++ > 0 ? " or " : "",
					       kinds[t].name);
			type = t;
		}
	if (found == 0) {
		nothing_fits(size, error);
		return false;
	}
	if (found > 1) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "these %" G_GSIZE_FORMAT " bytes can be %s: say which with --as TYPE",
			    size, names->str);
		return false;
	}
	*ret_type = (enum kvt_page_type)type;
	*ret_how = kinds[type].how;
	return true;
}
