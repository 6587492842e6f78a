/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>

#include <kvmtime/error.h>
#include <kvmtime/hyperv.h>
#include <kvmtime/pairing.h>
#include <kvmtime/scale.h>
#include <kvmtime/xen.h>

#include "clock/page.h"
#include "sys/error.h"

/* RFC 3339 in UTC with all nine digits; "beyond the calendar" where GLib has no date. */
static char *utc_text(uint64_t sec, uint32_t nsec)
{
	g_autoptr(GDateTime) time =
		sec < UINT64_C(250000000000) ? g_date_time_new_from_unix_utc((gint64)sec) : NULL;
	g_autofree char *whole =
		time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;

	return whole != NULL ? g_strdup_printf("%s.%09uZ", whole, nsec)
			     : g_strdup("beyond the calendar");
}

static void add_version(GPtrArray *fields, const char *name, uint32_t version)
{
	struct kvt_row *row = kvt_row_int(fields, name, version);

	if ((version & 1) != 0)
		kvt_row_warn(row, "odd: the host was writing, the fields may not belong together");
	else if (version == 0)
		kvt_row_warn(row, "the host has not written it yet");
	else
		kvt_row_mean(row, "even: settled, after %u update%s", version / 2,
			     version == 2 ? "" : "s");
}

/* The rate, and how far it is from a stated one; from the nearest whole kHz if nobody states one.
 */
static void add_rate(GPtrArray *derived, uint32_t mul, int8_t shift,
		     const struct kvt_page_context *context)
{
	uint64_t hz, khz = context->khz;
	int64_t error_q16;
	struct kvt_row *row;

	if (kvt_scale_to_hz(mul, shift, &hz) < 0) {
		kvt_row_warn(kvt_row_text(derived, "tsc_khz", "none"),
			     "the scale stands for no rate");
		return;
	}
	kvt_row_double(derived, "tsc_khz", (double)hz / 1e3);
	if (khz == 0)
		khz = hz / 1000 + (hz % 1000 >= 500);
	if (kvt_scale_rate_error(mul, shift, khz * 1000, &error_q16) < 0)
		return;
	row = kvt_row_double(derived, "rate_error_ppb", (double)error_q16 / 65536);
	kvt_row_mean(row, "%s %" PRIu64 " kHz%s%s%s",
		     error_q16 > 0 ? "fast against" : "slow against", khz,
		     context->khz != 0 ? " (" : ", the nearest",
		     context->khz != 0 ? context->khz_source : "", context->khz != 0 ? ")" : "");
}

static void add_value(GPtrArray *derived, const struct pvclock_vcpu_time_info *ti,
		      const struct kvt_page_context *context)
{
	struct kvt_row *row;
	uint64_t ns, age_ns;

	if (context->tsc_cycles == 0)
		return;
	if (kvt_pvclock_ns(ti, context->tsc_cycles, &ns) < 0 ||
	    kvt_scale_apply(context->tsc_cycles - ti->tsc_timestamp, ti->tsc_to_system_mul,
			    ti->tsc_shift, &age_ns) < 0 ||
	    age_ns > INT64_MAX) {
		row = kvt_row_text(derived, "value_ns", "none");
		kvt_row_warn(row, "no value at TSC %" PRIu64 ": before the record, or out of range",
			     context->tsc_cycles);
		return;
	}
	row = kvt_row_u64(derived, "value_ns", ns);
	kvt_row_mean(row, "at TSC %" PRIu64, context->tsc_cycles);
	kvt_row_mean(
		kvt_row_ns(derived, "base_age_ns", (int64_t)age_ns),
		"since the host took tsc_timestamp and system_time; it may have written the same "
		"again since");
}

/* ---- flags ---- */

static void add_stable(GPtrArray *flags, bool set, const struct kvt_page_context *context)
{
	struct kvt_row *row = kvt_row_bool(flags, "stable", set);

	if (set && context->stable_known && !context->stable_honoured)
		kvt_row_warn(row, "set, but CPUID does not offer it (leaf base + 1, EAX bit 24): "
				  "a guest must not rely on it");
	else if (set)
		kvt_row_mean(row,
			     "the host keeps the vCPUs' TSCs in step: readings of different vCPUs "
			     "are in order, the vDSO may read the page%s",
			     context->stable_known ? "; CPUID offers the bit" : "");
	else
		kvt_row_warn(row, "readings of different vCPUs can go backwards: the kernel clamps "
				  "them, the vDSO falls back to a system call");
}

static void add_stopped(GPtrArray *flags, bool set, const struct kvt_page_context *context)
{
	struct kvt_row *row = kvt_row_bool(flags, "stopped", set);

	if (set)
		kvt_row_warn(row, "the VM was stopped (paused, saved, migrated)%s",
			     context->live ? " and this kernel has not yet acknowledged it"
					   : " and its kernel had not yet acknowledged it");
	else
		kvt_row_mean(row, "no stop that the kernel has yet to hear of");
}

