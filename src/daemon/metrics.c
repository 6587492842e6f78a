/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/metrics.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/prom.h"
#include "config.h"
#include "guests/host.h"

static bool is_bad(const struct kvt_guard_guest *guest)
{
	return guest->bad || guest->given_up ||
	       (guest->reach != KVT_REACH_OK && guest->reach != KVT_REACH_PAUSED);
}

/* ---- one guest ---- */

/* The columns: what stands in each, and for which guests. One list. */
struct column {
	const char *name, *type, *help;
	bool (*has)(const struct kvt_guard_guest *guest);
	void (*put)(GString *out, const struct kvt_guard_guest *guest, int64_t now_ns);
};

static bool is_measured(const struct kvt_guard_guest *guest)
{
	return guest->measured;
}

static bool has_residual(const struct kvt_guard_guest *guest)
{
	return guest->has_residual;
}

static void end_seconds(GString *out, int64_t ns)
{
	g_string_append_c(out, ' ');
	kvt_prom_seconds(out, ns);
	g_string_append_c(out, '\n');
}

#define SECONDS(function, value)                                                                \
	static void function(GString *out, const struct kvt_guard_guest *guest, int64_t now_ns) \
	{                                                                                       \
		(void)now_ns;                                                                   \
		end_seconds(out, value);                                                        \
	}
#define NUMBER(function, value)                                                                 \
	static void function(GString *out, const struct kvt_guard_guest *guest, int64_t now_ns) \
	{                                                                                       \
		(void)now_ns;                                                                   \
		kvt_prom_value(out, value);                                                     \
	}

SECONDS(put_offset, guest->offset.offset_ns)
SECONDS(put_bound, guest->offset.bound_ns)
SECONDS(put_age, now_ns - guest->measured_ns)
SECONDS(put_residual, guest->residual.offset_ns)
SECONDS(put_residual_bound, guest->residual.bound_ns)
SECONDS(put_corrected, guest->corrected_from.offset_ns)
NUMBER(put_corrections, guest->corrections)
NUMBER(put_failures, guest->failures)
NUMBER(put_silences, guest->silences)
NUMBER(put_bad, guest->bad)
NUMBER(put_given_up, guest->given_up)

static const struct column columns[] = {
	{ "kvmtime_guest_offset_seconds", "gauge",
	  "Guest's wall clock minus the host's, as measured last; positive = guest ahead.",
	  is_measured, put_offset },
	{ "kvmtime_guest_offset_bound_seconds", "gauge", "The offset is within this of the truth.",
	  is_measured, put_bound },
	{ "kvmtime_guest_offset_age_seconds", "gauge", "How long ago the offset was measured.",
	  is_measured, put_age },
	{ "kvmtime_guest_corrected_seconds", "gauge", "The offset before the last correction.",
	  has_residual, put_corrected },
	{ "kvmtime_guest_residual_seconds", "gauge", "The offset that the last correction left.",
	  has_residual, put_residual },
	{ "kvmtime_guest_residual_bound_seconds", "gauge",
	  "The residual is within this of the truth.", has_residual, put_residual_bound },
	{ "kvmtime_guest_corrections_total", "counter", "How often the guest's clock was set.",
	  NULL, put_corrections },
	{ "kvmtime_guest_correction_failures_total", "counter",
	  "Corrections that were refused, not confirmed, or did not help.", NULL, put_failures },
	{ "kvmtime_guest_unanswered_total", "counter", "Questions without an answer.", NULL,
	  put_silences },
	{ "kvmtime_guest_bad", "gauge", "The guest is wrong beyond its limit.", NULL, put_bad },
	{ "kvmtime_guest_given_up", "gauge",
	  "The guest was wrong again and again, and is left alone.", NULL, put_given_up },
};

static char *labels_of(const struct kvt_guard_guest *guest)
{
	GString *labels = g_string_new(NULL);

	kvt_prom_label(labels, "vm", guest->name);
	g_string_append_c(labels, ',');
	kvt_prom_label(labels, "vm_id", guest->id);
	return g_string_free(labels, FALSE);
}

