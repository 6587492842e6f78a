/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM_RUN under a watchdog, and what its exits mean. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/host.h"
#include "lab/vm.h"
#include "sys/error.h"

#define KICK SIGUSR1

/* Of the vCPU that this thread runs; the signal's handler asks it to come back. */
static __thread struct kvm_run *volatile running;

static void on_kick(int number)
{
	(void)number;
	if (running != NULL)
		running->immediate_exit = 1;
}

static void handle_kicks(void)
{
	static gsize done;

	if (g_once_init_enter(&done)) {
		struct sigaction action = { .sa_handler = on_kick };

		sigemptyset(&action.sa_mask);
		sigaction(KICK, &action, NULL);
		g_once_init_leave(&done, 1);
	}
}

void lab_vcpu_kick(struct lab_vcpu *vcpu, pthread_t thread)
{
	vcpu->run->immediate_exit = 1;
	pthread_kill(thread, KICK);
}

/* ---- watchdog: a timer of this thread ---- */

static __thread timer_t watchdog;
static __thread bool have_watchdog;

static bool watchdog_start(int64_t timeout_ns, GError **error)
{
	/* again every 10 ms, should the first signal fall before KVM_RUN's own check */
	const struct itimerspec when = {
		.it_value = { timeout_ns / 1000000000, timeout_ns % 1000000000 },
		.it_interval = { 0, 10000000 },
	};
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK };

	if (!have_watchdog) {
		event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
		if (timer_create(CLOCK_MONOTONIC, &event, &watchdog) != 0) {
			kvt_error_errno(error, "watchdog timer", errno);
			return false;
		}
		have_watchdog = true;
	}
	timer_settime(watchdog, 0, &when, NULL);
	return true;
}

static void watchdog_stop(void)
{
	const struct itimerspec never = { 0 };

	timer_settime(watchdog, 0, &never, NULL);
}

void lab_vcpu_thread_ends(void)
{
	if (have_watchdog)
		timer_delete(watchdog);
	have_watchdog = false;
}

/* ---- what went wrong ---- */

static void fault(struct lab_vcpu *vcpu, GError **error, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

static void fault(struct lab_vcpu *vcpu, GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	struct kvm_regs regs = { 0 };
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "vCPU %u: %s (rip 0x%llx, rsp 0x%llx)",
		    vcpu->index, what, regs.rip, regs.rsp);
}

/* What KVM hands out with an error that is not about an instruction. */
static void other_internal_error(struct lab_vcpu *vcpu, GError **error)
{
	const struct kvm_run *run = vcpu->run;
	const uint32_t number =
		MIN(run->internal.ndata, (uint32_t)G_N_ELEMENTS(run->internal.data));
	g_autoptr(GString) data = g_string_new(NULL);

	for (uint32_t i = 0; i < number; i++)
		g_string_append_printf(data, "%s%llx", i > 0 ? " " : ", data ",
				       run->internal.data[i]);
	fault(vcpu, error, "KVM internal error %u%s", run->internal.suberror, data->str);
}

static void internal_error(struct lab_vcpu *vcpu, GError **error)
{
	const struct kvm_run *run = vcpu->run;
	g_autoptr(GString) bytes = g_string_new(NULL);

	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
		other_internal_error(vcpu, error);
		return;
	}
	if (run->emulation_failure.ndata >= 1 &&
	    (run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		for (unsigned int i = 0; i < MIN(run->emulation_failure.insn_size, 15u); i++)
			g_string_append_printf(bytes, " %02x",
					       run->emulation_failure.insn_bytes[i]);
	fault(vcpu, error, "KVM cannot emulate the instruction%s",
	      bytes->len > 0 ? bytes->str : " (it did not say which)");
}

static void guest_exception(struct lab_vcpu *vcpu, GError **error)
{
	volatile struct lab_mailbox *box = lab_mailbox(vcpu->vm);

	fault(vcpu, error, "the guest took exception %u at 0x%" G_GINT64_MODIFIER "x",
	      box->fault_vector, box->fault_pc);
}

void lab_exit_fault(struct lab_vcpu *vcpu, GError **error)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		fault(vcpu, error, "triple fault");
		return;
	case KVM_EXIT_INTERNAL_ERROR:
		internal_error(vcpu, error);
		return;
	case KVM_EXIT_FAIL_ENTRY:
		fault(vcpu, error, "the processor refused the guest's state, reason 0x%llx",
		      run->fail_entry.hardware_entry_failure_reason);
		return;
	default:
		fault(vcpu, error, "unexpected exit %u", run->exit_reason);
	}
}

/* ---- exits ---- */

static void port_access(struct lab_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const bool write = run->io.direction == KVM_EXIT_IO_OUT;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	const unsigned int size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		uint32_t value = 0xffffffff;
		bool known = false;

		if (write)
			value = 0, memcpy(&value, data, MIN(size, 4));
		for (unsigned int p = 0; p < vcpu->vm->ports_count && !known; p++) {
			const struct lab_port *port = &vcpu->vm->ports[p];

			known = run->io.port >= port->first && run->io.port <= port->last;
			if (known)
				port->access(port->context, write, run->io.port, size, &value);
		}
		vcpu->vm->unknown_ports += !known;
		if (!write)
			memcpy(data, &value, MIN(size, 4));
	}
}

