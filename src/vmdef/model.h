/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VM definition says about time, whatever its format. One table of fields: each has a name,
 * a kind and the line that said it. What a format does not say stays unsaid; nothing is defaulted
 * here (effective.h knows the defaults of a hypervisor).
 *
 * One list serves readers, writers, comparison, printing and facts.
 */
#ifndef KVT_VMDEF_MODEL_H
#define KVT_VMDEF_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Timers, in libvirt's names. */
enum kvt_vm_timer {
	KVT_TIMER_PLATFORM,
	KVT_TIMER_PIT,
	KVT_TIMER_RTC,
	KVT_TIMER_HPET,
	KVT_TIMER_TSC,
	KVT_TIMER_KVMCLOCK,
	KVT_TIMER_HYPERVCLOCK,
	KVT_TIMER_ARMVTIMER,
	KVT_TIMER_COUNT
};

/* What can be said of each timer. */
enum kvt_vm_timer_part {
	KVT_PART_NAMED, /* the definition names the timer, even if it says no more of it */
	KVT_PART_PRESENT,
	KVT_PART_POLICY,
	KVT_PART_TRACK,
	KVT_PART_THRESHOLD, /* ns; of the catch-up */
	KVT_PART_SLEW,      /* ns a second */
	KVT_PART_LIMIT,     /* ns */
	KVT_PART_FREQUENCY, /* Hz */
	KVT_PART_MODE,
	KVT_PART_COUNT
};

enum kvt_vm_field {
	KVT_VM_NAME,
	KVT_VM_VIRT,
	KVT_VM_ARCH,
	KVT_VM_MACHINE,
	KVT_VM_VCPUS,
	KVT_VM_OS_ID,     /* libosinfo id or short id, nova os_type, Proxmox ostype: see os.h */
	KVT_VM_OS_FAMILY, /* enum kvt_vm_family */
	KVT_VM_AGENT,
	KVT_VM_ACPI,
	KVT_VM_OFFSET,
	KVT_VM_ADJUSTMENT, /* s, added to the basis */
	KVT_VM_RESET,      /* forget at each start what the guest set */
	KVT_VM_BASIS,
	KVT_VM_TIMEZONE,
	KVT_VM_START, /* s since 1970, of an absolute clock */
	KVT_VM_CPU_MODE,
	KVT_VM_CPU_MODEL,
	KVT_VM_MIGRATABLE,
	KVT_VM_INVTSC,
	KVT_VM_STABLE_BIT, /* kvmclock-stable-bit */
	KVT_VM_HIDDEN,     /* the KVM signature is hidden: kvm=off */
	KVT_VM_IRQCHIP,
	KVT_VM_HV_PASSTHROUGH,
	KVT_VM_HV_RELAXED,
	KVT_VM_HV_VAPIC,
	KVT_VM_HV_SPINLOCKS, /* retries */
	KVT_VM_HV_VPINDEX,
	KVT_VM_HV_RUNTIME,
	KVT_VM_HV_SYNIC,
	KVT_VM_HV_STIMER,
	KVT_VM_HV_STIMER_DIRECT,
	KVT_VM_HV_RESET,
	KVT_VM_HV_FREQUENCIES,
	KVT_VM_HV_REENLIGHTENMENT,
	KVT_VM_HV_TLBFLUSH,
	KVT_VM_HV_IPI,
	KVT_VM_HV_EVMCS,
	KVT_VM_HV_AVIC,
	KVT_VM_XEN_TIMER_MODE,
	KVT_VM_XEN_VPT_ALIGN,
	KVT_VM_XEN_NOMIGRATE,
	KVT_VM_SNAPSHOT_CLOCK, /* a restored snapshot advances the wall clock */
	KVT_VM_CLOCKSOURCE,    /* clocksource= of the guest's kernel command line */
	KVT_VM_TIMERS,         /* first of the timers' parts */
	KVT_VM_FIELD_COUNT = KVT_VM_TIMERS + KVT_TIMER_COUNT * KVT_PART_COUNT
};

#define KVT_VM_TIMER(timer, part) \
	((enum kvt_vm_field)(KVT_VM_TIMERS + (unsigned)(timer)*KVT_PART_COUNT + (unsigned)(part)))

