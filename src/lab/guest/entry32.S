/* SPDX-License-Identifier: BSD-2-Clause */
/* 32-bit multiboot build, for QEMU's -kernel. EBX = what the loader tells, protected mode is on. */
	.section .start, "ax"
	.balign 4
	.long 0x1badb002
	.long 2 /* memory size and command line wanted */
	.long -(0x1badb002 + 2)
	.globl _start
_start:
	cli
	movl $0x80000, %esp
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	movw $0x10, %cx
	movw %cx, %ds
	movw %cx, %es
	movw %cx, %fs
	movw %cx, %gs
	movw %cx, %ss
	pushl $0
	pushl $0
	pushl %ebx
	pushl %eax
	cld
	call guest_multiboot
2:	cli
	hlt
	jmp 2b

	.text
	.globl stubs
	.altmacro
	.macro stub number
	.balign 16
stub_\number:
	pushl %eax
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

/*
 * Back by "sti; lret $4" and not by IRET, which one KVM cannot emulate in 32 bits: the interrupted
 * code ran with interrupts on, so its other flags are restored first and STI's shadow covers LRET.
 */
common:
	pushl %ecx
	pushl %edx
	pushl 12(%esp) /* pc */
	pushl %eax
	cld
	call interrupt
	addl $8, %esp
	popl %edx
	popl %ecx
	popl %eax
	andl $0xfffffdff, 8(%esp)
	pushl 8(%esp)
	popfl
	sti
	lretl $4

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08: 32-bit code */
	.quad 0x00cf93000000ffff /* 0x10: data */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
	.section .note.GNU-stack, "", @progbits
