/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab/image.h"
#include "sys/error.h"

#define PAGE_PRESENT_WRITE 0x003u
#define PAGE_LARGE         0x080u
#define TABLE_SIZE         0x1000u
#define GIGABYTES          4u /* identity mapped, so that the APICs are reached */

#define CR0_PE   (1ull << 0)
#define CR0_ET   (1ull << 4)
#define CR0_NE   (1ull << 5)
#define CR0_PG   (1ull << 31)
#define CR4_PAE  (1ull << 5)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)

/* Three pages that VMX without unrestricted guest wants, above all memory. */
#define TSS_GPA 0xfffbd000u

int lab_kvm_open(const char *path, GError **error)
{
	const char *device = path != NULL ? path : "/dev/kvm";
	const int fd = open(device, O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0) {
		const int number = errno;

		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s%s", device,
			    g_strerror(number),
			    number == ENOENT
				    ? " (no KVM here: no virtualization in this machine, or "
				      "the module kvm_intel or kvm_amd is not loaded)"
			    : number == EACCES ? " (be root, or join the group kvm)"
			    : number == EBUSY  ? " (another virtual machine monitor holds it)"
					       : "");
		return -1;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "%s: not KVM's interface (version %d, not %d)", device, version,
			    KVM_API_VERSION);
		close(fd);
		return -1;
	}
	return fd;
}

bool lab_vm_ioctl(struct lab_vm *vm, unsigned long request, void *argument, const char *what,
		  GError **error)
{
	if (ioctl(vm->fd, request, argument) >= 0)
		return true;
	kvt_error_errno(error, what, errno);
	return false;
}

bool lab_vcpu_ioctl(struct lab_vcpu *vcpu, unsigned long request, void *argument, const char *what,
		    GError **error)
{
	if (ioctl(vcpu->fd, request, argument) >= 0)
		return true;
	kvt_error_errno(error, what, errno);
	return false;
}

void *lab_memory(struct lab_vm *vm, uint64_t gpa, size_t size)
{
	if (gpa > vm->memory_size || size > vm->memory_size - gpa)
		return NULL;
	return vm->memory + gpa;
}

volatile struct lab_mailbox *lab_mailbox(struct lab_vm *vm)
{
	return lab_memory(vm, LAB_MAILBOX_GPA, sizeof(struct lab_mailbox));
}

volatile struct pvclock_vcpu_time_info *lab_clock_page(struct lab_vm *vm, unsigned int vcpu)
{
	return lab_memory(vm, LAB_CLOCK_GPA + 64 * (uint64_t)vcpu,
			  sizeof(struct pvclock_vcpu_time_info));
}

volatile struct kvm_steal_time *lab_steal_page(struct lab_vm *vm, unsigned int vcpu)
{
	return lab_memory(vm, LAB_STEAL_GPA + 64 * (uint64_t)vcpu, sizeof(struct kvm_steal_time));
}

bool lab_port_add(struct lab_vm *vm, const struct lab_port *port)
{
	if (vm->ports_count == LAB_PORTS_MAX)
		return false;
	vm->ports[vm->ports_count++] = *port;
	return true;
}

/* 2 MiB pages for the whole 32-bit space; 1 GiB ones are not everywhere. */
static void make_tables(struct lab_vm *vm)
{
	uint64_t *top = lab_memory(vm, LAB_TABLES_GPA, (2 + GIGABYTES) * TABLE_SIZE);
	uint64_t *second = top + TABLE_SIZE / 8;
	uint64_t *pages = second + TABLE_SIZE / 8;

	top[0] = (LAB_TABLES_GPA + TABLE_SIZE) | PAGE_PRESENT_WRITE;
	for (uint64_t i = 0; i < GIGABYTES; i++)
		second[i] = (LAB_TABLES_GPA + (2 + i) * TABLE_SIZE) | PAGE_PRESENT_WRITE;
	for (uint64_t i = 0; i < GIGABYTES * 512; i++)
		pages[i] = i << 21 | PAGE_PRESENT_WRITE | PAGE_LARGE;
}

static bool make_memory(struct lab_vm *vm, GError **error)
{
	struct kvm_userspace_memory_region region = { .memory_size = LAB_MEMORY_SIZE };

	vm->memory = mmap(NULL, LAB_MEMORY_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->memory == MAP_FAILED) {
		vm->memory = NULL;
		kvt_error_errno(error, "guest memory", errno);
		return false;
	}
	vm->memory_size = LAB_MEMORY_SIZE;
	region.userspace_addr = (uintptr_t)vm->memory;
	make_tables(vm);
	g_assert(lab_guest64_size <=
		 LAB_STACK_GPA - LAB_VCPUS_MAX * LAB_STACK_SIZE - LAB_IMAGE_GPA);
	memcpy(lab_memory(vm, LAB_IMAGE_GPA, lab_guest64_size), lab_guest64, lab_guest64_size);
	return lab_vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION",
			    error);
}

