/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hostwatch.h"

#include <sys/timerfd.h>
#include <unistd.h>

static int64_t size(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

struct kvt_host_news kvt_hostwatch_look(struct kvt_hostwatch *watch, int64_t mono_ns,
					int64_t boot_ns, int64_t utc_ns)
{
	const int64_t sleep_ns = boot_ns - mono_ns, epoch_ns = utc_ns - boot_ns;
	struct kvt_host_news news = { 0, 0 };

	if (watch->begun) {
		if (sleep_ns - watch->sleep_ns >= KVT_HOST_SLEPT_NS)
			news.slept_ns = sleep_ns - watch->sleep_ns;
		if (size(epoch_ns - watch->epoch_ns) >= KVT_HOST_STEPPED_NS)
			news.stepped_ns = epoch_ns - watch->epoch_ns;
	}
	*watch = (struct kvt_hostwatch){ true, sleep_ns, epoch_ns };
	return news;
}

int kvt_hostwatch_timer(void)
{
	const int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		kvt_hostwatch_rearm(fd);
	return fd;
}

void kvt_hostwatch_rearm(int fd)
{
	/* a time that never comes: only the cancellation matters */
	const struct itimerspec never = { .it_value = { .tv_sec = INT64_C(0x7fffffff) << 8 } };
	uint64_t ticks;

	(void)!read(fd, &ticks, sizeof(ticks));
	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}
