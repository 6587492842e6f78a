/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The micro-VMM: a VM on /dev/kvm with 2 MiB of memory, the bare guest in it, and vCPUs that run
 * until the guest says something. Every run has a time limit: some guest errors never leave the
 * kernel by themselves.
 */
#ifndef KVT_LAB_VM_H
#define KVT_LAB_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>
#include <linux/kvm.h>

#include <kvmtime/abi/pvclock.h>

#include "lab/guest/mailbox.h"

enum lab_irqchip {
	LAB_IRQCHIP_KERNEL, /* PIC, IOAPIC and local APIC in the kernel */
	LAB_IRQCHIP_SPLIT,  /* the local APIC alone */
	LAB_IRQCHIP_NONE
};

struct lab_options {
	enum lab_irqchip irqchip;
	bool kernel_pit;    /* with LAB_IRQCHIP_KERNEL only */
	unsigned int vcpus; /* 1 .. LAB_VCPUS_MAX; 0 = 1 */
};

struct lab_vm;

/**
 * lab_port_fn - a device's port access
 * @context: of the entry
 * @write:   direction
 * @port:    which
 * @size:    1, 2 or 4 bytes
 * @value:   in: what is written; out: what is read (all ones before the call)
 *
 * Runs on the vCPU's thread.
 */
typedef void lab_port_fn(void *context, bool write, uint16_t port, unsigned int size,
			 uint32_t *value);

struct lab_port {
	uint16_t first;
	uint16_t last;
	lab_port_fn *access;
	void *context;
};

#define LAB_PORTS_MAX 8

struct lab_vcpu {
	struct lab_vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run; /* shared with the kernel */
};

struct lab_vm {
	int kvm_fd;
	int fd;
	struct lab_options options;
	uint8_t *memory;
	size_t memory_size;
	size_t run_size;
	struct lab_vcpu vcpus[LAB_VCPUS_MAX];
	struct lab_port ports[LAB_PORTS_MAX];
	unsigned int ports_count;
	uint64_t unknown_ports; /* accesses that no entry answered */
};

/* Calls that can fail for reasons that a test cannot bring about: it puts its own here. */
struct lab_calls {
	int (*create_vm)(int kvm_fd); /* file descriptor, or -1 and errno */
};
extern struct lab_calls lab_calls;

/**
 * lab_kvm_open() - open KVM and check its interface
 * @path:  NULL = /dev/kvm
 * @error: out; KVT_STATUS_REFUSED: absent, forbidden, busy with another VMM, or too old
 *
 * Return: file descriptor, or -1.
 */
int lab_kvm_open(const char *path, GError **error);

/**
 * lab_vm_new() - a VM with memory, the guest and its vCPUs, ready to run
 * @options: borrowed during the call
 * @error:   out
 *
 * Return: owned, or NULL with @error.
 */
struct lab_vm *lab_vm_new(const struct lab_options *options, GError **error);

void lab_vm_free(struct lab_vm *vm);

/**
 * lab_memory() - the one place where a guest address becomes a pointer
 * @gpa:  guest physical address
 * @size: bytes wanted from there
 *
 * Return: borrowed until lab_vm_free(), or NULL if any byte lies outside the guest's memory.
 */
void *lab_memory(struct lab_vm *vm, uint64_t gpa, size_t size);

volatile struct lab_mailbox *lab_mailbox(struct lab_vm *vm);
volatile struct pvclock_vcpu_time_info *lab_clock_page(struct lab_vm *vm, unsigned int vcpu);
volatile struct kvm_steal_time *lab_steal_page(struct lab_vm *vm, unsigned int vcpu);

/** lab_port_add() - a device's ports; before the first run; false if the table is full */
bool lab_port_add(struct lab_vm *vm, const struct lab_port *port);

/* Why a run came back. */
enum lab_stop {
	LAB_STOP_EVENT,  /* the guest said something */
	LAB_STOP_KICKED, /* lab_vcpu_kick() */
	LAB_STOP_HALTED, /* HLT without a local APIC in the kernel */
	LAB_STOP_WINDOW  /* an interrupt can be injected now (it was asked for) */
};

/**
 * lab_vcpu_run() - run one vCPU on this thread until the guest says something
 * @timeout_ns: the watchdog's; the run ends with an error when it is over
 * @ret_stop:   out
 * @ret_event:  out, enum lab_event if LAB_STOP_EVENT; NULL if not wanted
 * @error:      out; KVT_STATUS_REFUSED, the message saying what the guest did: no exit within the
 *              limit, emulation failure with its bytes, triple fault, exception with its vector
 *
 * Return: false with @error.
 */
bool lab_vcpu_run(struct lab_vcpu *vcpu, int64_t timeout_ns, enum lab_stop *ret_stop,
		  uint32_t *ret_event, GError **error);

/** lab_vcpu_run_until() - lab_vcpu_run() for whom time that is over is no error, but
 *  LAB_STOP_KICKED; @mono_ns may be past */
bool lab_vcpu_run_until(struct lab_vcpu *vcpu, int64_t mono_ns, enum lab_stop *ret_stop,
			uint32_t *ret_event, GError **error);

/**
 * lab_exit_fault() - what an exit says that nothing can go on after
 * @vcpu: its kvm_run as KVM left it
 * @error: out; KVT_STATUS_REFUSED
 */
void lab_exit_fault(struct lab_vcpu *vcpu, GError **error);

/** lab_vcpu_expect() - lab_vcpu_run() that must end in one event; anything else is an error */
bool lab_vcpu_expect(struct lab_vcpu *vcpu, int64_t timeout_ns, enum lab_event event,
		     GError **error);

/**
 * lab_vcpu_kick() - make a run on another thread come back
 * @thread: the one that runs, or is about to run, the vCPU
 */
void lab_vcpu_kick(struct lab_vcpu *vcpu, pthread_t thread);

/** lab_vcpu_thread_ends() - give back this thread's watchdog, before the thread ends */
void lab_vcpu_thread_ends(void);

/** lab_vm_ioctl() - ioctl on the VM; false with @error naming @what */
bool lab_vm_ioctl(struct lab_vm *vm, unsigned long request, void *argument, const char *what,
		  GError **error);

bool lab_vcpu_ioctl(struct lab_vcpu *vcpu, unsigned long request, void *argument, const char *what,
		    GError **error);

/** lab_vcpu_msr() - read or write one MSR by the VMM; false with @error if KVM does not know it */
bool lab_vcpu_get_msr(struct lab_vcpu *vcpu, uint32_t msr, uint64_t *ret_value, GError **error);
bool lab_vcpu_set_msr(struct lab_vcpu *vcpu, uint32_t msr, uint64_t value, GError **error);

#endif