/* Values of the fields that are words; 0 is the table's first word. */
enum kvt_vm_yesno { KVT_NO, KVT_YES };
enum kvt_vm_virt {
	KVT_VIRT_KVM,
	KVT_VIRT_TCG,
	KVT_VIRT_XEN_HVM,
	KVT_VIRT_XEN_PV,
	KVT_VIRT_XEN_PVH,
	KVT_VIRT_FIRECRACKER,
	KVT_VIRT_CLOUD_HYPERVISOR,
	KVT_VIRT_OTHER
};
enum kvt_vm_family {
	KVT_FAMILY_LINUX,
	KVT_FAMILY_LINUX_TICKS, /* counts timer ticks: no kvm-clock, no tickless kernel */
	KVT_FAMILY_WINDOWS_NT5, /* before Vista */
	KVT_FAMILY_WINDOWS,     /* Vista, 2008 and later */
	KVT_FAMILY_SOLARIS,
	KVT_FAMILY_BSD,
	KVT_FAMILY_DOS, /* MS-DOS, Windows 1 to ME, NetWare: PIT ticks, local time */
	KVT_FAMILY_OTHER
};
enum kvt_vm_offset {
	KVT_OFFSET_UTC,
	KVT_OFFSET_LOCALTIME,
	KVT_OFFSET_TIMEZONE,
	KVT_OFFSET_VARIABLE,
	KVT_OFFSET_ABSOLUTE
};
enum kvt_vm_basis { KVT_BASIS_UTC, KVT_BASIS_LOCALTIME };
enum kvt_vm_policy { KVT_POLICY_DELAY, KVT_POLICY_CATCHUP, KVT_POLICY_MERGE, KVT_POLICY_DISCARD };
enum kvt_vm_track { KVT_TRACK_BOOT, KVT_TRACK_GUEST, KVT_TRACK_WALL, KVT_TRACK_REALTIME };
enum kvt_vm_tsc_mode {
	KVT_TSC_AUTO,
	KVT_TSC_NATIVE,
	KVT_TSC_EMULATE,
	KVT_TSC_PARAVIRT,
	KVT_TSC_SMPSAFE
};
enum kvt_vm_cpu_mode { KVT_CPU_CUSTOM, KVT_CPU_HOST_MODEL, KVT_CPU_HOST, KVT_CPU_MAX };
enum kvt_vm_irqchip { KVT_IRQCHIP_ON, KVT_IRQCHIP_SPLIT, KVT_IRQCHIP_OFF };
enum kvt_xen_timer_mode {
	KVT_XEN_DELAY,
	KVT_XEN_NO_DELAY,
	KVT_XEN_NO_MISSED_PENDING,
	KVT_XEN_ONE_MISSED_PENDING
};

enum kvt_vm_kind { KVT_KIND_YESNO, KVT_KIND_WORD, KVT_KIND_NUMBER, KVT_KIND_TEXT };

/* Formats that a definition can have. */
enum kvt_vm_format {
	KVT_FORMAT_LIBVIRT,
	KVT_FORMAT_QEMU,
	KVT_FORMAT_XL,
	KVT_FORMAT_PROXMOX,
	KVT_FORMAT_KUBEVIRT,
	KVT_FORMAT_NOVA,
	KVT_FORMAT_FIRECRACKER,
	KVT_FORMAT_CLOUD_HYPERVISOR,
	KVT_FORMAT_COUNT
};

/* What is to be said about a definition, beside its values. */
enum kvt_vm_note_kind {
	KVT_NOTE_INVALID, /* not a value of this format: bad input */
	KVT_NOTE_REFUSED, /* well formed, and refused when the VM is defined or started */
	KVT_NOTE_IGNORED, /* taken without a word, and without effect */
	KVT_NOTE_LOST,    /* a writer: the target format cannot say this field */
	KVT_NOTE_REMARK
};

struct kvt_vm_note {
	enum kvt_vm_note_kind kind;
	int field; /* enum kvt_vm_field, or -1 */
	int line;  /* 0 = unknown */
	char *text;
};

struct kvt_vm_value {
	bool said;
	int line;       /* 0 = unknown */
	int64_t number; /* words and yes/no: index into kvt_vm_words() */
	char *text;     /* owned; texts alone */
};

struct kvt_vm {
	enum kvt_vm_format format;
	char *file; /* where it came from, for messages; owned */
	char *uuid; /* which VM it is, where the definition says so; owned, or NULL */
	struct kvt_vm_value at[KVT_VM_FIELD_COUNT];
	GPtrArray *notes;   /* struct kvt_vm_note, owned */
	GPtrArray *options; /* QEMU: historic options seen, char *, owned, in order */
};

