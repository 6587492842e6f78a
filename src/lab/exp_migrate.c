/* SPDX-License-Identifier: BSD-2-Clause */
/* Save a guest in one process and restore it in another; what did its clock do? */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kvmtime/abi/kvm.h>
#include <kvmtime/pvclock.h>
#include <kvmtime/tsc.h>

#include "lab/host.h"
#include "lab/lab.h"
#include "sys/error.h"

#define DOWN_NS (100 * LAB_MS)
#define MSR_TSC 0x10u

enum way { WAY_RIGHT, WAY_VALUE_ONLY, WAY_NONE };

static const uint32_t msr_list[] = { MSR_TSC, MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_WALL_CLOCK_NEW,
				     MSR_KVM_STEAL_TIME };

/* Everything that goes from one process to the other, in memory that both share. */
struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp;
	struct kvm_vcpu_events events;
	struct kvm_clock_data clock;
	uint64_t msrs[G_N_ELEMENTS(msr_list)];
	uint64_t offset;                    /* guest TSC minus host TSC at the source */
	struct pvclock_vcpu_time_info page; /* of the source: where time would have gone on */
	/* from the destination */
	int done;
	double jump_ns;  /* by the destination's page, against the source's page */
	double guest_ns; /* by the guest's own reading */
	double guest_bound_ns;
	uint32_t flags_seen;
	bool offset_set; /* the TSC offset took effect */
	char message[256];
	uint8_t memory[LAB_MEMORY_SIZE];
};

static bool save(struct lab_vm *vm, struct state *state, GError **error)
{
	struct lab_vcpu *vcpu = &vm->vcpus[0];

	if (!lab_vcpu_ioctl(vcpu, KVM_GET_REGS, &state->regs, "KVM_GET_REGS", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_GET_SREGS, &state->sregs, "KVM_GET_SREGS", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_GET_LAPIC, &state->lapic, "KVM_GET_LAPIC", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &state->mp, "KVM_GET_MP_STATE", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_GET_VCPU_EVENTS, &state->events, "KVM_GET_VCPU_EVENTS",
			    error))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(msr_list); i++)
		if (!lab_vcpu_get_msr(vcpu, msr_list[i], &state->msrs[i], error))
			return false;
	if (!lab_vm_ioctl(vm, KVM_GET_CLOCK, &state->clock, "KVM_GET_CLOCK", error) ||
	    !lab_tsc_offset(vcpu, &state->offset, error))
		return false;
	if (kvt_pvclock_snapshot(lab_clock_page(vm, 0), &state->page) != 0)
		return false;
	memcpy(state->memory, lab_memory(vm, 0, LAB_MEMORY_SIZE), LAB_MEMORY_SIZE);
	return true;
}

/* The guest's counter goes on where it would have been: the host's runs on, the offset stays. */
static void restore_tsc(struct lab_vm *vm, struct state *state)
{
	uint64_t back = 0;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uintptr_t)&state->offset };

	if (ioctl(vm->vcpus[0].fd, KVM_SET_DEVICE_ATTR, &attr) == 0) {
		attr.addr = (uintptr_t)&back;
		state->offset_set = ioctl(vm->vcpus[0].fd, KVM_GET_DEVICE_ATTR, &attr) == 0 &&
				    back == state->offset;
	}
}

static bool restore_vcpu(struct lab_vm *vm, struct state *state, enum way way, GError **error)
{
	struct lab_vcpu *vcpu = &vm->vcpus[0];

	memcpy(lab_memory(vm, 0, LAB_MEMORY_SIZE), state->memory, LAB_MEMORY_SIZE);
	if (!lab_vcpu_ioctl(vcpu, KVM_SET_SREGS, &state->sregs, "KVM_SET_SREGS", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_SET_REGS, &state->regs, "KVM_SET_REGS", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_SET_LAPIC, &state->lapic, "KVM_SET_LAPIC", error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_SET_VCPU_EVENTS, &state->events, "KVM_SET_VCPU_EVENTS",
			    error) ||
	    !lab_vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &state->mp, "KVM_SET_MP_STATE", error))
		return false;
	if (way == WAY_RIGHT)
		restore_tsc(vm, state);
	for (size_t i = 0; i < G_N_ELEMENTS(msr_list); i++)
		/* the counter goes by its offset in the right way: a value would be late already */
		if (!(way == WAY_RIGHT && state->offset_set && msr_list[i] == MSR_TSC) &&
		    !lab_vcpu_set_msr(vcpu, msr_list[i], state->msrs[i], error))
			return false;
	return true;
}

/* After the counter, and last of all: the clock is put where it is now, by the host's date. */
static bool restore_clock(struct lab_vm *vm, const struct state *state, enum way way,
			  GError **error)
{
	struct kvm_clock_data clock = state->clock;

	if (way == WAY_NONE)
		return true;
	clock.flags = way == WAY_RIGHT ? clock.flags & KVM_CLOCK_REALTIME : 0;
	return lab_vm_ioctl(vm, KVM_SET_CLOCK, &clock, "KVM_SET_CLOCK", error);
}

