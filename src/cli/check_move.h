/* SPDX-License-Identifier: BSD-2-Clause */
/* check --move: may a guest move between these hosts, as far as time goes? */
#ifndef KVT_CLI_CHECK_MOVE_H
#define KVT_CLI_CHECK_MOVE_H

#include "cli/options.h"

/**
 * kvt_check_move() - judge every pair of hosts, in both directions
 * @count, @names: targets: two or more hosts, and at most one VM definition; "/" is this machine
 *
 * Return: exit status: 1 if a pair wants care or is blocked.
 */
int kvt_check_move(const struct kvt_common *common, int count, char **names);

#endif
