/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/source.h"

#include <errno.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "sys/error.h"
#include "sys/ptp.h"
#include "sys/timepages.h"

#define S           INT64_C(1000000000)
#define RTC_EPOCH   "/sys/class/rtc/rtc0/since_epoch"
#define RTC_LOOK_US 2000
#define RTC_LOOKS   1500 /* an edge comes once a second; a loaded machine looks late */

void kvt_time_source_free(struct kvt_time_source *source)
{
	if (source == NULL)
		return;
	g_free(source->name);
	g_free(source->path);
	g_free(source);
}

static struct kvt_time_source *source_new(const struct kvt_root *root,
					  const struct kvt_calls *calls, const char *path)
{
	struct kvt_time_source *source = g_new0(struct kvt_time_source, 1);

	source->root = root;
	source->calls = calls;
	source->path = g_strdup(path);
	return source;
}

/* ---- PTP ---- */

/* Clocks that show the host's UTC; a network card's runs in TAI and is chronyd's business. */
static bool shows_host(const struct kvt_phc *phc)
{
	static const char *const names[] = { "KVM virtual PTP", "hyperv", "ptp_vmw" };

	for (gsize i = 0; phc->clock_name != NULL && i < G_N_ELEMENTS(names); i++)
		if (strcmp(phc->clock_name, names[i]) == 0)
			return true;
	return false;
}

static bool read_ptp(struct kvt_time_source *source, struct kvt_time_reading *ret_reading,
		     GError **error)
{
	g_autoptr(GPtrArray) all = kvt_phc_list(source->root, source->calls);

	for (guint i = 0; i < all->len; i++) {
		const struct kvt_phc *phc = all->pdata[i];

		if (strcmp(phc->path, source->path) != 0)
			continue;
		if (phc->method == KVT_PHC_NONE) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s", phc->path,
				    phc->reason);
			return false;
		}
		ret_reading->offset_ns = phc->offset_ns;
		ret_reading->bound_ns = (int64_t)MIN(phc->bound_ns, (uint64_t)INT64_MAX / 4);
		return true;
	}
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: gone", source->path);
	return false;
}

static struct kvt_time_source *find_ptp(const struct kvt_root *root, const struct kvt_calls *calls,
					GString *why)
{
	g_autoptr(GPtrArray) all = kvt_phc_list(root, calls);
	struct kvt_time_source *source = NULL;

	for (guint i = 0; i < all->len && source == NULL; i++) {
		const struct kvt_phc *phc = all->pdata[i];

		if (!shows_host(phc) || phc->method == KVT_PHC_NONE) {
			g_string_append_printf(why, "; %s: %s", phc->path,
					       shows_host(phc) ? phc->reason
							       : "not the host's clock");
			continue;
		}
		source = source_new(root, calls, phc->path);
		source->name = g_strdup_printf("%s (%s)", phc->path, phc->clock_name);
		source->is_ptp = source->may_declare = true;
		source->read = read_ptp;
		source->interval_us = G_USEC_PER_SEC;
		source->step_ns = 500000;
	}
	if (all->len == 0)
		g_string_append(why, "; no /dev/ptp* (module ptp_kvm)");
	return source;
}

/* ---- VMClock ---- */

static bool read_vmclock(struct kvt_time_source *source, struct kvt_time_reading *ret_reading,
			 GError **error)
{
	g_autoptr(GPtrArray) all = kvt_vmclock_list(source->root, source->calls);

	for (guint i = 0; i < all->len; i++) {
		const struct kvt_vmclock_device *device = all->pdata[i];

		if (strcmp(device->path, source->path) != 0 || !device->compared)
			continue;
		ret_reading->offset_ns = device->difference_ns;
		ret_reading->bound_ns = (int64_t)MIN(device->bound_ns, (uint64_t)INT64_MAX / 4);
		return true;
	}
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: tells no time now", source->path);
	return false;
}

static struct kvt_time_source *find_vmclock(const struct kvt_root *root,
					    const struct kvt_calls *calls, GString *why)
{
	g_autoptr(GPtrArray) all = kvt_vmclock_list(root, calls);
	struct kvt_time_source *source = NULL;

	for (guint i = 0; i < all->len && source == NULL; i++) {
		const struct kvt_vmclock_device *device = all->pdata[i];

		if (!device->compared) {
			g_string_append_printf(why, "; %s: tells no time", device->path);
			continue;
		}
		source = source_new(root, calls, device->path);
		source->name = g_strdup_printf("%s (VMClock)", device->path);
		source->may_declare = true;
		source->read = read_vmclock;
		source->interval_us = G_USEC_PER_SEC;
		source->step_ns = 500000;
	}
	if (all->len == 0)
		g_string_append(why, "; no /dev/vmclock*");
	return source;
}

