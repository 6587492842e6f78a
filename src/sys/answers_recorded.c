/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kvmtime/error.h>
#include "sys/answers.h"
#include "sys/error.h"

/* As much of a log in a record as is looked at; a log given by itself has no such bound. */
#define LOG_LIMIT (256u << 20)

static char *own_file(const struct kvt_root *root, const char *name)
{
	g_autofree char *path = g_strdup_printf("/kvmtime/%s", name);

	return kvt_root_read(root, path, KVT_ROOT_FILE_LIMIT, NULL, NULL);
}

static int recorded_cpuid(void *user, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	g_autofree char *text = own_file(user, "cpuid");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		unsigned l, s, r[4];

		if (sscanf(lines[i], "%x %x %x %x %x %x", &l, &s, &r[0], &r[1], &r[2], &r[3]) !=
			    6 ||
		    l != leaf || s != subleaf)
			continue;
		for (int j = 0; j < 4; j++)
			ret_regs[j] = r[j];
		return 0;
	}
	return -KVT_E_ABSENT;
}

/* The rest of the line that begins with the word @key, or NULL; owned. */
static char *value_of(char *const *lines, const char *key)
{
	const gsize len = strlen(key);

	for (guint i = 0; lines[i] != NULL; i++)
		if (strncmp(lines[i], key, len) == 0 && lines[i][len] == ' ')
			return g_strstrip(g_strdup(lines[i] + len + 1));
	return NULL;
}

static int64_t int_of(char *const *lines, const char *key)
{
	g_autofree char *value = value_of(lines, key);

	return value != NULL ? g_ascii_strtoll(value, NULL, 10) : 0;
}

static int recorded_ntp(void *user, struct kvt_ntp_state *ret_state)
{
	g_autofree char *text = own_file(user, "adjtimex");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	g_autofree char *synchronised = value_of(lines, "synchronised");
	g_autofree char *frequency = value_of(lines, "frequency_ppm");
	g_autofree char *only = NULL;

	if (synchronised == NULL)
		return -KVT_E_ABSENT;
	only = value_of(lines, "only");
	*ret_state = (struct kvt_ntp_state){
		.only_flag = only != NULL,
		.synchronised = strcmp(synchronised, "yes") == 0,
		.offset_ns = int_of(lines, "offset_ns"),
		.frequency_ppm = frequency != NULL ? g_ascii_strtod(frequency, NULL) : 0,
		.maxerror_us = int_of(lines, "maxerror_us"),
		.esterror_us = int_of(lines, "esterror_us"),
		.status = (int)int_of(lines, "status"),
	};
	return 0;
}

static int recorded_uname(void *user, struct kvt_uname *ret_name)
{
	g_autofree char *text = own_file(user, "uname");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	g_autofree char *release = value_of(lines, "release");
	g_autofree char *version = value_of(lines, "version");
	g_autofree char *machine = value_of(lines, "machine");

	if (release == NULL)
		return -KVT_E_ABSENT;
	g_strlcpy(ret_name->release, release, sizeof(ret_name->release));
	g_strlcpy(ret_name->version, version != NULL ? version : "", sizeof(ret_name->version));
	g_strlcpy(ret_name->machine, machine != NULL ? machine : "", sizeof(ret_name->machine));
	return 0;
}

static char *recorded_log(void *user, gsize *ret_len, GError **error)
{
	/* our own record; sosreports; images, whose newest boot's messages those files hold */
	static const char *const paths[] = {
		"/kvmtime/log",
		"/sos_commands/kernel/dmesg",
		"/sos_commands/kernel/dmesg_-T",
		"/sos_commands/general/dmesg",
		"/sos_commands/startup/dmesg",
		"/var/log/dmesg",
		"/var/log/kern.log",
		"/var/log/messages",
	};
	g_autoptr(GError) first = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
		char *text = kvt_root_read_head(user, paths[i], LOG_LIMIT, ret_len,
						first == NULL ? &first : NULL);

		if (text != NULL)
			return text;
	}
	g_propagate_error(error, g_steal_pointer(&first));
	return NULL;
}

static char *recorded_processes(void *user, const char *const *names)
{
	g_autofree char *text = own_file(user, "processes");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	GString *kept;

	if (text == NULL)
		return NULL;
	kept = g_string_new(NULL);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);

		if (g_strv_length(words) >= 2 && g_strv_contains(names, words[1]))
			g_string_append_printf(kept, "%s\n", lines[i]);
	}
	return g_string_free(kept, FALSE);
}

static char *recorded_query(void *user, const char *question)
{
	return own_file(user, question);
}

void kvt_answers_recorded(const struct kvt_root *root, struct kvt_answers *ret_answers)
{
	*ret_answers = (struct kvt_answers){
		.cpuid = recorded_cpuid,
		.ntp = recorded_ntp,
		.uname = recorded_uname,
		.log = recorded_log,
		.processes = recorded_processes,
		.query = recorded_query,
		.is_root = true, /* whoever recorded it: what is lacking is lacking */
		.user = (void *)(guintptr)root,
	};
}
