/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/daemon.h"

#include <math.h>
#include <string.h>

#include "guests/exec.h"
#include "guests/reach.h"

#define FIELDS     14
#define TIMEOUT_US (10 * G_USEC_PER_SEC)

/* Prints "fresh" if the time of the last update has changed, then the state. */
static const char measuring_script[] =
	"was=$(chronyc -n -c tracking) || exit 1; chronyc burst 1/4 >/dev/null || exit 1; n=0\n"
	"while [ $n -lt 40 ]; do\n"
	"sleep 0.1; n=$((n+1)); now=$(chronyc -n -c tracking) || exit 1\n"
	"[ \"$(echo \"$now\" | cut -d , -f 4)\" = \"$(echo \"$was\" | cut -d , -f 4)\" ] || "
	"{ echo fresh; break; }\n"
	"done; echo \"$now\"\n";

static bool read_seconds(const char *text, int64_t *ret_ns)
{
	char *end;
	const double value = g_ascii_strtod(text, &end);

	if (end == text || *end != '\0' || !(fabs(value) < 1e9))
		return false;
	*ret_ns = (int64_t)(value * 1e9);
	return true;
}

bool kvt_daemon_parse(const char *line, struct kvt_daemon *ret_daemon)
{
	g_auto(GStrv) field = g_strsplit(line, ",", FIELDS + 1);
	struct kvt_daemon daemon = { .known = true };
	int64_t delay_ns, dispersion_ns;

	if (g_strv_length(field) != FIELDS)
		return false;
	g_strchomp(field[FIELDS - 1]);
	if (!read_seconds(field[4], &daemon.behind_ns) || !read_seconds(field[10], &delay_ns) ||
	    !read_seconds(field[11], &dispersion_ns))
		return false;
	daemon.error_ns = ABS(delay_ns) / 2 + ABS(dispersion_ns);
	daemon.synchronised = strcmp(field[FIELDS - 1], "Not synchronised") != 0 &&
			      strcmp(field[0], "00000000") != 0;
	*ret_daemon = daemon;
	return true;
}

bool kvt_daemon_ask(struct kvt_path *path, bool measure, struct kvt_daemon *ret_daemon,
		    GError **error)
{
	GString *bytes = kvt_exec_script(
		path, measure ? measuring_script : "chronyc -n -c tracking", TIMEOUT_US, error);
	g_autofree char *text = bytes != NULL ? g_string_free(bytes, FALSE) : NULL;
	const char *line = text;
	bool fresh;

	if (text == NULL)
		return false;
	fresh = g_str_has_prefix(text, "fresh\n");
	if (fresh)
		line += strlen("fresh\n");
	if (!kvt_daemon_parse(line, ret_daemon)) {
		kvt_reach_set(error, KVT_REACH_REFUSED, "chronyc in the guest: %.80s", line);
		return false;
	}
	ret_daemon->fresh = fresh;
	return true;
}
