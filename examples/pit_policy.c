/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM's timer loop with kvmtime's PIT and a lost tick policy; the program plays the guest too.
 * That runs at 100 Hz for three seconds, loses its CPU for two, and catches up.
 *
 *     cc -o pit_policy pit_policy.c -lkvmtime
 *
 * In a VMM of your own, "inject" is an edge on IRQ 0, "acknowledge" is what KVM's resamplefd or
 * your PIC's EOI tells, and clock_ns is the clock that your timers sleep on.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <kvmtime/devices/i8254.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static uint64_t clock_ns; /* the simulated clock: nothing here sleeps */

/* ---- the guest's side ---- */

struct guest {
	bool runs;      /* the host gives it a CPU */
	bool interrupt; /* IRQ 0 waits in its PIC */
	unsigned ticks;
};

static void guest_programs_100_hz(struct kvt_i8254 *pit)
{
	const unsigned count = KVT_I8254_HZ / 100;

	kvt_i8254_out(pit, 3, 0x34, clock_ns); /* channel 0, both bytes, mode 2 */
	kvt_i8254_out(pit, 0, count & 0xff, clock_ns);
	kvt_i8254_out(pit, 0, (uint8_t)(count >> 8), clock_ns);
}

/* ---- the VMM's side ---- */

/* The guest takes its interrupt if it can; its EOI is the acknowledge. */
static void run_guest(struct guest *guest, struct kvt_i8254 *pit)
{
	if (!guest->runs || !guest->interrupt)
		return;
	guest->interrupt = false;
	guest->ticks++;
	kvt_ticks_ack(&pit->ticks);
}

static void run_until(struct guest *guest, struct kvt_i8254 *pit, uint64_t end_ns)
{
	uint64_t next_ns;

	for (;;) {
		run_guest(guest, pit);
		while (kvt_i8254_run(pit, clock_ns)) {
			guest->interrupt = true; /* inject */
			run_guest(guest, pit);
		}
		next_ns = kvt_i8254_next_ns(pit); /* sleep until then: timerfd, ppoll, ... */
		if (next_ns > end_ns)
			break;
		if (next_ns > clock_ns)
			clock_ns = next_ns;
	}
	clock_ns = end_ns;
}

static void report(const char *when, const struct guest *guest, const struct kvt_i8254 *pit)
{
	printf("%-28s true %5.2f s, guest %5.2f s, %3u ticks owed\n", when, (double)clock_ns / 1e9,
	       guest->ticks / 100.0, (unsigned)kvt_ticks_backlog(&pit->ticks));
}

int main(void)
{
	/* 50 % faster than normal until nothing is owed */
	const struct kvt_ticks_config policy = { .policy = KVT_TICK_CATCHUP, .slew_percent = 150 };
	struct guest guest = { .runs = true };
	struct kvt_i8254 pit;

	if (kvt_i8254_init(&pit, &policy, clock_ns) != 0)
		return 1;
	guest_programs_100_hz(&pit);
	run_until(&guest, &pit, 3 * S);
	report("it ran all the time", &guest, &pit);
	guest.runs = false;
	run_until(&guest, &pit, 5 * S);
	report("the host took the CPU away", &guest, &pit);
	guest.runs = true;
	run_until(&guest, &pit, 7 * S);
	report("it catches up", &guest, &pit);
	run_until(&guest, &pit, 12 * S);
	report("it has caught up", &guest, &pit);
	return kvt_ticks_backlog(&pit.ticks) == 0 && guest.ticks + 1 >= 1200 ? 0 : 1;
}