static void add_flags(GPtrArray *flags, uint8_t value, const struct kvt_page_context *context)
{
	const uint8_t known =
		PVCLOCK_TSC_STABLE_BIT | PVCLOCK_GUEST_STOPPED | PVCLOCK_COUNTS_FROM_ZERO;

	add_stable(flags, (value & PVCLOCK_TSC_STABLE_BIT) != 0, context);
	add_stopped(flags, (value & PVCLOCK_GUEST_STOPPED) != 0, context);
	if ((value & PVCLOCK_COUNTS_FROM_ZERO) != 0)
		kvt_row_warn(kvt_row_bool(flags, "counts_from_zero", true),
			     "a withdrawn bit that no hypervisor may set");
	if ((value & ~known) != 0)
		kvt_row_warn(kvt_row_hex(flags, "unknown", (uint8_t)(value & ~known)),
			     "bits that this program does not know");
}

/* ---- records ---- */

static struct kvt_record *pvclock_rows(const char *type, const char *title,
				       const struct pvclock_vcpu_time_info *ti,
				       const struct kvt_page_context *context)
{
	struct kvt_record *record = kvt_record_new(type, title);
	GPtrArray *fields = record->fields;
	struct pvclock_vcpu_time_info settled = *ti;

	add_version(fields, "version", ti->version);
	kvt_row_mean(kvt_row_u64(fields, "tsc_timestamp", ti->tsc_timestamp), "cycles");
	kvt_row_mean(kvt_row_u64(fields, "system_time", ti->system_time), "ns at tsc_timestamp");
	kvt_row_mean(kvt_row_int(fields, "tsc_to_system_mul", ti->tsc_to_system_mul),
		     "ns per shifted cycle, in 2^-32");
	kvt_row_i64(fields, "tsc_shift", ti->tsc_shift);
	kvt_row_hex(fields, "flags", ti->flags);
	add_rate(record->derived, ti->tsc_to_system_mul, ti->tsc_shift, context);
	settled.version &= ~1u;
	add_value(record->derived, &settled, context);
	add_flags(record->flags, ti->flags, context);
	return record;
}

struct kvt_record *kvt_page_describe_pvclock(const struct pvclock_vcpu_time_info *ti,
					     const struct kvt_page_context *context)
{
	return pvclock_rows("pvclock", "time record of a vCPU", ti, context);
}

static struct kvt_record *describe_pvclock(const guint8 *bytes, gsize size,
					   const struct kvt_page_context *context, int *ret_r)
{
	struct pvclock_vcpu_time_info ti;

	*ret_r = kvt_pvclock_decode(bytes, size, &ti);
	return *ret_r < 0 ? NULL : kvt_page_describe_pvclock(&ti, context);
}

/* A vcpu_info, or the bare record. */
static struct kvt_record *describe_xen(const guint8 *bytes, gsize size,
				       const struct kvt_page_context *context, int *ret_r)
{
	struct pvclock_vcpu_time_info ti;

	*ret_r = size >= XEN_VCPU_INFO_SIZE ? kvt_xen_vcpu_time(bytes, size, &ti)
					    : kvt_pvclock_decode(bytes, size, &ti);
	if (*ret_r < 0)
		return NULL;
	return pvclock_rows("xen",
			    "Xen vcpu_time_info; its flags mean something only to a guest built "
			    "for an interface newer than 0x00040600",
			    &ti, context);
}

static struct kvt_record *describe_wall_clock(const guint8 *bytes, gsize size,
					      const struct kvt_page_context *context, int *ret_r)
{
	struct pvclock_wall_clock wall;
	g_autofree char *utc = NULL;
	struct kvt_record *record;

	(void)context;
	*ret_r = kvt_wall_clock_decode(bytes, size, &wall);
	if (*ret_r < 0)
		return NULL;
	record = kvt_record_new("wall-clock", "wall clock record");
	add_version(record->fields, "version", wall.version);
	kvt_row_int(record->fields, "sec", wall.sec);
	kvt_row_int(record->fields, "nsec", wall.nsec);
	utc = utc_text(wall.sec, wall.nsec);
	kvt_row_mean(
		kvt_row_text(record->derived, "utc_at_system_time_0", utc),
		"when the VM's system time was 0; as true as the host's clock was when the guest "
		"last asked");
	return record;
}

