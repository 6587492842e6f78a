/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's devices through its qtest socket: no processor, and its clock goes only as far as it is
 * told. Debian's QEMU has no such accelerator; QEMU_MODULE_DIR can name a folder with its module.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

#define GAP_NS 60u /* between accesses */

struct session {
	GPid pid;
	FILE *to, *from;
	char *errors; /* file */
	struct transcript *transcript;
	uint64_t now_ns;
	uint64_t piece_ns; /* interrupts are known as exactly as this */
	uint32_t masked;
};

/* ---- the protocol: a line, then lines of interrupts and one of "OK" ---- */

static void note_irq(struct session *session, unsigned pin, uint64_t wait_ns)
{
	/* an I/O APIC has IRQ 0 at its pin 2 */
	struct event event = { .kind = EVENT_IRQ, .address = pin == 2 ? 0 : pin };

	event.before_ns = session->now_ns;
	event.after_ns = session->now_ns + wait_ns;
	if (event.address < 16 && !(session->masked & 1u << event.address))
		g_array_append_val(session->transcript->events, event);
}

/* @wait_ns: how long the command lets time pass */
static bool command(struct session *session, uint64_t wait_ns, uint64_t *ret_value,
		    const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool command(struct session *session, uint64_t wait_ns, uint64_t *ret_value,
		    const char *format, ...)
{
	char line[256];
	unsigned pin;
	va_list arguments;

	va_start(arguments, format);
	vfprintf(session->to, format, arguments);
	va_end(arguments);
	fputc('\n', session->to);
	fflush(session->to);
	session->now_ns += wait_ns;
	while (fgets(line, sizeof(line), session->from) != NULL) {
		if (sscanf(line, "IRQ raise %u", &pin) == 1)
			note_irq(session, pin, wait_ns);
		if (strncmp(line, "OK", 2) == 0) {
			if (ret_value != NULL)
				*ret_value = g_ascii_strtoull(line + 2, NULL, 0);
			return true;
		}
		if (strncmp(line, "FAIL", 4) == 0 || strncmp(line, "ERR", 3) == 0)
			return false;
	}
	return false;
}

static bool pass(struct session *session, uint64_t ns)
{
	const bool quiet = (session->masked & 0x101) == 0x101;

	while (ns > 0) {
		const uint64_t piece = quiet ? ns : MIN(ns, session->piece_ns);

		if (!command(session, piece, NULL, "clock_step %" G_GUINT64_FORMAT, piece))
			return false;
		ns -= piece;
	}
	return true;
}

static bool access_device(struct session *session, const struct oracle_step *step, uint32_t number)
{
	const char size = step->width == 1 ? 'b' : step->width == 2 ? 'w' : 'l';
	struct event event = peer_event(step, number);
	uint64_t value = 0;
	bool ok = pass(session, GAP_NS);

	event.before_ns = event.after_ns = session->now_ns;
	switch (step->op) {
	case OP_OUT:
		g_array_append_val(session->transcript->events, event);
		return ok && command(session, 0, NULL, "out%c 0x%x 0x%x", size, step->address,
				     step->value);
	case OP_WRITE:
		g_array_append_val(session->transcript->events, event);
		return ok &&
		       command(session, 0, NULL, "writel 0x%x 0x%x", step->address, step->value);
	case OP_IN:
		ok = ok && command(session, 0, &value, "in%c 0x%x", size, step->address);
		break;
	default:
		ok = ok && command(session, 0, &value, "readl 0x%x", step->address);
	}
	event.value = (uint32_t)value;
	g_array_append_val(session->transcript->events, event);
	return ok;
}

static bool play(struct session *session, const GArray *steps)
{
	bool ok = command(session, 0, NULL, "irq_intercept_in ioapic");

	for (guint i = 0; i < steps->len && ok; i++) {
		const struct oracle_step *step = &g_array_index(steps, struct oracle_step, i);
		const struct event event = peer_event(step, i);

		switch (step->op) {
		case OP_WAIT:
		case OP_SPIN:
			ok = pass(session, step->value);
			break;
		case OP_MASK:
			session->masked = step->value;
			g_array_append_val(session->transcript->events, event);
			break;
		case OP_GROUP:
			break;
		default:
			ok = access_device(session, step, i);
		}
	}
	return ok;
}

/* ---- the process ---- */

static bool start(struct session *session, GError **error)
{
	const char *argv[] = { "qemu-system-x86_64",
			       "-machine",
			       "pc",
			       "-accel",
			       "qtest",
			       "-display",
			       "none",
			       "-nodefaults",
			       "-qtest",
			       "stdio",
			       "-rtc",
			       "base=2020-01-01T00:00:00,clock=vm",
			       NULL };
	gint to, from, errors;

	signal(SIGPIPE, SIG_IGN); /* of one that ended at once */
	errors = g_file_open_tmp("kvt-qtest-XXXXXX", &session->errors, error);
	if (errors < 0)
		return false;
	if (!g_spawn_async_with_pipes_and_fds(
		    NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
		    -1, -1, errors, NULL, NULL, 0, &session->pid, &to, &from, NULL, error)) {
		close(errors);
		return false;
	}
	close(errors);
	session->to = fdopen(to, "w");
	session->from = fdopen(from, "r");
	return true;
}

static void stop(struct session *session)
{
	if (session->pid != 0) {
		(void)kill(session->pid, SIGTERM);
		fclose(session->to);
		fclose(session->from);
		(void)waitpid(session->pid, NULL, 0);
	}
	if (session->errors != NULL)
		(void)unlink(session->errors);
	g_free(session->errors);
}

static char *first_error(const struct session *session)
{
	g_autofree char *text = NULL;

	if (session->errors == NULL || !g_file_get_contents(session->errors, &text, NULL, NULL) ||
	    text[0] == '\0')
		return g_strdup("QEMU's qtest does not answer");
	return g_strdup(g_strstrip(g_strdelimit(text, "\n", ' ')));
}

static char *why_not(void)
{
	struct session session = { .masked = 0xffff };
	g_autoptr(GError) error = NULL;
	char *reason = NULL;

	if (!start(&session, &error))
		reason = g_strdup(error->message);
	else if (!command(&session, 1, NULL, "clock_step 1"))
		reason = first_error(&session);
	stop(&session);
	return reason;
}

static struct transcript *run(const GArray *steps, const char *device, GError **error)
{
	struct session session = { .masked = 0xffff,
				   .piece_ns = strcmp(device, "mc146818") == 0 ? 50000 : 10000,
				   .transcript = transcript_new(device, true) };
	g_autofree char *reason = NULL;

	if (start(&session, error) && !play(&session, steps)) {
		reason = first_error(&session);
		g_set_error(error, PEER_ERROR, 0, "%s", reason);
	}
	stop(&session);
	if (*error == NULL)
		return session.transcript;
	transcript_free(session.transcript);
	return NULL;
}

const struct peer peer_qtest = { "qtest", why_not, run };
