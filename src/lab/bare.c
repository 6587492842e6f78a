/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/bare.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <kvmtime/devices/i8254.h>

#include "lab/guest/guest.h"
#include "lab/host.h"
#include "sys/error.h"

#define SLICE_NS (50 * LAB_MS) /* the guest is left at least so often, to look at the clock */

struct bare {
	struct lab_vcpu *vcpu;
	struct kvt_i8254 pit;
	bool pending; /* a tick fell due that the guest could not take yet */
	struct lab_bare_counts counts;
};

static void pit_access(void *context, bool write, uint16_t port, unsigned int size, uint32_t *value)
{
	struct bare *bare = context;

	(void)size;
	if (write)
		kvt_i8254_out(&bare->pit, port - 0x40u, (uint8_t)*value, (uint64_t)lab_mono());
	else
		*value = kvt_i8254_in(&bare->pit, port - 0x40u, (uint64_t)lab_mono());
}

/* While one tick waits no other is asked for: what falls due meanwhile is the policy's. */
static bool deliver(struct bare *bare, GError **error)
{
	struct kvm_run *run = bare->vcpu->run;
	struct kvm_interrupt vector = { .irq = VECTOR_IRQ0 };
	const uint64_t now_ns = (uint64_t)lab_mono();

	bare->pending = bare->pending || kvt_i8254_run(&bare->pit, now_ns);
	run->request_interrupt_window = bare->pending && !run->ready_for_interrupt_injection;
	if (!bare->pending || !run->ready_for_interrupt_injection)
		return true;
	if (!lab_vcpu_ioctl(bare->vcpu, KVM_INTERRUPT, &vector, "KVM_INTERRUPT", error))
		return false;
	kvt_ticks_outcome(&bare->pit.ticks, KVT_TICK_DELIVERED, now_ns);
	kvt_ticks_ack(&bare->pit.ticks);
	bare->pending = false;
	bare->counts.injected++;
	return true;
}

static int64_t next_ns(const struct bare *bare, int64_t limit_ns)
{
	const uint64_t next = kvt_i8254_next_ns(&bare->pit);

	return next < (uint64_t)limit_ns ? (int64_t)next : limit_ns;
}

/* One stay in the guest, until the next tick at most. */
static bool stay(struct bare *bare, enum lab_stop *ret_stop, uint32_t *ret_event, GError **error)
{
	const int64_t limit_ns = lab_mono() + SLICE_NS;

	if (!deliver(bare, error))
		return false;
	if (!lab_vcpu_run_until(bare->vcpu, bare->pending ? limit_ns : next_ns(bare, limit_ns),
				ret_stop, ret_event, error))
		return false;
	bare->counts.windows += *ret_stop == LAB_STOP_WINDOW;
	if (*ret_stop == LAB_STOP_HALTED) {
		bare->counts.halts++;
		if (!bare->pending)
			lab_sleep_until(next_ns(bare, limit_ns));
	}
	return true;
}

static bool run_job(struct bare *bare, int64_t run_ns, GError **error)
{
	const int64_t start_ns = lab_mono();

	for (;;) {
		enum lab_stop stop = LAB_STOP_KICKED;
		uint32_t event = 0;

		if (!stay(bare, &stop, &event, error))
			return false;
		if (stop == LAB_STOP_EVENT && event == LAB_EVENT_DONE)
			return true;
		if (lab_mono() > start_ns + run_ns)
			lab_mailbox(bare->vcpu->vm)->stop = 1;
		if (lab_mono() > start_ns + run_ns + LAB_TIMEOUT_NS) {
			g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
				    "the guest without an interrupt controller did not end");
			return false;
		}
	}
}

bool lab_bare_run(struct lab_vm *vm, int64_t run_ns, struct lab_bare_counts *ret, GError **error)
{
	const struct kvt_ticks_config config = { .policy = KVT_TICK_REPLAY };
	struct bare bare = { .vcpu = &vm->vcpus[0] };
	const struct lab_port port = { 0x40, 0x43, pit_access, &bare };
	bool ok;

	kvt_i8254_init(&bare.pit, &config, (uint64_t)lab_mono());
	lab_port_add(vm, &port);
	lab_mailbox(vm)->no_lapic = 1;
	ok = lab_vcpu_expect(bare.vcpu, LAB_TIMEOUT_NS, LAB_EVENT_READY, error) &&
	     run_job(&bare, run_ns, error);
	vm->ports_count--; /* its context ends here */
	if (ok && ret != NULL)
		*ret = bare.counts;
	return ok;
}