struct kvt_vm *kvt_vm_new(enum kvt_vm_format format, const char *file);

/** kvt_vm_free() - NULL is taken */
void kvt_vm_free(struct kvt_vm *vm);

typedef struct kvt_vm kvt_vm; /* for g_autoptr(kvt_vm) alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kvt_vm, kvt_vm_free)

/** kvt_vm_copy() - a copy of the values, without notes and options; owned */
struct kvt_vm *kvt_vm_copy(const struct kvt_vm *vm);

/** kvt_vm_field_name() - e.g. "timer.pit.policy"; valid for ever */
const char *kvt_vm_field_name(enum kvt_vm_field field);
enum kvt_vm_kind kvt_vm_field_kind(enum kvt_vm_field field);

/** kvt_vm_field_find() - the field of a name, or -1 */
int kvt_vm_field_find(const char *name);

/** kvt_vm_words() - the words of a yes/no or word field, NULL-terminated; NULL for others */
const char *const *kvt_vm_words(enum kvt_vm_field field);

/** kvt_vm_timer_name() - libvirt's name of a timer */
const char *kvt_vm_timer_name(enum kvt_vm_timer timer);

/** kvt_vm_format_name() - e.g. "libvirt"; kvt_vm_format_find() is its inverse, or -1 */
const char *kvt_vm_format_name(enum kvt_vm_format format);
int kvt_vm_format_find(const char *name);

void kvt_vm_say(struct kvt_vm *vm, enum kvt_vm_field field, int64_t number, int line);
void kvt_vm_say_text(struct kvt_vm *vm, enum kvt_vm_field field, const char *text, int line);

/**
 * kvt_vm_say_word() - set a word field by its word
 *
 * Return: false, with nothing changed, if the field has no such word.
 */
bool kvt_vm_say_word(struct kvt_vm *vm, enum kvt_vm_field field, const char *word, int line);

/** kvt_vm_say_cmdline() - take what a guest's kernel command line says: clocksource= */
void kvt_vm_say_cmdline(struct kvt_vm *vm, const char *cmdline, int line);

void kvt_vm_unsay(struct kvt_vm *vm, enum kvt_vm_field field);

static inline bool kvt_vm_said(const struct kvt_vm *vm, enum kvt_vm_field field)
{
	return vm->at[field].said;
}

/** kvt_vm_is() - true if the field is said and has that number (or word) */
static inline bool kvt_vm_is(const struct kvt_vm *vm, enum kvt_vm_field field, int64_t number)
{
	return vm->at[field].said && vm->at[field].number == number;
}

/** kvt_vm_number() - the field's number, or @unsaid */
static inline int64_t kvt_vm_number(const struct kvt_vm *vm, enum kvt_vm_field field,
				    int64_t unsaid)
{
	return vm->at[field].said ? vm->at[field].number : unsaid;
}

/** kvt_vm_print() - a field's value as text; owned, NULL if unsaid */
char *kvt_vm_print(const struct kvt_vm *vm, enum kvt_vm_field field);

/** kvt_vm_same() - true if the field is the same in both, unsaid included */
bool kvt_vm_same(const struct kvt_vm *a, const struct kvt_vm *b, enum kvt_vm_field field);

/**
 * kvt_vm_note() - add a note
 * @field: enum kvt_vm_field or -1
 */
void kvt_vm_note(struct kvt_vm *vm, enum kvt_vm_note_kind kind, int field, int line,
		 const char *format, ...) G_GNUC_PRINTF(5, 6);

/** kvt_vm_noted() - true if there is a note of that kind (about @field, if it is not -1) */
bool kvt_vm_noted(const struct kvt_vm *vm, enum kvt_vm_note_kind kind, int field);

/** kvt_vm_note_kind_name() - "invalid", "refused", ... */
const char *kvt_vm_note_kind_name(enum kvt_vm_note_kind kind);

/**
 * kvt_vm_parse_number() - a decimal number that must be all of @text
 * @min, @max: inclusive
 *
 * Return: true with *@ret_number set, or false with it untouched.
 */
bool kvt_vm_parse_number(const char *text, int64_t min, int64_t max, int64_t *ret_number);

#endif