static bool make_irqchip(struct lab_vm *vm, GError **error)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { .flags = 0 };

	switch (vm->options.irqchip) {
	case LAB_IRQCHIP_NONE:
		return true;
	case LAB_IRQCHIP_SPLIT:
		return lab_vm_ioctl(vm, KVM_ENABLE_CAP, &split, "KVM_CAP_SPLIT_IRQCHIP", error);
	case LAB_IRQCHIP_KERNEL:
		break;
	}
	if (!lab_vm_ioctl(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP", error))
		return false;
	return !vm->options.kernel_pit ||
	       lab_vm_ioctl(vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2", error);
}

/* What KVM supports, which includes its own leaves with the clock. */
static bool set_cpuid(struct lab_vcpu *vcpu, GError **error)
{
	const size_t room = 256;
	g_autofree struct kvm_cpuid2 *cpuid =
		g_malloc0(sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));

	cpuid->nent = (uint32_t)room;
	if (ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0) {
		kvt_error_errno(error, "KVM_GET_SUPPORTED_CPUID", errno);
		return false;
	}
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1) {
			cpuid->entries[i].ebx &= 0x00ffffff;
			cpuid->entries[i].ebx |= vcpu->index << 24; /* local APIC id */
			cpuid->entries[i].ecx |= 1u << 24;          /* TSC deadline timer */
			cpuid->entries[i].ecx |= 1u << 31;          /* in a virtual machine */
		}
	return lab_vcpu_ioctl(vcpu, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2", error);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

static bool set_registers(struct lab_vcpu *vcpu, GError **error)
{
	struct kvm_regs regs = {
		.rip = LAB_IMAGE_GPA,
		.rflags = 2,
		.rdi = vcpu->index,
		.rsp = LAB_STACK_GPA - vcpu->index * LAB_STACK_SIZE - 8,
	};
	struct kvm_sregs sregs;

	if (!lab_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS", error))
		return false;
	sregs.cs = segment(0x08, 0xb, true);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(0x10, 0x3, false);
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = LAB_TABLES_GPA;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	return lab_vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS", error) &&
	       lab_vcpu_ioctl(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS", error);
}

static bool make_vcpu(struct lab_vm *vm, unsigned int index, GError **error)
{
	struct lab_vcpu *vcpu = &vm->vcpus[index];
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0) {
		kvt_error_errno(error, "KVM_CREATE_VCPU", errno);
		return false;
	}
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		kvt_error_errno(error, "mapping of kvm_run", errno);
		return false;
	}
	/* the second and later ones would wait for a startup message of the first */
	if (index > 0 && vm->options.irqchip != LAB_IRQCHIP_NONE &&
	    !lab_vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &state, "KVM_SET_MP_STATE", error))
		return false;
	return set_cpuid(vcpu, error) && set_registers(vcpu, error);
}

static int create_vm(int kvm_fd)
{
	return ioctl(kvm_fd, KVM_CREATE_VM, 0);
}

struct lab_calls lab_calls = { .create_vm = create_vm };

static bool make_vm(struct lab_vm *vm, GError **error)
{
	int size;

	vm->kvm_fd = lab_kvm_open(NULL, error);
	if (vm->kvm_fd < 0)
		return false;
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm->fd = lab_calls.create_vm(vm->kvm_fd);
	if (vm->fd < 0) {
		const int number = errno;

		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "KVM_CREATE_VM: %s%s",
			    g_strerror(number),
			    number == EBUSY ? " (another hypervisor, VirtualBox for example, holds "
					      "the processor's virtualization)"
					    : "");
		return false;
	}
	if (size < (int)sizeof(struct kvm_run)) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "KVM_GET_VCPU_MMAP_SIZE: %d bytes, too few", size);
		return false;
	}
	vm->run_size = (size_t)size;
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)TSS_GPA) < 0) {
		kvt_error_errno(error, "KVM_SET_TSS_ADDR", errno);
		return false;
	}
	if (!make_memory(vm, error) || !make_irqchip(vm, error))
		return false;
	for (unsigned int i = 0; i < vm->options.vcpus; i++)
		if (!make_vcpu(vm, i, error))
			return false;
	lab_mailbox(vm)->vcpus = vm->options.vcpus;
	return true;
}

struct lab_vm *lab_vm_new(const struct lab_options *options, GError **error)
{
	struct lab_vm *vm = g_new0(struct lab_vm, 1);

	vm->kvm_fd = vm->fd = -1;
	for (unsigned int i = 0; i < LAB_VCPUS_MAX; i++)
		vm->vcpus[i].fd = -1;
	vm->options = *options;
	vm->options.vcpus = CLAMP(vm->options.vcpus, 1, LAB_VCPUS_MAX);
	if (make_vm(vm, error))
		return vm;
	lab_vm_free(vm);
	return NULL;
}

void lab_vm_free(struct lab_vm *vm)
{
	if (vm == NULL)
		return;
	for (unsigned int i = 0; i < LAB_VCPUS_MAX; i++) {
		if (vm->vcpus[i].run != NULL)
			munmap(vm->vcpus[i].run, vm->run_size);
		if (vm->vcpus[i].fd >= 0)
			close(vm->vcpus[i].fd);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->memory != NULL)
		munmap(vm->memory, vm->memory_size);
	g_free(vm);
}

/* One entry in the kernel's variable array; value in and out. */
static bool one_msr(struct lab_vcpu *vcpu, unsigned long request, uint32_t number, uint64_t *value,
		    GError **error)
{
	g_autofree struct kvm_msrs *msrs = g_malloc0(sizeof(*msrs) + sizeof(msrs->entries[0]));
	int done;

	msrs->nmsrs = 1;
	msrs->entries[0].index = number;
	msrs->entries[0].data = *value;
	done = ioctl(vcpu->fd, request, msrs);
	*value = msrs->entries[0].data;
	if (done == 1)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "MSR 0x%x: %s", number,
		    done < 0 ? g_strerror(errno) : "KVM does not know it");
	return false;
}

bool lab_vcpu_get_msr(struct lab_vcpu *vcpu, uint32_t number, uint64_t *ret_value, GError **error)
{
	uint64_t value = 0;

	if (!one_msr(vcpu, KVM_GET_MSRS, number, &value, error))
		return false;
	*ret_value = value;
	return true;
}

bool lab_vcpu_set_msr(struct lab_vcpu *vcpu, uint32_t number, uint64_t value, GError **error)
{
	return one_msr(vcpu, KVM_SET_MSRS, number, &value, error);
}
