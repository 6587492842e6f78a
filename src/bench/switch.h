/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the machine's clock source for a while, and having it back whatever happens: a guardian
 * process waits for the end of this one, and if that was not orderly (SIGKILL, a crash), it puts
 * the original source back itself.
 *
 * Root only. The folder is an argument, so that tests can bring one of their own.
 */
#ifndef KVT_BENCH_SWITCH_H
#define KVT_BENCH_SWITCH_H

#include <stdbool.h>

#include <glib.h>

#include "sys/root.h"

#define KVT_CLOCKSOURCE_FOLDER "/sys/devices/system/clocksource/clocksource0"

struct kvt_switch;

/**
 * kvt_switch_open() - take the clock source in hand and start the guardian
 * @folder: KVT_CLOCKSOURCE_FOLDER
 * @error:  out; KVT_STATUS_REFUSED: no permission, no such folder, or another process has it in
 *          hand (the folder is locked)
 *
 * Context: forks. The guardian has its own session, no open files but its own, and ignores the
 * signals that a terminal sends.
 *
 * Return: owned, or NULL.
 */
struct kvt_switch *kvt_switch_open(const char *folder, GError **error);

/** kvt_switch_original() - the source that was current when it was opened; borrowed */
const char *kvt_switch_original(const struct kvt_switch *sw);

/** kvt_switch_current() - the source that is current now; owned, NULL if it cannot be read */
char *kvt_switch_current(const struct kvt_switch *sw);

/**
 * kvt_switch_to() - make a source the current one
 * @source: a name from available_clocksource. Others are not tried: the kernel accepts any text,
 *          and answers an unknown name with the source that it rates best.
 * @error:  out; KVT_STATUS_REFUSED if the name is not available, the guardian is gone, or the
 *          kernel did not take it (read back)
 */
bool kvt_switch_to(struct kvt_switch *sw, const char *source, GError **error);

/**
 * kvt_switch_close() - put the original source back, end the guardian and free
 * @error: out; KVT_STATUS_REFUSED, naming the source that is current instead
 */
bool kvt_switch_close(struct kvt_switch *sw, GError **error);

/**
 * kvt_running_vms() - the virtual machines that run on this one
 * @root: machine
 *
 * Every process that holds a VM of KVM open.
 *
 * Return: owned array of owned texts, e.g. "web1 (qemu-system-x86, process 4711)".
 */
GPtrArray *kvt_running_vms(const struct kvt_root *root);

#endif
