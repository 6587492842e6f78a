/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fix wrote and nothing has read yet: until its daemon starts anew, or the machine boots, a
 * service runs on what the file said before, and the journal knows what that was.
 */
#ifndef KVT_FIX_WAITING_H
#define KVT_FIX_WAITING_H

#include "check/facts.h"

/**
 * kvt_waiting_add() - tell what runs from what is configured, where the journal knows both
 * @dir:   of the machine that @facts were read from; "/" is the live one
 * @facts: what differs becomes "configured", and what the files said before, running
 *
 * Counted are changes that are neither undone nor settled nor older than the last boot that can be
 * told. A journal that cannot be read says nothing.
 */
void kvt_waiting_add(const char *dir, struct kvt_facts *facts);

#endif