static struct kvt_record *describe_steal_time(const guint8 *bytes, gsize size,
					      const struct kvt_page_context *context, int *ret_r)
{
	struct kvm_steal_time steal;
	struct kvt_record *record;
	struct kvt_row *row;

	(void)context;
	*ret_r = kvt_steal_decode(bytes, size, &steal);
	if (*ret_r < 0)
		return NULL;
	record = kvt_record_new("steal-time", "steal time record of a vCPU");
	kvt_row_mean(kvt_row_u64(record->fields, "steal", steal.steal), "ns");
	add_version(record->fields, "version", steal.version);
	kvt_row_hex(record->fields, "flags", steal.flags);
	kvt_row_hex(record->fields, "preempted", steal.preempted);
	if (steal.steal <= INT64_MAX)
		kvt_row_mean(kvt_row_ns(record->derived, "stolen_ns", (int64_t)steal.steal),
			     "the vCPU was ready and had no CPU of the host");
	row = kvt_row_bool(record->flags, "preempted", (steal.preempted & KVM_VCPU_PREEMPTED) != 0);
	kvt_row_mean(row, (steal.preempted & KVM_VCPU_PREEMPTED) != 0
				  ? "the vCPU was not running when this was taken"
				  : "the vCPU was running, or the host does not say");
	if ((steal.preempted & KVM_VCPU_FLUSH_TLB) != 0)
		kvt_row_mean(kvt_row_bool(record->flags, "flush_tlb", true),
			     "the host flushes its TLB before it runs again");
	return record;
}

static struct kvt_record *describe_hyperv(const guint8 *bytes, gsize size,
					  const struct kvt_page_context *context, int *ret_r)
{
	struct ms_hyperv_tsc_page page;
	struct kvt_record *record;
	struct kvt_row *row;
	uint64_t hz, time_100ns;

	*ret_r = kvt_hyperv_decode(bytes, size, &page);
	if (*ret_r < 0)
		return NULL;
	record = kvt_record_new("hyperv", "Hyper-V reference TSC page");
	row = kvt_row_int(record->fields, "tsc_sequence", page.tsc_sequence);
	if (page.tsc_sequence == 0)
		kvt_row_warn(
			row,
			"0: not valid, the guest reads the MSR 0x40000020 instead, which is slow");
	else
		kvt_row_mean(row, "not 0: valid");
	kvt_row_hex(record->fields, "reserved1", page.reserved1);
	kvt_row_mean(kvt_row_u64(record->fields, "tsc_scale", page.tsc_scale),
		     "100 ns a cycle, in 2^-64");
	kvt_row_mean(kvt_row_i64(record->fields, "tsc_offset", page.tsc_offset), "100 ns");
	if (kvt_hyperv_hz(page.tsc_scale, &hz) == 0)
		kvt_row_double(record->derived, "tsc_khz", (double)hz / 1e3);
	if (context->tsc_cycles != 0 &&
	    kvt_hyperv_time(&page, context->tsc_cycles, &time_100ns) == 0)
		kvt_row_mean(kvt_row_u64(record->derived, "value_100ns", time_100ns),
			     "at TSC %" PRIu64, context->tsc_cycles);
	return record;
}

static struct kvt_record *describe_pairing(const guint8 *bytes, gsize size,
					   const struct kvt_page_context *context, int *ret_r)
{
	struct kvm_clock_pairing pairing;
	g_autofree char *utc = NULL;
	struct kvt_record *record;

	(void)context;
	*ret_r = kvt_pairing_decode(bytes, size, &pairing);
	if (*ret_r < 0)
		return NULL;
	record = kvt_record_new("pairing", "KVM clock pairing");
	kvt_row_i64(record->fields, "sec", pairing.sec);
	kvt_row_i64(record->fields, "nsec", pairing.nsec);
	kvt_row_mean(kvt_row_u64(record->fields, "tsc", pairing.tsc), "guest cycles");
	kvt_row_hex(record->fields, "flags", pairing.flags);
	utc = utc_text((uint64_t)pairing.sec, (uint32_t)pairing.nsec);
	kvt_row_mean(kvt_row_text(record->derived, "host_utc", utc),
		     "the host's clock at that TSC");
	return record;
}

static struct kvt_record *describe_vmclock(const guint8 *bytes, gsize size,
					   const struct kvt_page_context *context, int *ret_r)
{
	struct vmclock_abi abi;

	*ret_r = kvt_vmclock_decode(bytes, size, &abi);
	return *ret_r < 0 ? NULL : kvt_page_describe_vmclock(&abi, context);
}

struct kvt_record *kvt_page_describe(enum kvt_page_type type, const guint8 *bytes, gsize size,
				     const struct kvt_page_context *context, GError **error)
{
	struct kvt_record *(*const describe[KVT_PAGE_TYPES])(
		const guint8 *, gsize, const struct kvt_page_context *, int *) = {
		[KVT_PAGE_PVCLOCK] = describe_pvclock,
		[KVT_PAGE_WALL_CLOCK] = describe_wall_clock,
		[KVT_PAGE_STEAL_TIME] = describe_steal_time,
		[KVT_PAGE_VMCLOCK] = describe_vmclock,
		[KVT_PAGE_HYPERV] = describe_hyperv,
		[KVT_PAGE_XEN] = describe_xen,
		[KVT_PAGE_PAIRING] = describe_pairing,
	};
	int r;
	struct kvt_record *record = describe[type](bytes, size, context, &r);

	if (record == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
			    "%" G_GSIZE_FORMAT " bytes are no %s (%s): %s", size,
			    kvt_page_name(type), kvt_page_wants(type), kvt_strerror(r));
	return record;
}
