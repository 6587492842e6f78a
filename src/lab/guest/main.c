/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry, interrupt table, clock and jobs of the bare guest. */
#include <kvmtime/guest.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>

#include "lab/guest/guest.h"

extern const uint8_t stubs[];

struct gate {
	uint16_t offset0;
	uint16_t selector;
	uint16_t type;
	uint16_t offset16;
#ifdef __x86_64__
	uint32_t offset32;
	uint32_t zero;
#endif
};

static struct gate gates[VECTORS];

void interrupts_setup(void)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) pointer = { sizeof(gates) - 1, (uintptr_t)gates };

	for (uint32_t i = 0; i < VECTORS; i++) {
		const uintptr_t stub = (uintptr_t)stubs + 16 * i;

		gates[i].offset0 = (uint16_t)stub;
		gates[i].selector = 0x08;
		gates[i].type = 0x8e00; /* present, interrupt gate */
		gates[i].offset16 = (uint16_t)(stub >> 16);
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void interrupt(uint32_t vector, uintptr_t pc)
{
	if (vector >= VECTOR_IRQ0) {
		device_interrupt(vector);
		return;
	}
	mailbox()->fault_vector = vector;
	mailbox()->fault_pc = pc;
	for (;;)
		event(LAB_EVENT_EXCEPTION);
}

/* ---- clock ---- */

static volatile struct pvclock_vcpu_time_info *clock_page(unsigned int vcpu)
{
	return (volatile struct pvclock_vcpu_time_info *)(uintptr_t)(LAB_CLOCK_GPA + 64 * vcpu);
}

static void cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	(void)context;
	__asm__ volatile("cpuid"
			 : "=a"(ret[0]), "=b"(ret[1]), "=c"(ret[2]), "=d"(ret[3])
			 : "a"(leaf), "c"(0));
}

static void wall_and_steal(unsigned int vcpu)
{
	volatile struct lab_mailbox *box = mailbox();
	struct pvclock_wall_clock wall;
	uint64_t steal_ns = 0;

	if (kvt_steal_read((volatile struct kvm_steal_time *)(uintptr_t)(LAB_STEAL_GPA + 64 * vcpu),
			   &steal_ns) == 0)
		box->steal_ns = steal_ns;
	if (kvt_wall_clock_snapshot((volatile struct pvclock_wall_clock *)(uintptr_t)LAB_WALL_GPA,
				    &wall) == 0) {
		box->wall_sec = wall.sec;
		box->wall_nsec = wall.nsec;
	}
}

bool clock_setup(unsigned int vcpu)
{
	const struct kvt_guest_records records = {
		.system_time_gpa = LAB_CLOCK_GPA + 64 * vcpu,
		.steal_time_gpa = LAB_STEAL_GPA + 64 * vcpu,
		.wall_clock_gpa = vcpu == 0 ? LAB_WALL_GPA : 0,
	};
	struct kvt_guest_records wanted = records;
	struct kvt_guest_features features;
	struct kvt_guest_write writes[KVT_GUEST_WRITES];
	size_t number;

	if (kvt_guest_find(cpuid, NULL, &features) != 0 || !features.clock)
		return false;
	if (!features.steal_time)
		wanted.steal_time_gpa = 0;
	if (kvt_guest_writes(&features, KVT_GUEST_START, &wanted, writes, &number) != 0)
		return false;
	for (size_t i = 0; i < number; i++) {
		if ((mailbox()->use_flags & LAB_FLAG_MSR_OLD) &&
		    writes[i].msr == MSR_KVM_SYSTEM_TIME_NEW)
			writes[i].msr = MSR_KVM_SYSTEM_TIME;
		wrmsr(writes[i].msr, writes[i].value);
	}
	return true;
}

uint64_t clock_ns(unsigned int vcpu)
{
	uint64_t ns = 0;

	mailbox()->clock_error = kvt_pvclock_read(clock_page(vcpu), &ns);
	return ns;
}

void clock_sample(unsigned int vcpu)
{
	volatile struct lab_mailbox *box = mailbox();

	box->sample_cycles_before = kvt_tsc_ordered();
	box->sample_ns = clock_ns(vcpu);
	box->sample_cycles_after = kvt_tsc_ordered();
	box->flags_seen = clock_page(vcpu)->flags;
	if (kvt_pvclock_take_stopped(clock_page(vcpu)))
		box->stopped_seen++;
	wall_and_steal(vcpu);
}

/* ---- jobs ---- */