static bool is_event(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == LAB_PORT &&
	       run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 4;
}

enum outcome { GO_ON, COME_BACK, FAILED };

static enum outcome take_event(struct lab_vcpu *vcpu, enum lab_stop *ret_stop, uint32_t *ret_event,
			       GError **error)
{
	uint32_t event;

	memcpy(&event, (uint8_t *)vcpu->run + vcpu->run->io.data_offset, 4);
	if (event == LAB_EVENT_EXCEPTION) {
		guest_exception(vcpu, error);
		return FAILED;
	}
	if (event == LAB_EVENT_NO_CLOCK) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "KVM offers its guests no kvm-clock here");
		return FAILED;
	}
	*ret_stop = LAB_STOP_EVENT;
	if (ret_event != NULL)
		*ret_event = event;
	return COME_BACK;
}

static enum outcome take_exit(struct lab_vcpu *vcpu, enum lab_stop *ret_stop, uint32_t *ret_event,
			      GError **error)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (is_event(run))
			return take_event(vcpu, ret_stop, ret_event, error);
		port_access(vcpu);
		return GO_ON;
	case KVM_EXIT_MMIO:
		/* no memory there: reads as ones */
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		return GO_ON;
	case KVM_EXIT_IOAPIC_EOI:
		return GO_ON;
	case KVM_EXIT_HLT:
		*ret_stop = LAB_STOP_HALTED;
		return COME_BACK;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		*ret_stop = LAB_STOP_WINDOW;
		return COME_BACK;
	default:
		lab_exit_fault(vcpu, error);
		return FAILED;
	}
}

/* How long a run may last, and whether it is an error if it does. */
struct limit {
	int64_t start_ns;
	int64_t timeout_ns;
	bool is_slice;
};

/* The run was interrupted: by the watchdog, or by lab_vcpu_kick(). */
static enum outcome interrupted(struct lab_vcpu *vcpu, const struct limit *limit,
				enum lab_stop *ret_stop, GError **error)
{
	vcpu->run->immediate_exit = 0;
	if (limit->is_slice || lab_mono() - limit->start_ns < limit->timeout_ns) {
		*ret_stop = LAB_STOP_KICKED;
		return COME_BACK;
	}
	fault(vcpu, error, "the guest said nothing within %.3g s", (double)limit->timeout_ns / 1e9);
	return FAILED;
}

static enum outcome run_once(struct lab_vcpu *vcpu, const struct limit *limit,
			     enum lab_stop *ret_stop, uint32_t *ret_event, GError **error)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return interrupted(vcpu, limit, ret_stop, error);
		/* an internal error can come as an errno with the exit filled in */
		fault(vcpu, error, "KVM_RUN: %s", g_strerror(errno));
		return FAILED;
	}
	return take_exit(vcpu, ret_stop, ret_event, error);
}

static bool run_limited(struct lab_vcpu *vcpu, const struct limit *limit, enum lab_stop *ret_stop,
			uint32_t *ret_event, GError **error)
{
	enum outcome outcome = GO_ON;

	handle_kicks();
	running = vcpu->run;
	if (!watchdog_start(limit->timeout_ns, error))
		return false;
	/* a guest that leaves again and again is told by the clock, not by the signal alone */
	while (outcome == GO_ON)
		outcome = run_once(vcpu, limit, ret_stop, ret_event, error);
	watchdog_stop();
	running = NULL;
	return outcome == COME_BACK;
}

bool lab_vcpu_run(struct lab_vcpu *vcpu, int64_t timeout_ns, enum lab_stop *ret_stop,
		  uint32_t *ret_event, GError **error)
{
	const struct limit limit = { lab_mono(), timeout_ns, false };

	return run_limited(vcpu, &limit, ret_stop, ret_event, error);
}

bool lab_vcpu_run_until(struct lab_vcpu *vcpu, int64_t mono_ns, enum lab_stop *ret_stop,
			uint32_t *ret_event, GError **error)
{
	const int64_t now_ns = lab_mono();
	/* a timer that is set to nothing would never come */
	const struct limit limit = { now_ns, MAX(mono_ns - now_ns, 1000), true };

	return run_limited(vcpu, &limit, ret_stop, ret_event, error);
}

bool lab_vcpu_expect(struct lab_vcpu *vcpu, int64_t timeout_ns, enum lab_event event,
		     GError **error)
{
	enum lab_stop stop;
	uint32_t got;

	if (!lab_vcpu_run(vcpu, timeout_ns, &stop, &got, error))
		return false;
	if (stop == LAB_STOP_EVENT && got == (uint32_t)event)
		return true;
	fault(vcpu, error, "wanted event %d, the run ended by %d with %u", (int)event, (int)stop,
	      stop == LAB_STOP_EVENT ? got : 0);
	return false;
}