/* ---- the RTC ---- */

struct kvt_time_reading kvt_rtc_reading(int64_t second, int64_t before_ns, int64_t after_ns)
{
	const int64_t middle_ns = before_ns + (after_ns - before_ns) / 2;

	return (struct kvt_time_reading){ .offset_ns = second * S + S / 2 - middle_ns,
					  .bound_ns = S / 2 + (after_ns - before_ns) / 2 + 1 };
}

static int64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * S + now.tv_nsec;
}

static bool look_at_rtc(const struct kvt_time_source *source, int64_t *ret_second)
{
	g_autofree char *text = kvt_root_line(source->root, source->path);
	gint64 second;

	if (text == NULL ||
	    !g_ascii_string_to_signed(text, 10, 0, G_MAXINT32 * INT64_C(4), &second, NULL))
		return false;
	*ret_second = second;
	return true;
}

static bool read_rtc(struct kvt_time_source *source, struct kvt_time_reading *ret_reading,
		     GError **error)
{
	int64_t second, last, before_ns = realtime_ns();

	if (look_at_rtc(source, &last))
		for (guint i = 0; i < RTC_LOOKS; i++) {
			int64_t now_ns;

			g_usleep(RTC_LOOK_US);
			now_ns = realtime_ns();
			if (!look_at_rtc(source, &second))
				break;
			if (second ==
			    last + 1) { /* more: the machine stood still between two looks */
				*ret_reading = kvt_rtc_reading(second, before_ns, realtime_ns());
				return true;
			}
			last = second;
			before_ns = now_ns;
		}
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: it does not tick", source->path);
	return false;
}

static bool is_local_time(const struct kvt_root *root)
{
	g_autofree char *text = kvt_root_read(root, "/etc/adjtime", 4096, NULL, NULL);

	return text != NULL && strstr(text, "LOCAL") != NULL;
}

static struct kvt_time_source *find_rtc(const struct kvt_root *root, const struct kvt_calls *calls,
					GString *why)
{
	struct kvt_time_source *source = source_new(root, calls, RTC_EPOCH);
	int64_t second;

	if (!look_at_rtc(source, &second) || is_local_time(root)) {
		g_string_append_printf(why, "; %s: %s", RTC_EPOCH,
				       is_local_time(root) ? "it keeps local time"
							   : "cannot be read");
		kvt_time_source_free(source);
		return NULL;
	}
	source->name = g_strdup("/dev/rtc0 (RTC)");
	source->read = read_rtc;
	source->interval_us = 5 * G_USEC_PER_SEC;
	source->step_ns = S / 10;
	return source;
}

struct kvt_time_source *kvt_time_source_best(const struct kvt_root *root,
					     const struct kvt_calls *calls, GError **error)
{
	g_autoptr(GString) why = g_string_new(NULL);
	struct kvt_time_source *source = find_ptp(root, calls, why);

	if (source == NULL)
		source = find_vmclock(root, calls, why);
	if (source == NULL)
		source = find_rtc(root, calls, why);
	if (source == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "nothing shows the host's time%s",
			    why->str);
	return source;
}

/* ---- the clock ---- */

static bool adjust(struct timex *timex, const char *what, GError **error)
{
	if (adjtimex(timex) >= 0)
		return true;
	kvt_error_errno(error, what, errno);
	return false;
}

bool kvt_clock_step(int64_t ns, GError **error)
{
	/* the kernel wants the fraction not negative */
	const int64_t fraction_ns = ((ns % S) + S) % S;
	struct timex timex = { .modes = ADJ_SETOFFSET | ADJ_NANO,
			       .time.tv_sec = (time_t)((ns - fraction_ns) / S),
			       .time.tv_usec = (suseconds_t)fraction_ns };

	return adjust(&timex, "setting the clock", error);
}

bool kvt_clock_set_rate(int64_t ppb, GError **error)
{
	struct timex timex = { .modes = ADJ_FREQUENCY, .freq = (long)(ppb * 65536 / 1000) };

	return adjust(&timex, "setting the clock's rate", error);
}

void kvt_clock_declare(int64_t max_error_ns)
{
	struct timex timex = { .modes = 0 };

	if (adjtimex(&timex) < 0)
		return;
	timex.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR;
	timex.status &= ~STA_UNSYNC;
	timex.maxerror = timex.esterror = (long)(max_error_ns / 1000 + 1);
	adjtimex(&timex);
}
