/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <kvmtime/error.h>

#include "cli/clock.h"
#include "cli/json.h"

#define SCHEMA "kvmtime.clock/1"
#define EXACT  (UINT64_C(1) << 53) /* a number in JSON keeps integers below this */

static void add_row(JsonBuilder *builder, const struct kvt_row *row)
{
	switch (row->kind) {
	case KVT_ROW_INT:
		kvt_json_int(builder, row->name, (int64_t)row->u64);
		return;
	case KVT_ROW_HEX:
		if (row->u64 < EXACT)
			kvt_json_int(builder, row->name, (int64_t)row->u64);
		else
			kvt_json_u64(builder, row->name, row->u64);
		return;
	case KVT_ROW_U64:
		kvt_json_u64(builder, row->name, row->u64);
		return;
	case KVT_ROW_I64:
	case KVT_ROW_NS:
		kvt_json_i64(builder, row->name, row->i64);
		return;
	case KVT_ROW_DOUBLE:
		kvt_json_double(builder, row->name, row->number);
		return;
	case KVT_ROW_BOOL:
		kvt_json_bool(builder, row->name, row->u64 != 0);
		return;
	case KVT_ROW_TEXT:
		kvt_json_string(builder, row->name, row->text);
		return;
	}
}

static void begin_object(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
}

static void begin_array(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
}

static void add_rows(JsonBuilder *builder, const char *name, const GPtrArray *rows)
{
	begin_object(builder, name);
	for (guint i = 0; i < rows->len; i++)
		add_row(builder, rows->pdata[i]);
	json_builder_end_object(builder);
}

static void add_meanings(JsonBuilder *builder, const struct kvt_record *record)
{
	const GPtrArray *const lists[] = { record->fields, record->derived, record->flags };

	begin_object(builder, "meanings");
	for (guint l = 0; l < G_N_ELEMENTS(lists); l++)
		for (guint i = 0; i < lists[l]->len; i++) {
			const struct kvt_row *row = lists[l]->pdata[i];
			g_autofree char *name =
				g_strdup_printf("%s%s", l == 2 ? "flags." : "", row->name);

			if (row->meaning != NULL)
				kvt_json_string(builder, name, row->meaning);
		}
	json_builder_end_object(builder);
}

static void add_record(JsonBuilder *builder, const struct kvt_record *record)
{
	kvt_json_string(builder, "type", record->type);
	kvt_json_string(builder, "title", record->title);
	add_rows(builder, "fields", record->fields);
	add_rows(builder, "derived", record->derived);
	add_rows(builder, "flags", record->flags);
	add_meanings(builder, record);
}

static void add_machine(JsonBuilder *builder, const struct kvt_live *live)
{
	kvt_json_string(builder, "hypervisor",
			live->hypervisor[0] != '\0' ? kvt_clock_hypervisor(live) : NULL);
	begin_object(builder, "clocksource");
	kvt_json_string(builder, "current", live->clocksource);
	begin_array(builder, "available");
	for (guint i = 0; live->clocksources != NULL && live->clocksources[i] != NULL; i++)
		json_builder_add_string_value(builder, live->clocksources[i]);
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	begin_object(builder, "tsc");
	if (live->khz != 0) {
		kvt_json_int(builder, "kernel_khz", (int64_t)live->khz);
		kvt_json_string(builder, "source", live->khz_source);
	} else {
		json_builder_set_member_name(builder, "kernel_khz");
		json_builder_add_null_value(builder);
		kvt_json_string(builder, "source", NULL);
	}
	json_builder_end_object(builder);
}

