/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>
#include <kvmtime/guest.h>

/* A machine that answers CPUID from a table; leaves that are not in it are 0. */
struct machine {
	struct {
		uint32_t leaf, r[4];
	} leaves[8];
};

static void machine_cpuid(void *context, uint32_t leaf, uint32_t ret[4])
{
	const struct machine *machine = context;

	memset(ret, 0, 4 * sizeof(ret[0]));
	for (size_t i = 0; i < G_N_ELEMENTS(machine->leaves); i++)
		if (machine->leaves[i].leaf == leaf)
			memcpy(ret, machine->leaves[i].r, 4 * sizeof(ret[0]));
}

#define IN_VM(base, max, features)                                             \
	{                                                                      \
		{                                                              \
			{ 1, { 0, 0, UINT32_C(1) << 31, 0 } },                 \
				{ base,                                        \
				  { max, KVM_SIGNATURE_EBX, KVM_SIGNATURE_ECX, \
				    KVM_SIGNATURE_EDX } },                     \
			{                                                      \
				(base) + 1,                                    \
				{                                              \
					features, 0, 0, 0                      \
				}                                              \
			}                                                      \
		}                                                              \
	}

static void test_features_of_a_usual_kvm(void)
{
	struct machine machine = IN_VM(0x40000000, 0x40000001, 0x01007efb);
	struct kvt_guest_features f;

	g_assert_cmpint(kvt_guest_find(machine_cpuid, &machine, &f), ==, 0);
	g_assert_true(f.clock && f.stable_bit && f.steal_time && !f.old_msrs);
	g_assert_cmpuint(f.msr_system_time, ==, 0x4b564d01);
	g_assert_cmpuint(f.msr_wall_clock, ==, 0x4b564d00);
	g_assert_cmpuint(f.msr_steal_time, ==, 0x4b564d03);
}

static void test_leaves_moved_by_hyperv_are_found(void)
{
	struct machine machine = IN_VM(0x40000100, 0x40000101, 1u << 3);
	struct kvt_guest_features f;

	machine.leaves[3].leaf = 0x40000000; /* "Microsoft Hv" */
	memcpy(machine.leaves[3].r, (uint32_t[]){ 0x40000082, 0x7263694d, 0x666f736f, 0x76482074 },
	       16);
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &machine, &f), ==, 0);
	g_assert_cmpuint(f.base, ==, 0x40000100);
	g_assert_true(f.clock && !f.stable_bit && !f.steal_time);
}

static void test_an_old_host_offers_the_old_msrs(void)
{
	struct machine machine = IN_VM(0x40000000, 0, 1u << 0);
	struct kvt_guest_features f;

	g_assert_cmpint(kvt_guest_find(machine_cpuid, &machine, &f), ==, 0);
	g_assert_true(f.clock && f.old_msrs);
	g_assert_cmpuint(f.msr_system_time, ==, 0x12);
	g_assert_cmpuint(f.msr_wall_clock, ==, 0x11);
}

static void test_no_kvm_is_absent(void)
{
	struct machine bare = { .leaves = { { 1, { 0 } } } };
	struct machine xen = IN_VM(0x40000000, 0x40000001, 0xffffffff);
	struct machine no_clock = IN_VM(0x40000000, 0x40000001, 1u << 24);
	struct machine broken = IN_VM(0x40000000, 0x40000000, 0xffffffff);
	struct machine beyond = IN_VM(0x40010000, 0x40010001, 0xffffffff);
	struct kvt_guest_features f = { .base = 77 };

	xen.leaves[1].r[1] = 0x566e6558;
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &bare, &f), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &xen, &f), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &broken, &f), ==, -KVT_E_ABSENT);
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &beyond, &f), ==, -KVT_E_ABSENT);
	g_assert_cmpuint(f.base, ==, 77);
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &no_clock, &f), ==, 0);
	g_assert_false(f.clock || f.stable_bit);
}

static void test_what_each_vcpu_writes(void)
{
	struct machine machine = IN_VM(0x40000000, 0x40000001, 0x01007efb);
	const struct kvt_guest_records boot = { 0x1000, 0x2000, 0x3004 },
				       other = { 0x1040, 0x2040, 0 };
	struct kvt_guest_write w[KVT_GUEST_WRITES];
	struct kvt_guest_features f;
	size_t n = 77;

	g_assert_cmpint(kvt_guest_find(machine_cpuid, &machine, &f), ==, 0);
	g_assert_cmpint(kvt_guest_writes(&f, KVT_GUEST_START, &boot, w, &n), ==, 0);
	g_assert_cmpuint(n, ==, 3);
	g_assert_cmpuint(w[0].msr, ==, MSR_KVM_SYSTEM_TIME_NEW);
	g_assert_cmpuint(w[0].value, ==, 0x1001);
	g_assert_cmpuint(w[1].msr, ==, MSR_KVM_WALL_CLOCK_NEW);
	g_assert_cmpuint(w[1].value, ==, 0x3004);
	g_assert_cmpuint(w[2].msr, ==, MSR_KVM_STEAL_TIME);
	g_assert_cmpuint(w[2].value, ==, 0x2001);
	g_assert_cmpint(kvt_guest_writes(&f, KVT_GUEST_RESUME, &other, w, &n), ==, 0);
	g_assert_cmpuint(n, ==, 2);
	g_assert_cmpuint(w[0].value, ==, 0x1041);
	g_assert_cmpint(kvt_guest_writes(&f, KVT_GUEST_STOP, &boot, w, &n), ==, 0);
	g_assert_cmpuint(n, ==, 2);
	g_assert_cmpuint(w[0].value, ==, 0);
	g_assert_cmpuint(w[1].value, ==, 0);
}

static void test_bad_addresses_are_refused(void)
{
	struct machine machine = IN_VM(0x40000000, 0x40000001, 1u << 3);
	struct kvt_guest_write w[KVT_GUEST_WRITES];
	struct kvt_guest_features f;
	size_t n = 77;

#define REFUSED(error, ...)                                                                  \
	g_assert_cmpint(kvt_guest_writes(&f, KVT_GUEST_START,                                \
					 &(struct kvt_guest_records){ __VA_ARGS__ }, w, &n), \
			==, -(error))
	g_assert_cmpint(kvt_guest_find(machine_cpuid, &machine, &f), ==, 0);
	REFUSED(KVT_E_ALIGN, 0x1002, 0, 0);
	REFUSED(KVT_E_ALIGN, 0x1000, 0, 0x3002);
	REFUSED(KVT_E_RANGE, 0, 0, 0);
	REFUSED(KVT_E_RANGE, UINT64_C(1) << 52, 0, 0);
	REFUSED(KVT_E_ABSENT, 0x1000, 0x2000, 0); /* no steal time here */
	f.msr_steal_time = MSR_KVM_STEAL_TIME;
	REFUSED(KVT_E_ALIGN, 0x1000, 0x2020, 0);
	g_assert_cmpint(kvt_guest_writes(&f, (enum kvt_guest_moment)9,
					 &(struct kvt_guest_records){ 0x1000, 0, 0 }, w, &n),
			==, -KVT_E_ARG);
	f.clock = false;
	REFUSED(KVT_E_ABSENT, 0x1000, 0, 0);
	g_assert_cmpuint(n, ==, 77);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/guest/" #name, test_##name)
	ADD(features_of_a_usual_kvm);
	ADD(leaves_moved_by_hyperv_are_found);
	ADD(an_old_host_offers_the_old_msrs);
	ADD(no_kvm_is_absent);
	ADD(what_each_vcpu_writes);
	ADD(bad_addresses_are_refused);
	return g_test_run();
}
