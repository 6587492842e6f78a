/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A point between two writes of the journal. In the program it is nothing; the test program is
 * built with KVT_FIX_STEPS, counts them and kills itself at each in turn.
 */
#ifndef KVT_FIX_STEP_H
#define KVT_FIX_STEP_H

#ifdef KVT_FIX_STEPS
void kvt_fix_step(const char *what);
#define STEP(what) kvt_fix_step(what)
#else
#define STEP(what) ((void)0)
#endif

#endif