static void add_vcpus(JsonBuilder *builder, const struct kvt_live *live)
{
	begin_array(builder, "vcpus");
	for (guint i = 0; i < live->vcpus->len; i++) {
		const struct kvt_live_vcpu *vcpu = &g_array_index(live->vcpus, struct kvt_live_vcpu, i);

		json_builder_begin_object(builder);
		kvt_json_int(builder, "vcpu", vcpu->vcpu);
		kvt_json_int(builder, "version", vcpu->ti.version);
		kvt_json_u64(builder, "tsc_timestamp", vcpu->ti.tsc_timestamp);
		kvt_json_u64(builder, "system_time", vcpu->ti.system_time);
		kvt_json_int(builder, "tsc_to_system_mul", vcpu->ti.tsc_to_system_mul);
		kvt_json_int(builder, "tsc_shift", vcpu->ti.tsc_shift);
		kvt_json_int(builder, "flags", vcpu->ti.flags);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	kvt_json_bool(builder, "vcpus_in_step", kvt_live_in_step(live));
}

static void add_clocks(JsonBuilder *builder, const struct kvt_live *live)
{
	begin_array(builder, "clocks");
	for (int i = 0; i < KVT_LIVE_CLOCKS; i++) {
		const struct kvt_live_clock *clock = &live->clocks[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "clock", clock->name);
		kvt_json_string(builder, "error", clock->error < 0 ? kvt_strerror(clock->error) : NULL);
		if (clock->error == 0) {
			kvt_json_i64(builder, "clock_ns", clock->pair.clock_ns);
			kvt_json_u64(builder, "page_ns", clock->pair.page_ns);
			kvt_json_i64(builder, "page_minus_clock_ns", clock->pair.difference_ns);
			kvt_json_u64(builder, "bound_ns", clock->pair.bound_ns);
		}
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_pvclock(JsonBuilder *builder, const struct kvt_live *live)
{
	begin_object(builder, "pvclock");
	kvt_json_string(builder, "state", kvt_clock_page_state(live));
	kvt_json_string(builder, "reason",
			live->page.reason != NULL ? live->page.reason :
			live->error < 0		  ? kvt_strerror(live->error) :
						    NULL);
	if (live->pvclock != NULL) {
		kvt_json_string(builder, "mapping",
				live->page.mapping[0] != '\0' ? live->page.mapping : NULL);
		kvt_json_int(builder, "page", live->page.page);
		add_record(builder, live->pvclock);
		add_clocks(builder, live);
		add_vcpus(builder, live);
	}
	json_builder_end_object(builder);
}

static void add_vmclocks(JsonBuilder *builder, const struct kvt_live *live)
{
	begin_array(builder, "vmclock");
	for (guint i = 0; i < live->vmclocks->len; i++) {
		const struct kvt_vmclock_device *device = live->vmclocks->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "device", device->path);
		kvt_json_string(builder, "reason", device->reason);
		if (device->reason == NULL)
			add_record(builder, live->vmclock_records->pdata[i]);
		if (device->compared) {
			kvt_json_i64(builder, "minus_realtime_ns", device->difference_ns);
			kvt_json_u64(builder, "bound_ns", device->bound_ns);
		}
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_phcs(JsonBuilder *builder, const struct kvt_live *live)
{
	static const char *const methods[] = { "none", "precise", "extended", "gettime" };

	begin_array(builder, "phc");
	for (guint i = 0; i < live->phcs->len; i++) {
		const struct kvt_phc *phc = live->phcs->pdata[i];

		json_builder_begin_object(builder);
		kvt_json_string(builder, "device", phc->path);
		kvt_json_string(builder, "clock_name", phc->clock_name);
		kvt_json_string(builder, "method", methods[phc->method]);
		kvt_json_string(builder, "reason", phc->reason);
		if (phc->method != KVT_PHC_NONE) {
			kvt_json_i64(builder, "phc_ns", phc->phc_ns);
			kvt_json_i64(builder, "realtime_ns", phc->realtime_ns);
			kvt_json_i64(builder, "minus_realtime_ns", phc->offset_ns);
			kvt_json_u64(builder, "bound_ns", phc->bound_ns);
		}
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void kvt_clock_json_live(const struct kvt_live *live, bool pretty)
{
	JsonBuilder *builder = kvt_json_begin(SCHEMA, "/", kvt_live_complete(live));

	add_machine(builder, live);
	add_pvclock(builder, live);
	add_vmclocks(builder, live);
	add_phcs(builder, live);
	kvt_json_int(builder, "refused", live->refused);
	kvt_json_end(builder, pretty);
}

void kvt_clock_json_record(const struct kvt_record *record, const char *file, gsize size,
			   const char *how)
{
	JsonBuilder *builder = kvt_json_begin(SCHEMA, file, true);

	begin_object(builder, "decoded");
	kvt_json_int(builder, "bytes", (int64_t)size);
	kvt_json_string(builder, "recognised_by", how);
	add_record(builder, record);
	json_builder_end_object(builder);
	kvt_json_end(builder, true);
}