void relax(void)
{
	uint32_t rounds = 200;

	if (mailbox()->busy)
		__asm__ volatile("1: decl %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
	else
		__asm__ volatile("hlt" : : : "memory");
}

static void job_ticks(void)
{
	volatile struct lab_mailbox *box = mailbox();

	clock_sample(0);
	chips_setup((enum lab_route)box->route);
	if (!device_start((enum lab_device)box->device))
		return;
	event(LAB_EVENT_READY);
	__asm__ volatile("sti" : : : "memory");
	while (!box->stop)
		relax();
	__asm__ volatile("cli" : : : "memory");
	clock_sample(0);
}

static void job_spin(void)
{
	volatile struct lab_mailbox *box = mailbox();
	uint64_t last = clock_ns(0);

	event(LAB_EVENT_READY);
	while (!box->stop) {
		const uint64_t now = clock_ns(0);

		if (kvt_pvclock_take_stopped(clock_page(0)))
			box->stopped_seen++;
		if (now < last) {
			box->back_count++;
			if (last - now > box->back_max_ns)
				box->back_max_ns = last - now;
		} else if (now - last > box->step_max_ns)
			box->step_max_ns = now - last;
		last = now;
		box->spin_reads++;
	}
	clock_sample(0);
}

/* One lock orders the readings of all vCPUs; a reading before the last one's is a warp. */
static void job_warp(unsigned int vcpu)
{
	volatile struct lab_mailbox *box = mailbox();

	event(LAB_EVENT_READY);
	for (uint32_t i = 0; i < box->rounds; i++) {
		uint64_t now;

		while (__atomic_exchange_n(&box->warp_lock, 1, __ATOMIC_ACQUIRE) != 0)
			__asm__ volatile("pause");
		now = clock_ns(vcpu);
		if (now < box->warp_last_ns) {
			box->warps++;
			if (box->warp_last_ns - now > box->warp_max_ns)
				box->warp_max_ns = box->warp_last_ns - now;
		}
		box->warp_last_ns = now;
		__atomic_store_n(&box->warp_lock, 0, __ATOMIC_RELEASE);
	}
	__atomic_add_fetch(&box->warp_done, 1, __ATOMIC_ACQ_REL);
}

static void access_port(uint64_t entry)
{
	const uint16_t port = (uint16_t)entry;
	const uint32_t value = (uint32_t)(entry >> 32);
	const bool write = entry >> 16 & 1;

	switch (entry >> 20 & 7) {
	case 1:
		write ? out8(port, (uint8_t)value) : (void)in8(port);
		return;
	case 2:
		write ? out16(port, (uint16_t)value) : (void)in16(port);
		return;
	default:
		write ? out32(port, value) : (void)in32(port);
	}
}

static void job_ports(void)
{
	const volatile uint64_t *list = (const volatile uint64_t *)(uintptr_t)LAB_LOG_GPA;

	chips_setup(LAB_ROUTE_PIC);
	irq_unmask(0);
	irq_unmask(8);
	event(LAB_EVENT_READY);
	__asm__ volatile("sti" : : : "memory");
	for (uint32_t i = 0; i < mailbox()->rounds && i < LAB_LOG_ENTRIES; i++)
		access_port(list[i]);
	__asm__ volatile("cli" : : : "memory");
}

static void job_fault(uint32_t job)
{
	struct {
		uint16_t limit;
		uintptr_t base;
	} __attribute__((packed)) nothing = { 0, 0 };

	if (job == LAB_JOB_WILD)
		((void (*)(void))(uintptr_t)0xc0000000u)();
	if (job == LAB_JOB_TRIPLE) {
		__asm__ volatile("lidt %0\n\tud2" : : "m"(nothing));
	}
	for (;;)
		__asm__ volatile("" : : : "memory");
}

void job_run(unsigned int vcpu)
{
	switch (mailbox()->job) {
	case LAB_JOB_CLOCK:
		for (;;) {
			if (mailbox()->again)
				clock_setup(vcpu);
			mailbox()->again = 0;
			clock_sample(vcpu);
			event(LAB_EVENT_SAMPLE);
		}
	case LAB_JOB_SELFTEST:
		selftest();
		break;
	case LAB_JOB_TICKS:
		job_ticks();
		break;
	case LAB_JOB_WARP:
		job_warp(vcpu);
		break;
	case LAB_JOB_SPIN:
		job_spin();
		break;
	case LAB_JOB_PORTS:
		job_ports();
		break;
	case LAB_JOB_POPCNT:
		__asm__ volatile(".byte 0xf3, 0x0f, 0xb8, 0xc0" : : : "eax", "cc");
		break;
	default:
		job_fault(mailbox()->job);
	}
}

#ifdef __x86_64__
void guest_main(unsigned int vcpu);

void guest_main(unsigned int vcpu)
{
	interrupts_setup();
	if (!clock_setup(vcpu))
		event(LAB_EVENT_NO_CLOCK);
	job_run(vcpu);
	for (;;)
		event(LAB_EVENT_DONE);
}
#endif

/* The compiler may call these for what it finds in the code above and in core. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		((uint8_t *)to)[i] = (uint8_t)byte;
		__asm__ volatile("" : : : "memory");
	}
	return to;
}
