/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest audit from the host: the files that the machine reader wants are fetched through the
 * guest agent into a folder that stands for the guest's "/", and are read as those of any recorded
 * machine. Nothing is installed, written or run in the guest, unless running is allowed.
 */
#ifndef KVT_GUESTS_AUDIT_H
#define KVT_GUESTS_AUDIT_H

#include "check/facts.h"
#include "guests/guest.h"

struct kvt_audit_options {
	bool exec;  /* ask chronyc, dmesg and the process list too (guest-exec) */
	bool taint; /* paths that mark the machine as tainted may be used */
};

/**
 * kvt_audit_guest() - what can be known about a running guest through its agent
 *
 * Never fails. A file that the agent does not give is unknown, not absent; where it gives no file
 * at all, what is left is the operating system, the clock and the reason.
 *
 * Return: owned; the facts' subject is the guest.
 */
struct kvt_facts *kvt_audit_guest(struct kvt_guest *guest, const struct kvt_audit_options *options);

#endif
