/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings in configuration files, as text in and text out: owned text (equal to what was given
 * where nothing is to be done), or NULL with KVT_STATUS_BAD_INPUT (the file is not understood, or
 * the change would not read back) or KVT_STATUS_REFUSED (the module kvmtime-fix is missing).
 * Comments, order and spacing of everything else stay.
 */
#ifndef KVT_FIX_SETTINGS_H
#define KVT_FIX_SETTINGS_H

#include "fix/words.h"

/** kvt_shell_set() - VAR=value in a file that shells read; quoted where it must be */
char *kvt_shell_set(const char *text, const char *name, const char *value, GError **error);

/**
 * kvt_shell_words() - words within the value of a variable, in every assignment of it
 * @add_here: false: only what is removed, words are added to another file
 */
char *kvt_shell_words(const char *text, const char *name, const struct kvt_word_op *ops,
		      gsize count, bool add_here, GError **error);

/** kvt_shell_assigns() - does the text assign the variable? (false too if it is not understood) */
bool kvt_shell_assigns(const char *text, const char *name);

/** kvt_shell_list_remove() - one name out of a list apart by commas */
char *kvt_shell_list_remove(const char *text, const char *name, const char *item, GError **error);

/** kvt_chrony_makestep() - "makestep THRESHOLD LIMIT" */
char *kvt_chrony_makestep(const char *text, const char *threshold, const char *limit,
			  GError **error);

/** kvt_chrony_phc() - "refclock PHC DEVICE poll 2 dpoll -2 offset 0", once */
char *kvt_chrony_phc(const char *text, const char *device, GError **error);

/** kvt_ntp_panic_off() - "tinker panic 0" as the first line */
char *kvt_ntp_panic_off(const char *text, GError **error);

/** kvt_ntp_no_local_clock() - without server and fudge 127.127.1.x */
char *kvt_ntp_no_local_clock(const char *text, GError **error);

/** kvt_ntp_no_true() - without the option "true" on server, peer and pool lines */
char *kvt_ntp_no_true(const char *text, GError **error);

/** kvt_modprobe_no_option() - without an option of a module */
char *kvt_modprobe_no_option(const char *text, const char *module, const char *option,
			     GError **error);

#endif
