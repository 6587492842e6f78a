/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of KVM's paravirtual interface on x86: CPUID leaves, feature bits, MSRs, hypercalls.
 *
 * Source: Linux Documentation/virt/kvm/x86/cpuid.rst, msr.rst, hypercalls.rst and
 * arch/x86/include/uapi/asm/kvm_para.h (6.19); where the text and the header differ (msr.rst
 * prints the feature leaf one digit short and tests the wrong bits), the header is right.
 */
#ifndef KVMTIME_ABI_KVM_H
#define KVMTIME_ABI_KVM_H

/* Hypervisor leaves start here; a second interface moves the first up in steps of 0x100. */
#define KVM_CPUID_BASE  0x40000000u
#define KVM_CPUID_STEP  0x100u
#define KVM_CPUID_LIMIT 0x40010000u

/* EBX, ECX, EDX of the signature leaf: "KVMKVMKVM\0\0\0" */
#define KVM_SIGNATURE_EBX 0x4b4d564bu
#define KVM_SIGNATURE_ECX 0x564b4d56u
#define KVM_SIGNATURE_EDX 0x0000004du

/* EAX of the feature leaf (base + 1) */
#define KVM_FEATURE_CLOCKSOURCE            0
#define KVM_FEATURE_CLOCKSOURCE2           3
#define KVM_FEATURE_STEAL_TIME             5
#define KVM_FEATURE_CLOCKSOURCE_STABLE_BIT 24

#define MSR_KVM_WALL_CLOCK      0x00000011u /* old; deprecated */
#define MSR_KVM_SYSTEM_TIME     0x00000012u /* old; on the boot vCPU it ends the master clock */
#define MSR_KVM_WALL_CLOCK_NEW  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME_NEW 0x4b564d01u
#define MSR_KVM_STEAL_TIME      0x4b564d03u
#define KVM_MSR_ENABLED         1u

#define KVM_HC_CLOCK_PAIRING        9u
#define KVM_CLOCK_PAIRING_WALLCLOCK 0u

#endif
