/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM that publishes pvclock to its guest: a page of its own, not KVM's. The guest (bare_guest.c)
 * tells its TSC; from then on its clock is the host's CLOCK_MONOTONIC since the start.
 *
 *     vmm_pvclock bare_guest.bin
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <kvmtime/pvclock.h>

#include "pvclock_machine.h"

static unsigned char *ram;
static int vm, vcpu;

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, ram + IMAGE_GPA, RAM_SIZE - IMAGE_GPA) <= 0)
		err(2, "%s", path);
	close(fd);
}

static struct kvm_run *make_machine(const char *image)
{
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_SIZE };
	struct kvm_regs regs = { .rip = IMAGE_GPA, .rsp = STACK_GPA, .rflags = 2 };
	struct kvm_sregs sregs;
	struct kvm_run *run;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;

	if (kvm < 0 || (vm = ioctl(kvm, KVM_CREATE_VM, 0)) < 0)
		err(3, "/dev/kvm");
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	load(image);
	slot.userspace_addr = (uintptr_t)ram;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0 ||
	    (vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) < 0 ||
	    (size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0)) < 0)
		err(3, "KVM");
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ioctl(vcpu, KVM_GET_SREGS, &sregs);
	sregs.cr0 |= 1; /* protected mode, flat, no paging */
	sregs.ds = (struct kvm_segment){
		.limit = ~0u, .selector = 16, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1
	};
	sregs.es = sregs.ss = sregs.ds;
	sregs.cs = sregs.ds;
	sregs.cs.type = 11;
	sregs.cs.selector = 8;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		err(3, "KVM");
	return run;
}

int main(int argc, char **argv)
{
	struct kvm_run *run =
		argc == 2 ? make_machine(argv[1]) : (errx(2, "usage: vmm_pvclock IMAGE"), NULL);
	const uint64_t start_ns = monotonic_ns();
	struct pvclock_vcpu_time_info record;
	uint64_t value = 0;

	while (ioctl(vcpu, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_IO) {
		const uint64_t host_ns = monotonic_ns() - start_ns;
		const uint32_t half = *(uint32_t *)((char *)run + run->io.data_offset);
		static unsigned halves;

		value = halves++ % 2 == 0 ? half : (uint64_t)half << 32 | value;
		if (halves % 2 != 0)
			continue;
		if (run->io.port == PORT_END)
			return 0;
		if (run->io.port == PORT_FAILED)
			errx(1, "the guest could not read its clock");
		if (run->io.port == PORT_TIME)
			printf("guest %ju ns, host %ju ns\n", (uintmax_t)value, (uintmax_t)host_ns);
		else if (kvt_pvclock_init((uint64_t)ioctl(vcpu, KVM_GET_TSC_KHZ, 0) * 1000, value,
					  host_ns, PVCLOCK_TSC_STABLE_BIT, &record) == 0)
			kvt_pvclock_publish((void *)(ram + PAGE_GPA), &record);
	}
	errx(1, "the guest stopped: exit reason %u", run->exit_reason);
}
