/* SPDX-License-Identifier: BSD-2-Clause */
/* The bare guests, built with the program and kept in it as bytes. */
#ifndef KVT_LAB_IMAGE_H
#define KVT_LAB_IMAGE_H

extern const unsigned char lab_guest64[]; /* flat, for LAB_IMAGE_GPA */
extern const unsigned int lab_guest64_size;
extern const unsigned char lab_guest32[]; /* multiboot ELF, for QEMU's -kernel */
extern const unsigned int lab_guest32_size;

#endif
