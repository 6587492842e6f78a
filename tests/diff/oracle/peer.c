/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

G_DEFINE_QUARK(oracle - peer, peer_error)

char *peer_guest(void)
{
	return g_build_filename(g_getenv("KVT_BUILD"), "tests/diff/oracle_guest.elf", NULL);
}

struct event peer_event(const struct oracle_step *step, uint32_t number)
{
	static const enum event_kind kinds[] = { [OP_OUT] = EVENT_OUT,
						 [OP_IN] = EVENT_IN,
						 [OP_WRITE] = EVENT_WRITE,
						 [OP_READ] = EVENT_READ,
						 [OP_MASK] = EVENT_MASK };
	const uint32_t all = step->width == 0 ? 0 : UINT32_MAX >> (32 - 8 * step->width);

	return (struct event){ .kind = kinds[step->op],
			       .width = step->width,
			       .address = step->address,
			       .value = step->value,
			       .step = number,
			       .mask = step->mask == 0xffff ? all : step->mask };
}

static uint64_t to_ns(uint64_t cycles, const struct peer_clock *clock)
{
	return clock->base_ns +
	       (uint64_t)((double)(cycles - clock->base_cycles) * clock->ns_per_cycle);
}

static void add_entry(struct transcript *transcript, const struct oracle_step *steps,
		      const struct oracle_entry *entry, const struct peer_clock *clock)
{
	struct event event = { .kind = EVENT_IRQ };

	if (entry->step >= ORACLE_IRQ)
		event.address = entry->step - ORACLE_IRQ;
	else
		event = peer_event(&steps[entry->step], entry->step);
	if (event.kind != EVENT_OUT && event.kind != EVENT_WRITE)
		event.value = entry->value;
	event.before_ns = to_ns(entry->before, clock);
	event.after_ns = to_ns(entry->after, clock);
	g_array_append_val(transcript->events, event);
}

/* The masks from step @at to @end; @at_once: only to the first step that takes time. */
static uint32_t add_masks(struct transcript *transcript, const struct oracle_step *steps,
			  uint32_t at, uint32_t end, bool at_once)
{
	for (; at < end; at++) {
		if (steps[at].op == OP_MASK) {
			const struct event mask = peer_event(&steps[at], at);

			g_array_append_val(transcript->events, mask);
		} else if (steps[at].op != OP_GROUP && at_once) {
			break;
		}
	}
	return at;
}

struct transcript *peer_transcript(const GArray *steps, const char *device, bool exact,
				   const struct oracle_log *log, const struct peer_clock *clock)
{
	const struct oracle_step *const step = (const struct oracle_step *)(void *)steps->data;
	struct transcript *transcript = transcript_new(device, exact);
	uint32_t at = 0;

	for (uint32_t i = 0; i < log->entries; i++) {
		const struct oracle_entry *entry = &log->entry[i];

		if (entry->step < ORACLE_IRQ)
			at = add_masks(transcript, step, at, entry->step, false);
		add_entry(transcript, step, entry, clock);
		if (entry->step <
		    ORACLE_IRQ) /* those at once after it come before its interrupts */
			at = add_masks(transcript, step, entry->step + 1, steps->len, true);
	}
	return transcript;
}