static void put_column(GString *out, const struct column *column, const GPtrArray *guests,
		       char **labels, int64_t now_ns)
{
	const gsize width = strlen(column->name);

	kvt_prom_family(out, column->name, column->type, column->help);
	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guard_guest *guest = guests->pdata[i];

		if (column->has != NULL && !column->has(guest))
			continue;
		g_string_append_len(out, column->name, (gssize)width);
		g_string_append_c(out, '{');
		g_string_append(out, labels[i]);
		g_string_append_c(out, '}');
		column->put(out, guest, now_ns);
	}
}

static void put_status(GString *out, const GPtrArray *guests, char **labels)
{
	kvt_prom_family(out, "kvmtime_guest_info", "gauge",
			"How the guest is asked, and what came of it the last time.");
	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guard_guest *guest = guests->pdata[i];

		g_string_append(out, "kvmtime_guest_info{");
		g_string_append(out, labels[i]);
		g_string_append_printf(out, ",manager=\"%s\",status=\"%s\",transport=\"%s\"} 1\n",
				       guest->manager, kvt_reach_word(guest->reach),
				       guest->path != NULL ? guest->path : "");
	}
}

static GPtrArray *chosen(const struct kvt_guard *guard, enum kvt_per_guest per_guest)
{
	const GPtrArray *guests = kvt_guard_guests(guard);
	GPtrArray *some = g_ptr_array_sized_new(guests->len);

	for (guint i = 0; i < guests->len && per_guest != KVT_PER_GUEST_NONE; i++)
		if (per_guest == KVT_PER_GUEST_ALL || is_bad(guests->pdata[i]))
			g_ptr_array_add(some, guests->pdata[i]);
	return some;
}

