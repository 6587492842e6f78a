/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/board.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/host.h"
#include "sys/error.h"

struct lab_board {
	struct lab_vm *vm;
	struct kvt_i8254 pit;
	struct kvt_mc146818 rtc;
	pthread_mutex_t lock; /* both chips */
	pthread_cond_t changed;
	pthread_t thread;
	pid_t id;
	bool quit;
	uint64_t rtc_edges; /* that the controller was told of */
	bool rtc_level;
};

/* KVM's answer: 1 = delivered, 0 = coalesced with a waiting one, -1 = masked */
static int set_line(struct lab_board *board, uint32_t irq, uint32_t level)
{
	struct kvm_irq_level line = { .irq = irq, .level = level };

	if (ioctl(board->vm->fd, KVM_IRQ_LINE_STATUS, &line) < 0)
		return 1;
	return line.status;
}

static void pulse_pit(struct lab_board *board, uint64_t now_ns)
{
	const int status = set_line(board, 0, 1);

	set_line(board, 0, 0);
	kvt_ticks_outcome(&board->pit.ticks,
			  status > 0    ? KVT_TICK_DELIVERED
			  : status == 0 ? KVT_TICK_COALESCED
					: KVT_TICK_MASKED,
			  now_ns);
}

/* A read of C can lower and raise the line in one call: the controller must see the edge. */
static void sync_rtc(struct lab_board *board)
{
	const uint64_t edges = kvt_mc146818_edges(&board->rtc);
	const bool level = kvt_mc146818_level(&board->rtc);

	if (edges != board->rtc_edges || level != board->rtc_level) {
		if (board->rtc_level)
			set_line(board, 8, 0);
		if (level)
			set_line(board, 8, 1);
	}
	board->rtc_edges = edges;
	board->rtc_level = level;
}

/* The guest's write may move the next event: the thread looks again. */
static void wake(struct lab_board *board)
{
	pthread_cond_signal(&board->changed);
}

static void pit_access(void *context, bool write, uint16_t port, unsigned int size, uint32_t *value)
{
	struct lab_board *board = context;
	const uint64_t now_ns = (uint64_t)lab_mono();

	(void)size;
	pthread_mutex_lock(&board->lock);
	if (port == 0x61 && write)
		kvt_i8254_port61_out(&board->pit, (uint8_t)*value, now_ns);
	else if (port == 0x61)
		*value = kvt_i8254_port61_in(&board->pit, now_ns);
	else if (write)
		kvt_i8254_out(&board->pit, port - 0x40u, (uint8_t)*value, now_ns);
	else
		*value = kvt_i8254_in(&board->pit, port - 0x40u, now_ns);
	wake(board);
	pthread_mutex_unlock(&board->lock);
}

static void rtc_access(void *context, bool write, uint16_t port, unsigned int size, uint32_t *value)
{
	struct lab_board *board = context;
	const uint64_t now_ns = (uint64_t)lab_mono();

	(void)size;
	pthread_mutex_lock(&board->lock);
	if (write)
		kvt_mc146818_out(&board->rtc, port - 0x70u, (uint8_t)*value, now_ns);
	else
		*value = kvt_mc146818_in(&board->rtc, port - 0x70u, now_ns);
	sync_rtc(board);
	wake(board);
	pthread_mutex_unlock(&board->lock);
}

/* One round; returns when to look again. */
static uint64_t run_chips(struct lab_board *board)
{
	const uint64_t now_ns = (uint64_t)lab_mono();

	while (kvt_i8254_run(&board->pit, now_ns))
		pulse_pit(board, now_ns);
	kvt_mc146818_run(&board->rtc, now_ns);
	sync_rtc(board);
	return MIN(kvt_i8254_next_ns(&board->pit), kvt_mc146818_next_ns(&board->rtc));
}

static void *drive(void *data)
{
	struct lab_board *board = data;

	pthread_mutex_lock(&board->lock);
	board->id = (pid_t)syscall(SYS_gettid);
	while (!board->quit) {
		const uint64_t earliest_ns = (uint64_t)lab_mono() + 50000;
		/* a guest may ask for a million ticks a second: what is missed is the policy's */
		const uint64_t next_ns = MAX(run_chips(board), earliest_ns);
		const struct timespec when = { (time_t)(next_ns / LAB_S), (long)(next_ns % LAB_S) };

		if (next_ns >= INT64_MAX)
			pthread_cond_wait(&board->changed, &board->lock);
		else
			pthread_cond_timedwait(&board->changed, &board->lock, &when);
	}
	pthread_mutex_unlock(&board->lock);
	return NULL;
}

static bool make_chips(struct lab_board *board, enum kvt_tick_policy policy, GError **error)
{
	const uint64_t now_ns = (uint64_t)lab_mono();
	const struct kvt_ticks_config pit = { .policy = (uint8_t)policy,
					      .feedback = KVT_TICK_BY_STATUS };
	const struct kvt_mc146818_config rtc = { .ticks = { .policy = (uint8_t)policy },
						 .century_register = KVT_MC146818_CENTURY };
	const struct lab_port ports[] = { { 0x40, 0x43, pit_access, board },
					  { 0x61, 0x61, pit_access, board },
					  { 0x70, 0x71, rtc_access, board } };

	if (kvt_i8254_init(&board->pit, &pit, now_ns) != 0 ||
	    kvt_mc146818_init(&board->rtc, &rtc, now_ns) != 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_USAGE, "no tick policy %d", (int)policy);
		return false;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		lab_port_add(board->vm, &ports[i]);
	return true;
}

struct lab_board *lab_board_new(struct lab_vm *vm, enum kvt_tick_policy policy, GError **error)
{
	struct lab_board *board = g_new0(struct lab_board, 1);
	pthread_condattr_t monotonic;
	int failed = 0;

	board->vm = vm;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&board->lock, NULL);
	pthread_cond_init(&board->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (make_chips(board, policy, error)) {
		failed = pthread_create(&board->thread, NULL, drive, board);
		if (failed == 0)
			return board;
		kvt_error_errno(error, "device thread", failed);
	}
	g_free(board);
	return NULL;
}

void lab_board_free(struct lab_board *board)
{
	if (board == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	board->quit = true;
	pthread_cond_signal(&board->changed);
	pthread_mutex_unlock(&board->lock);
	pthread_join(board->thread, NULL);
	pthread_mutex_destroy(&board->lock);
	pthread_cond_destroy(&board->changed);
	g_free(board);
}

pid_t lab_board_thread(struct lab_board *board)
{
	pid_t id;

	pthread_mutex_lock(&board->lock);
	id = board->id;
	pthread_mutex_unlock(&board->lock);
	return id;
}

struct kvt_ticks_counts lab_board_counts(struct lab_board *board, enum lab_device device)
{
	struct kvt_ticks_counts counts;

	pthread_mutex_lock(&board->lock);
	counts = device == LAB_DEVICE_PIT ? board->pit.ticks.counts : board->rtc.ticks.counts;
	pthread_mutex_unlock(&board->lock);
	return counts;
}