static bool judge(struct lab_vm *vm, struct state *state, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(vm);
	uint64_t offset = 0, now, here_ns = 0, there_ns = 0, low_ns = 0, high_ns = 0;

	if (!lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error) ||
	    !lab_tsc_offset(&vm->vcpus[0], &offset, error))
		return false;
	now = kvt_tsc_ordered();
	if (lab_page_ns(vm, 0, offset, now, &here_ns) != 0 ||
	    kvt_pvclock_ns(&state->page, now + state->offset, &there_ns) != 0 ||
	    kvt_pvclock_ns(&state->page, box->sample_cycles_before - offset + state->offset,
			   &low_ns) != 0 ||
	    kvt_pvclock_ns(&state->page, box->sample_cycles_after - offset + state->offset,
			   &high_ns) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "a clock page cannot be read");
		return false;
	}
	state->jump_ns = (double)(int64_t)(here_ns - there_ns);
	state->guest_ns = (double)(int64_t)(box->sample_ns - low_ns) / 2 +
			  (double)(int64_t)(box->sample_ns - high_ns) / 2;
	state->guest_bound_ns = (double)(high_ns - low_ns) / 2;
	state->flags_seen = box->flags_seen;
	return true;
}

/* The other process. */
static void destination(struct state *state, enum way way)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	g_autoptr(GError) error = NULL;
	struct lab_vm *vm = lab_vm_new(&options, &error);

	state->done = vm != NULL && restore_vcpu(vm, state, way, &error) &&
		      restore_clock(vm, state, way, &error) && judge(vm, state, &error);
	if (error != NULL)
		g_strlcpy(state->message, error->message, sizeof(state->message));
	_exit(0);
}

static bool move(struct state *state, enum way way, double *ret_down_ns, GError **error)
{
	struct lab_vm *vm = lab_clock_vm(1, error);
	int64_t start_ns;
	bool ok;
	pid_t child;
	int status;

	if (vm == NULL)
		return false;
	/* past the rewrite that KVM does of every new page */
	lab_sleep_until(lab_mono() + 120 * LAB_MS);
	ok = lab_vcpu_expect(&vm->vcpus[0], LAB_TIMEOUT_NS, LAB_EVENT_SAMPLE, error) &&
	     save(vm, state, error);
	start_ns = lab_mono();
	lab_vm_free(vm);
	if (!ok)
		return false;
	state->done = 0;
	state->message[0] = '\0';
	lab_sleep_until(start_ns + DOWN_NS);
	*ret_down_ns = (double)(lab_mono() - start_ns);
	child = fork();
	if (child == 0)
		destination(state, way);
	if (child < 0 || waitpid(child, &status, 0) != child || !state->done) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "the restoring process: %s",
			    child < 0                   ? g_strerror(errno)
			    : state->message[0] != '\0' ? state->message
							: "it died");
		return false;
	}
	return true;
}

static bool right_way(struct lab_context *context, struct lab_result *result, struct state *state,
		      GError **error)
{
	double down_ns;

	if (!(context->machine.clock_flags & KVM_CLOCK_REALTIME)) {
		lab_measure(result, "jump_right", 0, 0, "ns", LAB_UNKNOWN,
			    "KVM_CLOCK_REALTIME is not offered here (Linux before 5.16)");
		return true;
	}
	if (!move(state, WAY_RIGHT, &down_ns, error))
		return false;
	lab_measure(
		result, "jump_right", state->jump_ns, 1, "ns",
		fabs(state->jump_ns) < 5000 ? LAB_GOOD : LAB_BAD,
		"counter by its offset%s, MSRs, then KVM_SET_CLOCK with KVM_CLOCK_REALTIME, after "
		"%.0f ms without the guest",
		state->offset_set ? "" : " (which does not take effect here)", down_ns / 1e6);
	lab_measure(result, "jump_right_guest", state->guest_ns, state->guest_bound_ns, "ns",
		    fabs(state->guest_ns) < 5000 + state->guest_bound_ns ? LAB_GOOD : LAB_BAD,
		    "the same by the guest's own reading");
	return true;
}

static bool naive_ways(struct lab_result *result, struct state *state, GError **error)
{
	double down_ns;

	if (!move(state, WAY_VALUE_ONLY, &down_ns, error))
		return false;
	lab_measure(
		result, "jump_naive", state->jump_ns, 0, "ns", LAB_INFO,
		"KVM_SET_CLOCK with the saved value alone: behind by the %.1f ms of downtime and "
		"the time that the restore took",
		down_ns / 1e6);
	lab_control(result, state->jump_ns < -0.9 * down_ns && state->jump_ns > -3 * down_ns - 1e9,
		    "a restore that forgets the downtime", "%+.1f ms seen after %.1f ms",
		    state->jump_ns / 1e6, down_ns / 1e6);
	if (!move(state, WAY_NONE, &down_ns, error))
		return false;
	lab_measure(result, "jump_none", state->jump_ns, 0, "ns", LAB_INFO,
		    "no KVM_SET_CLOCK at all: the clock starts anew with the VM");
	return true;
}

bool lab_migrate_run(struct lab_context *context, struct lab_result *result, GError **error)
{
	struct state *state;
	const struct lab_measure *right, *naive;
	bool ok;

	if (!context->machine.host_page) {
		lab_skip(result, "the host cannot read the guest's page here");
		return true;
	}
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (state == MAP_FAILED) {
		kvt_error_errno(error, "shared memory", errno);
		return false;
	}
	ok = right_way(context, result, state, error) && naive_ways(result, state, error);
	munmap(state, sizeof(*state));
	if (!ok)
		return false;
	right = lab_result_find(result, "jump_right");
	naive = lab_result_find(result, "jump_naive");
	lab_sentence(result,
		     "A restore in another process jumps by %+.3g us done right, by %+.1f ms "
		     "done naively",
		     right->value / 1e3, naive->value / 1e6);
	return true;
}