static void put_guests(GString *out, const struct kvt_guard *guard, enum kvt_per_guest per_guest,
		       int64_t now_ns)
{
	g_autoptr(GPtrArray) guests = chosen(guard, per_guest);
	g_auto(GStrv) labels = g_new0(char *, guests->len + 1);

	if (guests->len == 0)
		return;
	for (guint i = 0; i < guests->len; i++)
		labels[i] = labels_of(guests->pdata[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(columns); i++)
		put_column(out, &columns[i], guests, labels, now_ns);
	put_status(out, guests, labels);
}

/* ---- all of them ---- */

static void put_number(GString *out, const char *name, const char *type, const char *help,
		       guint64 value)
{
	kvt_prom_family(out, name, type, help);
	g_string_append(out, name);
	kvt_prom_value(out, value);
}

static void put_time(GString *out, const char *name, const char *type, const char *help, int64_t ns)
{
	kvt_prom_family(out, name, type, help);
	g_string_append(out, name);
	end_seconds(out, ns);
}

static void put_fleet(GString *out, const struct kvt_guard *guard)
{
	const GPtrArray *guests = kvt_guard_guests(guard);
	guint64 by_reach[KVT_REACH_DENIED + 1] = { 0 }, bad = 0, given_up = 0;
	int64_t worst_ns = 0;

	for (guint i = 0; i < guests->len; i++) {
		const struct kvt_guard_guest *guest = guests->pdata[i];

		by_reach[guest->reach]++;
		bad += guest->bad;
		given_up += guest->given_up;
		if (guest->measured)
			worst_ns = MAX(worst_ns, ABS(guest->offset.offset_ns));
	}
	kvt_prom_family(out, "kvmtime_guests", "gauge",
			"Guests by what came of asking them the last time.");
	for (guint i = 0; i < G_N_ELEMENTS(by_reach); i++) {
		g_string_append_printf(out, "kvmtime_guests{status=\"%s\"}",
				       kvt_reach_word((enum kvt_reach)i));
		kvt_prom_value(out, by_reach[i]);
	}
	put_number(out, "kvmtime_guests_bad", "gauge", "Guests that are wrong beyond their limit.",
		   bad);
	put_number(out, "kvmtime_guests_given_up", "gauge",
		   "Guests that were wrong again and again, and are left alone.", given_up);
	put_time(out, "kvmtime_guests_worst_offset_seconds", "gauge",
		 "The largest offset of all guests, without its sign.", worst_ns);
}

static void put_events(GString *out, const struct kvt_guard *guard)
{
	const guint64 *events = kvt_guard_events(guard);

	kvt_prom_family(out, "kvmtime_events_total", "counter",
			"What happened to guests and to the host.");
	for (guint i = KVT_EVENT_FOUND; i < KVT_EVENT_DRIFTED; i++) {
		g_string_append_printf(out, "kvmtime_events_total{event=\"%s\"}",
				       kvt_guard_event_word((enum kvt_guard_event)i));
		kvt_prom_value(out, events[i]);
	}
}

/* ---- the daemon and the host ---- */

static int64_t cpu_ns(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static guint64 resident_bytes(void)
{
	g_autofree char *text = NULL;
	char *end;

	if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
		return 0;
	g_ascii_strtoull(text, &end, 10);
	return g_ascii_strtoull(end, NULL, 10) * (guint64)sysconf(_SC_PAGESIZE);
}

static void put_daemon(GString *out, const struct kvt_guard *guard,
		       const struct kvt_daemon_state *state)
{
	kvt_prom_family(out, "kvmtime_build_info", "gauge", "The version of kvmtimed.");
	g_string_append(out, "kvmtime_build_info{version=\"" KVT_VERSION "\"} 1\n");
	put_number(out, "kvmtime_corrections_total", "counter",
		   "Clocks that were set, of all guests.", state->corrections);
	put_number(out, "kvmtime_correction_failures_total", "counter",
		   "Corrections of all guests that were refused, not confirmed, or did not help.",
		   state->failures);
	put_number(out, "kvmtime_orders_in_flight", "gauge", "Guests that are being asked or set.",
		   kvt_guard_in_flight(guard));
	put_number(out, "kvmtime_config_reload_success", "gauge",
		   "The last configuration that was read is in force.", state->config_good);
	if (state->libvirt_asked)
		put_number(out, "kvmtime_libvirt_connected", "gauge",
			   "libvirt tells of its machines.", state->libvirt_connected);
	put_time(out, "process_cpu_seconds_total", "counter", "CPU time that kvmtimed has used.",
		 cpu_ns());
	put_number(out, "process_resident_memory_bytes", "gauge",
		   "Memory that kvmtimed has in use.", resident_bytes());
	put_time(out, "process_start_time_seconds", "gauge", "When kvmtimed was started.",
		 state->started_utc_ns);
}

static void put_host(GString *out, const struct kvt_daemon_state *state)
{
	struct kvt_host_state host;

	kvt_host_read(&host);
	if (host.known) {
		put_number(out, "kvmtime_host_clock_synchronised", "gauge",
			   "A time daemon keeps the host's clock: guests are set to it.",
			   host.synchronised);
		put_time(out, "kvmtime_host_clock_max_error_seconds", "gauge",
			 "The host clock's error is below this, as far as the kernel knows.",
			 host.max_error_ns);
	}
	if (state->host != NULL)
		kvt_prom_host(out, state->host);
	if (state->findings != NULL) {
		kvt_prom_findings(out, state->findings);
		put_time(out, "kvmtime_findings_age_seconds", "gauge",
			 "How long ago the host was judged.", state->now_ns - state->findings_ns);
	}
}

GString *kvt_metrics_text(const struct kvt_guard *guard, enum kvt_per_guest per_guest,
			  const struct kvt_daemon_state *state)
{
	const guint n = kvt_guard_guests(guard)->len;
	/* so that it need not grow: about 1.6 KiB a guest */
	GString *out = g_string_sized_new(per_guest == KVT_PER_GUEST_ALL ? 8192 + n * 1600 : 8192);

	put_daemon(out, guard, state);
	put_host(out, state);
	put_fleet(out, guard);
	put_events(out, guard);
	put_guests(out, guard, per_guest, state->now_ns);
	return out;
}
