/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intel 8254 programmable interval timer as a PC has it: ports 0x40 .. 0x43, channel 0 on IRQ 0,
 * the gate of channel 2 and its output in port 0x61. All six modes, BCD, latch and read-back.
 *
 * How it differs from the chip (datasheet 231164-005):
 *   - a count is loaded at the write, not at the next falling edge of CLK, and each channel's CLK
 *     starts with its load: up to one period of 838 ns earlier than the chip
 *   - a read without a latch is never torn by a count that moves
 *   - while a control word waits for its count, the counting element stands still
 *   - mode 1 and 5 before their first trigger read as the count that was written
 *   - a count of 1 in modes 2 and 3, which the datasheet forbids, ticks with every CLK
 *   - an edge of the gate within one CLK is seen at once
 * The address lines of port 0x61 beyond the PIT: bits 0 to 3 read back as written, bit 4 toggles
 * every 15 us (18 clocks) as the refresh request does, bit 5 is OUT of channel 2, 6 and 7 are 0.
 */
#ifndef KVMTIME_DEVICES_I8254_H
#define KVMTIME_DEVICES_I8254_H

#include <kvmtime/devices/ticks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVT_I8254_HZ         1193182u
#define KVT_I8254_SAVE_BYTES 328u

/* Private. Times are ns since kvt_i8254_init(). */
struct kvt_i8254_channel {
	uint64_t base_ns;    /* where ticks are counted from */
	uint64_t base_ticks; /* clocks at base_ns; wraps */
	uint64_t next_edge;  /* clocks at which OUT rises next */
	uint32_t count;      /* 1 .. 65536; of BCD 1 .. 10000 */
	uint32_t next_count; /* modes 2, 3: loaded at the end of this (half) cycle; 0 = none */
	uint64_t switch_at;  /* clocks at which next_count is loaded */
	uint16_t latched_count;
	uint8_t latched_status;
	uint8_t count_latch;  /* bytes still to read from it; 0 = none */
	uint8_t status_latch; /* 1 = to be read */
	uint8_t mode;         /* 0 .. 5 */
	uint8_t access;       /* 1 = low byte, 2 = high byte, 3 = low then high */
	uint8_t bcd;
	uint8_t gate;
	uint8_t state; /* enum in i8254.c */
	uint8_t read_high;
	uint8_t write_high;
	uint8_t write_low; /* the low byte of a count half written */
};

/* Private, except for @ticks: report outcomes and acknowledges of IRQ 0 there. */
struct kvt_i8254 {
	struct kvt_ticks ticks;
	struct kvt_i8254_channel channel[3];
	uint64_t origin_ns; /* the caller's time of our zero */
	uint64_t now_ns;    /* since then; never runs back */
	uint8_t port61;
};

/**
 * kvt_i8254_init() - a PIT after power-on
 * @pit:    out
 * @config: policy of channel 0
 * @now_ns: the caller's time; from here on any time before an earlier one counts as that one
 *
 * Return: 0, or
 *   -KVT_E_ARG  @config is not valid
 * Context: freestanding; the caller serialises the calls on one PIT (true of every call here).
 */
int kvt_i8254_init(struct kvt_i8254 *pit, const struct kvt_ticks_config *config, uint64_t now_ns);

/** kvt_i8254_reset() - the machine is reset: counters stop, backlog and totals are gone */
void kvt_i8254_reset(struct kvt_i8254 *pit, uint64_t now_ns);

/**
 * kvt_i8254_out() - the guest writes a byte to port 0x40 + @offset
 * @offset: 0 .. 3; any other is ignored
 * @value:  whatever the guest chose
 * @now_ns: time
 */
void kvt_i8254_out(struct kvt_i8254 *pit, unsigned offset, uint8_t value, uint64_t now_ns);

/** kvt_i8254_in() - the guest reads port 0x40 + @offset; 3 and above read as 0 */
uint8_t kvt_i8254_in(struct kvt_i8254 *pit, unsigned offset, uint64_t now_ns);

/** kvt_i8254_port61_out() - the guest writes port 0x61: bit 0 is the gate of channel 2 */
void kvt_i8254_port61_out(struct kvt_i8254 *pit, uint8_t value, uint64_t now_ns);

/** kvt_i8254_port61_in() - the guest reads port 0x61; see the top of this file */
uint8_t kvt_i8254_port61_in(struct kvt_i8254 *pit, uint64_t now_ns);

/** kvt_i8254_output() - level of OUT of @channel (0 .. 2) now; bit 1 of port 0x61 not regarded */
bool kvt_i8254_output(struct kvt_i8254 *pit, unsigned channel, uint64_t now_ns);

/**
 * kvt_i8254_run() - let time pass; shall IRQ 0 get an edge?
 * @now_ns: time
 *
 * Return: true: inject one edge now (raise and lower), then report its outcome to
 * @pit->ticks as its feedback asks. Call again until it says false.
 */
bool kvt_i8254_run(struct kvt_i8254 *pit, uint64_t now_ns);

/**
 * kvt_i8254_next_ns() - when kvt_i8254_run() has something to do
 *
 * A guest may ask for 1.19 million ticks a second. Whoever does not want to be woken so often runs
 * it later: the policy treats the rest as missed, and that costs no more than one.
 *
 * Return: the caller's time in ns, which may be past; or KVT_NEVER.
 */
uint64_t kvt_i8254_next_ns(const struct kvt_i8254 *pit);

/**
 * kvt_i8254_save() - the state as bytes that do not depend on compiler or machine
 * @buffer:   out
 * @capacity: bytes in @buffer
 * @ret_size: out, bytes written: KVT_I8254_SAVE_BYTES
 *
 * Return: 0, or
 *   -KVT_E_SIZE  @capacity is below KVT_I8254_SAVE_BYTES
 */
int kvt_i8254_save(const struct kvt_i8254 *pit, void *buffer, size_t capacity, size_t *ret_size);

/**
 * kvt_i8254_load() - a PIT from saved bytes
 * @pit:    out; untouched on failure
 * @buffer: from kvt_i8254_save(), or from an enemy
 * @size:   bytes in @buffer
 * @now_ns: the time that stands for the moment of the save: what passed since is not seen
 *
 * Return: 0, or
 *   -KVT_E_SIZE     @size is not that of the format
 *   -KVT_E_MAGIC    not a saved PIT
 *   -KVT_E_VERSION  a version of the format from the future
 *   -KVT_E_CORRUPT  a member has a value that no PIT can have
 */
int kvt_i8254_load(struct kvt_i8254 *pit, const void *buffer, size_t size, uint64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
