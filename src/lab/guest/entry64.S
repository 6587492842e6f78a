/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 64-bit flat build: the VMM has set long mode, segments, stack and RDI = vCPU number. The
 * segments' hidden parts are right already; the table is for what IRETQ loads.
 */
	.text
	.globl _start
	.section .start, "ax"
_start:
	lgdt gdt_pointer(%rip)
	call guest_main
1:	cli
	hlt
	jmp 1b

	.text
	.globl stubs
	.altmacro
	.macro stub number
	.balign 16
stub_\number:
	pushq %rax
	movl $\number, %eax
	jmp common
	.endm
	.balign 16
stubs:
	.set i, 0
	.rept 0x32
	stub %i
	.set i, i + 1
	.endr

/* Exceptions with an error code come here too; they never return, so its place does not matter. */
common:
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movl %eax, %edi
	movq 72(%rsp), %rsi
	cld
	call interrupt
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	iretq

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff /* 0x10: data */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.quad gdt
	.section .note.GNU-stack, "", @progbits
