/* SPDX-License-Identifier: BSD-2-Clause */
/* What vmm_pvclock.c and its guest bare_guest.c agree on: two halves of one example. */
#define READINGS 5

#define PAGE_GPA  0x5000  /* the pvclock record */
#define STACK_GPA 0x8000  /* its end: the stack grows down */
#define IMAGE_GPA 0x10000 /* the guest's code, entered at its first byte */
#define RAM_SIZE  0x20000

/* 64-bit values in two writes of 32 bits, the low half first */
#define PORT_TSC    0x500 /* the guest's TSC: please write my record */
#define PORT_TIME   0x504 /* a reading of the clock, ns */
#define PORT_FAILED 0x508 /* a reading failed */
#define PORT_END    0x50c
