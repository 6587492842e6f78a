/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare guest on /dev/kvm, in the lab's micro-VMM: KVM's own PIT answers. It counts by the
 * host's CLOCK_MONOTONIC, and the guest stamps by its TSC, so the rate of one is measured by the
 * other.
 */
#include <elf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <kvmtime/tsc.h>

#include "lab/host.h"
#include "lab/vm.h"
#include "peer.h"

#define TABLE_GPA   0x8000u /* what a multiboot loader leaves */
#define PROGRAM_GPA 0x03000000u
#define SLOT_BYTES  (48u << 20) /* the log and, behind it, the program */
#define EXIT_PORT   0xf4u
#define TIMEOUT_NS  (120 * LAB_S)

static char *why_not(void)
{
	g_autoptr(GError) error = NULL;
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	struct lab_vm *vm = lab_vm_new(&options, &error);
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	char *reason = NULL;

	if (vm == NULL || !lab_vm_ioctl(vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2", &error))
		reason = g_strdup(error->message);
	lab_vm_free(vm);
	return reason;
}

struct machine {
	struct lab_vm *vm;
	uint8_t *slot;
	uint32_t exit_code;
};

static void on_exit_port(void *context, bool write, uint16_t port, unsigned int size,
			 uint32_t *value)
{
	struct machine *machine = context;

	(void)port;
	(void)size;
	if (!write)
		return;
	machine->exit_code = *value;
	lab_vcpu_kick(&machine->vm->vcpus[0], pthread_self());
}

/* It is linked to 1 MiB; the lab's own memory ends at 2. */
static bool load_guest(struct machine *machine, uint32_t *ret_entry, GError **error)
{
	g_autofree char *path = peer_guest(), *file = NULL;
	const Elf32_Ehdr *header;
	gsize size;

	if (!g_file_get_contents(path, &file, &size, error))
		return false;
	header = (const void *)file;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		const Elf32_Phdr *part =
			(const void *)(file + header->e_phoff + i * sizeof(Elf32_Phdr));
		void *to = lab_memory(machine->vm, part->p_paddr, part->p_memsz);

		if (part->p_type != PT_LOAD)
			continue;
		g_assert_nonnull(to);
		memcpy(to, file + part->p_offset, part->p_filesz);
	}
	*ret_entry = header->e_entry;
	return true;
}

static struct kvm_segment flat(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
}

/* Protected mode without paging, as a multiboot loader leaves it. */
static bool set_registers(struct lab_vcpu *vcpu, uint32_t entry, GError **error)
{
	const struct kvm_regs regs = {
		.rip = entry, .rflags = 2, .rax = 0x2badb002, .rbx = TABLE_GPA
	};
	struct kvm_sregs sregs;

	if (!lab_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS", error))
		return false;
	sregs.cs = flat(0x08, 0xb);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(0x10, 0x3);
	sregs.cr0 = 0x31;
	sregs.cr3 = sregs.cr4 = sregs.efer = 0;
	return lab_vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS", error) &&
	       lab_vcpu_ioctl(vcpu, KVM_SET_REGS, (void *)(uintptr_t)&regs, "KVM_SET_REGS", error);
}

/* The list of modules has one entry, and that begins with the address of the program. */
static void write_program(struct machine *machine, const GArray *steps, double ns_per_cycle)
{
	const struct oracle_program header = {
		ORACLE_MAGIC, steps->len, (uint32_t)(1024 / ns_per_cycle),
		(PROGRAM_GPA - ORACLE_LOG - sizeof(struct oracle_log)) / sizeof(struct oracle_entry)
	};
	uint32_t *table = lab_memory(machine->vm, TABLE_GPA, 64);
	uint8_t *program = machine->slot + (PROGRAM_GPA - ORACLE_LOG);

	table[6] = TABLE_GPA + 32;
	table[8] = PROGRAM_GPA;
	memcpy(program, &header, sizeof(header));
	memcpy(program + sizeof(header), steps->data, steps->len * sizeof(struct oracle_step));
}

static bool build(struct machine *machine, GError **error)
{
	const struct lab_options options = { .irqchip = LAB_IRQCHIP_KERNEL };
	const struct lab_port port = { EXIT_PORT, EXIT_PORT, on_exit_port, machine };
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY }; /* port 0x61 too */
	struct kvm_userspace_memory_region region = { .slot = 1,
						      .guest_phys_addr = ORACLE_LOG,
						      .memory_size = SLOT_BYTES };
	uint32_t entry;

	machine->vm = lab_vm_new(&options, error);
	if (machine->vm == NULL)
		return false;
	machine->slot = mmap(NULL, SLOT_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	g_assert_true(machine->slot != MAP_FAILED);
	region.userspace_addr = (uintptr_t)machine->slot;
	return lab_port_add(machine->vm, &port) &&
	       lab_vm_ioctl(machine->vm, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2", error) &&
	       lab_vm_ioctl(machine->vm, KVM_SET_USER_MEMORY_REGION, &region,
			    "KVM_SET_USER_MEMORY_REGION", error) &&
	       load_guest(machine, &entry, error) &&
	       set_registers(&machine->vm->vcpus[0], entry, error);
}

/* Of the guest's counter by the clock that KVM's PIT counts with. */
struct rate {
	uint64_t cycles;
	int64_t ns;
};

static struct rate rate_now(void)
{
	const uint64_t before = kvt_tsc_ordered();
	const int64_t ns = lab_mono();

	return (struct rate){ before + (kvt_tsc_ordered() - before) / 2, ns };
}

static double ns_per_cycle(const struct machine *machine, const struct rate *from,
			   const struct rate *to)
{
	const int guest_khz = ioctl(machine->vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	const int host_khz = ioctl(machine->vm->fd, KVM_GET_TSC_KHZ, 0);
	const double scale =
		guest_khz > 0 && host_khz > 0 ? (double)host_khz / guest_khz : 1; /* TSC scaling */

	return (double)(to->ns - from->ns) / (double)(to->cycles - from->cycles) * scale;
}

static bool play(struct machine *machine, GError **error)
{
	enum lab_stop stop;
	uint32_t event;

	if (!lab_vcpu_run(&machine->vm->vcpus[0], TIMEOUT_NS, &stop, &event, error))
		return false;
	if (stop == LAB_STOP_KICKED && machine->exit_code == 0)
		return true;
	g_set_error(error, PEER_ERROR, 0, "KVM: the guest ended with 0x%x", machine->exit_code);
	return false;
}

static struct transcript *run(const GArray *steps, const char *device, GError **error)
{
	struct rate start = rate_now(), end;
	struct machine machine = { .exit_code = UINT32_MAX };
	struct peer_clock clock = { .base_ns = 1000 };
	struct transcript *transcript = NULL;
	const struct oracle_log *log;

	if (build(&machine, error)) {
		end = rate_now();
		write_program(&machine, steps, ns_per_cycle(&machine, &start, &end));
		if (play(&machine, error)) {
			end = rate_now();
			log = (const void *)machine.slot;
			clock.ns_per_cycle = ns_per_cycle(&machine, &start, &end);
			clock.base_cycles = log->entries > 0 ? log->entry[0].before : 0;
			transcript = peer_transcript(steps, device, false, log, &clock);
		}
	}
	if (machine.slot != NULL)
		munmap(machine.slot, SLOT_BYTES);
	lab_vm_free(machine.vm);
	return transcript;
}

const struct peer peer_kvm = { "KVM", why_not, run };
