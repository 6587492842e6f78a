/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a host: KVM's module parameters and what its services do to guests' time. */
#include <string.h>

#include "check/machine.h"

static const struct {
	const char *name;
	const char *path;
} flags[] = {
	{ "kvm.ignore_msrs", "/sys/module/kvm/parameters/ignore_msrs" },
	{ "kvm.kvmclock_periodic_sync", "/sys/module/kvm/parameters/kvmclock_periodic_sync" },
	{ "kvm.tsc_scaling", "/sys/module/kvm_amd/parameters/tsc_scaling" },
};

static const struct {
	const char *name;
	const char *path;
} numbers[] = {
	{ "kvm.min_timer_period_us", "/sys/module/kvm/parameters/min_timer_period_us" },
	{ "kvm.tsc_tolerance_ppm", "/sys/module/kvm/parameters/tsc_tolerance_ppm" },
};

static void read_parameters(const struct kvt_reader *reader)
{
	for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
		g_autofree char *value = kvt_read_line(reader, flags[i].path, flags[i].name, true);

		if (value != NULL)
			kvt_facts_set_bool(reader->facts, reader->who, flags[i].name,
					   value[0] == 'Y' || value[0] == '1', flags[i].path);
	}
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		g_autofree char *value =
			kvt_read_line(reader, numbers[i].path, numbers[i].name, true);

		if (value != NULL)
			kvt_facts_set_int(reader->facts, reader->who, numbers[i].name,
					  g_ascii_strtoll(value, NULL, 10), numbers[i].path);
	}
}

/* A loaded module with a user: each open VM holds one. A kernel without modules does not say. */
static void read_use(const struct kvt_reader *reader)
{
	static const char *const paths[] = { "/sys/module/kvm_intel/refcnt",
					     "/sys/module/kvm_amd/refcnt" };

	kvt_facts_set_unknown(reader->facts, reader->who, "kvm.in_use", false,
			      "KVM is built in: it has no use count");
	for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autofree char *count = kvt_root_line(reader->root, paths[i]);

		if (count != NULL)
			kvt_facts_set_bool(reader->facts, reader->who, "kvm.in_use",
					   g_ascii_strtoll(count, NULL, 10) > 0, paths[i]);
	}
}

static void read_libvirt_guests(const struct kvt_reader *reader)
{
	static const char *const paths[] = { "/etc/sysconfig/libvirt-guests",
					     "/etc/default/libvirt-guests" };

	if (!kvt_read_covers(reader, "/etc"))
		return;
	kvt_facts_set_absent(reader->facts, reader->who, "libvirt_guests.on_shutdown",
			     "no libvirt-guests configuration");
	kvt_facts_set_absent(reader->facts, reader->who, "libvirt_guests.sync_time",
			     "no libvirt-guests configuration");
	for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autofree char *text = kvt_read_file(reader, paths[i]);
		g_autofree char *shutdown = NULL, *sync = NULL, *source = NULL;
		guint line = 0, sync_line = 0;

		if (text == NULL)
			continue;
		shutdown = kvt_read_setting(text, "ON_SHUTDOWN", &line);
		sync = kvt_read_setting(text, "SYNC_TIME", &sync_line);
		source = line > 0 ? g_strdup_printf("%s:%u", paths[i], line) : g_strdup(paths[i]);
		/* libvirt-guests' own default */
		kvt_facts_set_text(reader->facts, reader->who, "libvirt_guests.on_shutdown",
				   shutdown != NULL ? shutdown : "suspend", source);
		kvt_facts_set_bool(reader->facts, reader->who, "libvirt_guests.sync_time",
				   sync != NULL && strcmp(sync, "1") == 0, paths[i]);
		return;
	}
}

static void read_tuned(const struct kvt_reader *reader)
{
	g_autofree char *profile =
		kvt_read_line(reader, "/etc/tuned/active_profile", "tuned.profile", true);

	if (profile != NULL)
		kvt_facts_set_text(reader->facts, reader->who, "tuned.profile", profile,
				   "/etc/tuned/active_profile");
}

void kvt_read_kvm(const struct kvt_reader *reader)
{
	read_parameters(reader);
	read_use(reader);
	read_libvirt_guests(reader);
	read_tuned(reader);
}
