/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/ptp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <string.h>
#include <time.h>

#include <kvmtime/scale.h>

#define SAMPLES  10 /* of the kernel's, in one call */
#define ATTEMPTS 32 /* of our own */

static void phc_free(gpointer data)
{
	struct kvt_phc *phc = data;

	g_free(phc->path);
	g_free(phc->clock_name);
	g_free(phc->reason);
	g_free(phc);
}

const char *kvt_phc_method_text(enum kvt_phc_method method)
{
	switch (method) {
	case KVT_PHC_PRECISE:
		return "both clocks at one counter value";
	case KVT_PHC_EXTENDED:
		return "the kernel's clock around the PHC, narrowest of its samples";
	case KVT_PHC_GETTIME:
		return "CLOCK_REALTIME around the PHC, narrowest of our samples";
	case KVT_PHC_NONE:
		break;
	}
	return "not read";
}

static int64_t ns_of(const struct ptp_clock_time *time)
{
	return time->sec * (int64_t)KVT_NS_PER_S + time->nsec;
}

/* A sample between two readings of CLOCK_REALTIME, taken if its window is the narrowest. */
static void take(struct kvt_phc *phc, enum kvt_phc_method method, int64_t before_ns, int64_t phc_ns,
		 int64_t after_ns)
{
	const int64_t window_ns = after_ns - before_ns;
	uint64_t bound_ns;

	if (window_ns < 0) /* the clock was stepped in between */
		return;
	bound_ns = ((uint64_t)window_ns + 1) / 2 + 1;
	if (phc->method == method && bound_ns >= phc->bound_ns)
		return;
	phc->method = method;
	phc->bound_ns = bound_ns;
	phc->phc_ns = phc_ns;
	phc->realtime_ns = before_ns + window_ns / 2;
	phc->offset_ns = phc_ns - phc->realtime_ns;
}

static int by_precise(struct kvt_phc *phc, const struct kvt_calls *calls, int fd)
{
	struct ptp_sys_offset_precise precise = { 0 };
	const int r = calls->ioctl(calls->context, fd, PTP_SYS_OFFSET_PRECISE, &precise);

	if (r < 0)
		return r;
	take(phc, KVT_PHC_PRECISE, ns_of(&precise.sys_realtime), ns_of(&precise.device),
	     ns_of(&precise.sys_realtime));
	return 0;
}

static int by_extended(struct kvt_phc *phc, const struct kvt_calls *calls, int fd)
{
	struct ptp_sys_offset_extended extended = { .n_samples = SAMPLES };
	const int r = calls->ioctl(calls->context, fd, PTP_SYS_OFFSET_EXTENDED, &extended);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < MIN(extended.n_samples, SAMPLES); i++)
		take(phc, KVT_PHC_EXTENDED, ns_of(&extended.ts[i][0]), ns_of(&extended.ts[i][1]),
		     ns_of(&extended.ts[i][2]));
	return phc->method == KVT_PHC_NONE ? -EIO : 0;
}

/* The kernel's number for the clock behind a descriptor: the complement above three tag bits. */
static clockid_t clock_of(int fd)
{
	return (clockid_t)(~(unsigned)fd << 3 | 3);
}

static int by_gettime(struct kvt_phc *phc, const struct kvt_calls *calls, int fd)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		int64_t before_ns, phc_ns, after_ns;
		int r = calls->clock(calls->context, CLOCK_REALTIME, &before_ns);

		if (r == 0)
			r = calls->clock(calls->context, clock_of(fd), &phc_ns);
		if (r == 0)
			r = calls->clock(calls->context, CLOCK_REALTIME, &after_ns);
		if (r < 0)
			return r;
		take(phc, KVT_PHC_GETTIME, before_ns, phc_ns, after_ns);
	}
	return phc->method == KVT_PHC_NONE ? -EIO : 0;
}

static void read_phc(struct kvt_phc *phc, const struct kvt_calls *calls)
{
	const int fd = calls->open(calls->context, phc->path, O_RDONLY);
	int r = fd;

	if (fd >= 0) {
		r = by_precise(phc, calls, fd);
		if (r < 0)
			r = by_extended(phc, calls, fd);
		if (r < 0)
			r = by_gettime(phc, calls, fd);
		calls->close(calls->context, fd);
	}
	if (r >= 0)
		return;
	phc->method = KVT_PHC_NONE;
	phc->refused = r == -EACCES || r == -EPERM;
	phc->reason = g_strdup(calls == &kvt_calls_none ? "recorded machine" : g_strerror(-r));
}

static gint by_number(gconstpointer a, gconstpointer b)
{
	const struct kvt_phc *const *left = a, *const *right = b;
	const gsize prefix = strlen("/dev/ptp");

	return (gint)g_ascii_strtoll((*left)->path + prefix, NULL, 10) -
	       (gint)g_ascii_strtoll((*right)->path + prefix, NULL, 10);
}

/* "ptp" and a number; ptp_kvm and the like are links to one of these */
static bool is_phc(const char *name)
{
	const gsize digits = g_str_has_prefix(name, "ptp") ? strspn(name + 3, "0123456789") : 0;

	return digits > 0 && digits < 6 && name[3 + digits] == '\0';
}

static void add_from(GPtrArray *phcs, const struct kvt_root *root, const char *folder)
{
	g_autoptr(GPtrArray) names = kvt_root_list(root, folder);

	for (guint i = 0; names != NULL && i < names->len; i++) {
		g_autofree char *path = g_strdup_printf("/dev/%s", (const char *)names->pdata[i]);
		bool known = !is_phc(names->pdata[i]);

		for (guint p = 0; p < phcs->len && !known; p++)
			known = strcmp(((struct kvt_phc *)phcs->pdata[p])->path, path) == 0;
		if (!known) {
			struct kvt_phc *phc = g_new0(struct kvt_phc, 1);
			g_autofree char *name_path = g_strdup_printf("/sys/class/ptp/%s/clock_name",
								     (const char *)names->pdata[i]);

			phc->path = g_steal_pointer(&path);
			phc->clock_name = kvt_root_line(root, name_path);
			g_ptr_array_add(phcs, phc);
		}
	}
}

GPtrArray *kvt_phc_list(const struct kvt_root *root, const struct kvt_calls *calls)
{
	GPtrArray *phcs = g_ptr_array_new_with_free_func(phc_free);

	add_from(phcs, root, "/dev");
	add_from(phcs, root,
		 "/sys/class/ptp"); /* one whose node is missing is there all the same */
	g_ptr_array_sort(phcs, by_number);
	for (guint i = 0; i < phcs->len; i++)
		read_phc(phcs->pdata[i], calls);
	return phcs;
}
