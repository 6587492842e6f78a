/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include <kvmtime/scale.h>

#include "clock/page.h"

static const char *const counters[] = { "ARM virtual counter", "x86 TSC" };
static const char *const time_types[] = { "UTC", "TAI", "monotonic", "smeared UTC (not valid)",
					  "smeared (not valid)" };
static const char *const statuses[] = { "unknown", "initializing", "synchronized", "free-running",
					"unreliable" };

static void mean_of(struct kvt_row *row, const char *const *words, gsize count, uint64_t value)
{
	if (value < count)
		kvt_row_mean(row, "%s", words[value]);
	else
		kvt_row_warn(row, "not a value of this interface");
}

static void add_fields(GPtrArray *fields, const struct vmclock_abi *abi)
{
	struct kvt_row *row;

	kvt_row_int(fields, "size", abi->size);
	kvt_row_int(fields, "version", abi->version);
	row = kvt_row_int(fields, "counter_id", abi->counter_id);
	if (abi->counter_id == VMCLOCK_COUNTER_INVALID)
		kvt_row_warn(row, "no counter: the region tells no time");
	else
		mean_of(row, counters, G_N_ELEMENTS(counters), abi->counter_id);
	mean_of(kvt_row_int(fields, "time_type", abi->time_type), time_types,
		G_N_ELEMENTS(time_types), abi->time_type);
	kvt_row_mean(kvt_row_int(fields, "seq_count", abi->seq_count), "even: settled");
	kvt_row_mean(kvt_row_u64(fields, "disruption_marker", abi->disruption_marker),
		     "another value after every migration or restore");
	kvt_row_hex(fields, "flags", abi->flags);
	row = kvt_row_int(fields, "clock_status", abi->clock_status);
	mean_of(row, statuses, G_N_ELEMENTS(statuses), abi->clock_status);
	kvt_row_int(fields, "leap_second_smearing_hint", abi->leap_second_smearing_hint);
	kvt_row_i64(fields, "tai_offset_sec", abi->tai_offset_sec);
	kvt_row_int(fields, "leap_indicator", abi->leap_indicator);
	kvt_row_int(fields, "counter_period_shift", abi->counter_period_shift);
	kvt_row_u64(fields, "counter_value", abi->counter_value);
	kvt_row_u64(fields, "counter_period_frac_sec", abi->counter_period_frac_sec);
	kvt_row_u64(fields, "counter_period_esterror_rate_frac_sec",
		    abi->counter_period_esterror_rate_frac_sec);
	kvt_row_u64(fields, "counter_period_maxerror_rate_frac_sec",
		    abi->counter_period_maxerror_rate_frac_sec);
	kvt_row_u64(fields, "time_sec", abi->time_sec);
	kvt_row_u64(fields, "time_frac_sec", abi->time_frac_sec);
	kvt_row_u64(fields, "time_esterror_nanosec", abi->time_esterror_nanosec);
	kvt_row_u64(fields, "time_maxerror_nanosec", abi->time_maxerror_nanosec);
	if ((abi->flags & VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT) != 0)
		kvt_row_u64(fields, "vm_generation_counter", abi->vm_generation_counter);
}

static void add_derived(GPtrArray *derived, const struct vmclock_abi *abi,
			const struct kvt_page_context *context)
{
	struct kvt_vmclock_time time;
	g_autofree char *value = NULL;
	uint64_t hz;

	if (kvt_vmclock_hz(abi, &hz) == 0)
		kvt_row_double(derived, "counter_khz", (double)hz / 1e3);
	/* of a dump: at the moment of the record itself */
	if (kvt_vmclock_time(abi,
			     context->tsc_cycles != 0 ? context->tsc_cycles : abi->counter_value,
			     &time) < 0) {
		kvt_row_warn(
			kvt_row_text(derived, "time", "none"),
			"the region tells no time now: no counter, no period, or a status that "
			"says so");
		return;
	}
	value = g_strdup_printf("%" PRIu64 ".%09u", time.sec, kvt_vmclock_frac_ns(time.frac_q64));
	kvt_row_mean(kvt_row_text(derived, "time", value), "s since the epoch, %s",
		     context->tsc_cycles != 0 ? "now" : "at counter_value");
	if (time.maxerror_known && time.maxerror_ns <= INT64_MAX)
		kvt_row_mean(kvt_row_ns(derived, "maxerror_ns", (int64_t)time.maxerror_ns),
			     "at most, says the host");
}

static void add_flag(GPtrArray *flags, const struct vmclock_abi *abi, uint64_t bit,
		     const char *name, const char *set, const char *clear, bool warns_if_set)
{
	const bool is_set = (abi->flags & bit) != 0;
	struct kvt_row *row = kvt_row_bool(flags, name, is_set);

	if (is_set && warns_if_set)
		kvt_row_warn(row, "%s", set);
	else
		kvt_row_mean(row, "%s", is_set ? set : clear);
}

static void add_flags(GPtrArray *flags, const struct vmclock_abi *abi)
{
	const uint64_t known = (VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT << 1) - 1;

	add_flag(flags, abi, VMCLOCK_FLAG_TAI_OFFSET_VALID, "tai_offset_valid",
		 "tai_offset_sec is right", "tai_offset_sec means nothing", false);
	add_flag(flags, abi, VMCLOCK_FLAG_DISRUPTION_SOON, "disruption_soon",
		 "the VM will be migrated or the like within a day",
		 "no migration announced for the next hours", true);
	add_flag(flags, abi, VMCLOCK_FLAG_DISRUPTION_IMMINENT, "disruption_imminent",
		 "the VM will be migrated or the like within the hour",
		 "no migration announced for the next minutes", true);
	add_flag(flags, abi, VMCLOCK_FLAG_PERIOD_ESTERROR_VALID, "period_esterror_valid",
		 "the rate's estimated error is stated", "the rate's estimated error is not stated",
		 false);
	add_flag(flags, abi, VMCLOCK_FLAG_PERIOD_MAXERROR_VALID, "period_maxerror_valid",
		 "the rate's maximum error is stated", "the rate's maximum error is not stated",
		 false);
	add_flag(flags, abi, VMCLOCK_FLAG_TIME_ESTERROR_VALID, "time_esterror_valid",
		 "the time's estimated error is stated", "the time's estimated error is not stated",
		 false);
	add_flag(flags, abi, VMCLOCK_FLAG_TIME_MAXERROR_VALID, "time_maxerror_valid",
		 "the time's maximum error is stated", "the time's maximum error is not stated",
		 false);
	add_flag(flags, abi, VMCLOCK_FLAG_TIME_MONOTONIC, "time_monotonic",
		 "updates never set the time back", "an update may set the time back", false);
	add_flag(flags, abi, VMCLOCK_FLAG_VM_GEN_COUNTER_PRESENT, "vm_gen_counter_present",
		 "vm_generation_counter tells restores from migrations",
		 "restores cannot be told from migrations", false);
	if ((abi->flags & ~known) != 0)
		kvt_row_warn(kvt_row_hex(flags, "unknown", abi->flags & ~known),
			     "bits that this program does not know");
}

struct kvt_record *kvt_page_describe_vmclock(const struct vmclock_abi *abi,
					     const struct kvt_page_context *context)
{
	struct kvt_record *record = kvt_record_new("vmclock", "VMClock region");

	add_fields(record->fields, abi);
	add_derived(record->derived, abi, context);
	add_flags(record->flags, abi);
	return record;
}
