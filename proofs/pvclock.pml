/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The version protocol of a time page: one writer, one reader, memory as x86 orders it.
 *
 * The writer's stores go into a first-in first-out buffer, and from there to memory at any later
 * moment (TSO); the reader's loads take memory in program order. The record is two fields that
 * belong together: a reader that accepts a mixture, or a record with the wrong version, is caught
 * by the assertion. Left out on purpose, by -DFAULT=n, is one thing each time:
 *
 *   1  the version is written once, after the fields       4  the reader does not look again
 *   2  the even version may pass the last field             5  the reader takes odd versions
 *   3  the first field may pass the odd version             6  a field is loaded before the version
 *                                                           7  a field is loaded after the last look
 *
 * 0 is the protocol of src/core/pvclock.c: kvt_pvclock_publish() and kvt_pvclock_snapshot().
 */
#ifndef FAULT
#define FAULT 0
#endif

#define UPDATES 3

mtype = { version, first, second };

chan buffer = [8] of { mtype, byte };
byte memory_version = 0, memory_first = 0, memory_second = 0;
bool writer_done = false;

proctype writer()
{
	byte k = 1;

	do
	:: k > UPDATES -> break
	:: else ->
#if FAULT == 1
		buffer ! first, k;
		buffer ! second, k;
#elif FAULT == 2
		buffer ! version, 2 * k - 1;
		buffer ! first, k;
		buffer ! version, 2 * k;
		buffer ! second, k;
#elif FAULT == 3
		buffer ! first, k;
		buffer ! version, 2 * k - 1;
		buffer ! second, k;
#else
		buffer ! version, 2 * k - 1;
		buffer ! first, k;
		buffer ! second, k;
#endif
#if FAULT != 2
		buffer ! version, 2 * k;
#endif
		k++
	od;
	writer_done = true
}

active proctype store_buffer()
{
	byte value;

end:	do
	:: buffer ? version, value -> memory_version = value
	:: buffer ? first, value -> memory_first = value
	:: buffer ? second, value -> memory_second = value
	od
}

proctype reader()
{
	byte before, after, a, b;
	byte accepted = 0;

	do
	:: accepted == 2 -> break
	:: else ->
#if FAULT == 6
		a = memory_first;
#endif
		before = memory_version;
#if FAULT != 6
		a = memory_first;
#endif
#if FAULT != 7
		b = memory_second;
#endif
		after = memory_version;
#if FAULT == 7
		b = memory_second;
#endif
		if
#if FAULT == 4
		:: before % 2 == 0 ->
#elif FAULT == 5
		:: before == after ->
#else
		:: before % 2 == 0 && before == after ->
#endif
			assert(a == b);
			assert(before == 2 * a || FAULT == 5);
			accepted++
		:: else -> skip /* torn: look again */
		fi
	od
}

init {
	atomic {
		run writer();
		run reader()
	}
}
