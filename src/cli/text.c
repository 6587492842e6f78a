/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct {
	bool colour;
	bool tty;
	int columns;
} text = { .columns = 80 };

bool kvt_text_setup(const char *when)
{
	const char *term = g_getenv("TERM");
	const char *no_color = g_getenv("NO_COLOR");
	const bool dumb = term == NULL || strcmp(term, "dumb") == 0;
	struct winsize size;

	text.tty = isatty(STDOUT_FILENO) && !dumb;
	text.columns = 80;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col > 0)
		text.columns = CLAMP(size.ws_col, 40, 100);
	if (when == NULL || strcmp(when, "auto") == 0)
		text.colour = text.tty && (no_color == NULL || no_color[0] == '\0');
	else if (strcmp(when, "always") == 0)
		text.colour = true;
	else if (strcmp(when, "never") == 0)
		text.colour = false;
	else
		return false;
	return true;
}

int kvt_text_columns(void)
{
	return text.columns;
}

bool kvt_text_is_tty(void)
{
	return text.tty;
}

char *kvt_text_paint(enum kvt_colour colour, const char *string)
{
	static const char *const codes[] = {
		[KVT_BOLD] = "1",   [KVT_RED] = "1;31", [KVT_YELLOW] = "33",
		[KVT_GREEN] = "32", [KVT_CYAN] = "36",  [KVT_DIM] = "2",
	};

	if (!text.colour || colour == KVT_PLAIN)
		return g_strdup(string);
	return g_strdup_printf("\033[%sm%s\033[0m", codes[colour], string);
}

const char *kvt_text_symbol(const char *utf8, const char *ascii)
{
	return g_get_charset(NULL) ? utf8 : ascii;
}

char *kvt_text_printable(const char *string)
{
	g_autofree char *valid = g_utf8_make_valid(string, -1);
	GString *safe = g_string_new(NULL);

	for (char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		const gunichar u = g_utf8_get_char(c);

		if (u == '\t')
			g_string_append_c(safe, ' ');
		else if (g_unichar_iscntrl(u) || (u >= 0x202a && u <= 0x202e) ||
			 (u >= 0x2066 && u <= 0x2069) || (u > 0x7f && !g_get_charset(NULL)))
			g_string_append_c(safe, '?');
		else
			g_string_append_unichar(safe, u);
	}
	return g_string_free(safe, FALSE);
}

/* three significant digits, no exponent */
static char *digits(double value, const char *sign, const char *unit)
{
	const int after = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;

	return g_strdup_printf("%s%.*f %s", sign, value == floor(value) ? 0 : after, value, unit);
}

char *kvt_text_ns(double ns, bool signed_)
{
	const char *sign = ns < 0 ? "-" : signed_ && ns > 0 ? "+" : "";
	const double size = fabs(ns);
	guint64 minutes;

	if (size < 999.5)
		return digits(size, sign, "ns");
	if (size < 999.5e3)
		return digits(size / 1e3, sign, "us");
	if (size < 999.5e6)
		return digits(size / 1e6, sign, "ms");
	if (size < 600e9 || size > 1e18)
		return digits(size / 1e9, sign, "s");
	minutes = (guint64)(size / 60e9 + 0.5);
	if (minutes < 60)
		return g_strdup_printf("%s%" G_GUINT64_FORMAT " min", sign, minutes);
	if (minutes < 48 * 60)
		return g_strdup_printf("%s%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min", sign,
				       minutes / 60, minutes % 60);
	return g_strdup_printf("%s%" G_GUINT64_FORMAT " d %" G_GUINT64_FORMAT " h", sign,
			       minutes / 1440, minutes % 1440 / 60);
}

char *kvt_text_offset(double ns, double bound_ns)
{
	g_autofree char *value = kvt_text_ns(ns, true);
	g_autofree char *bound = kvt_text_ns(bound_ns, false);
	const char *status = fabs(ns) <= bound_ns ? "none seen" : ns > 0 ? "ahead" : "behind";

	return g_strdup_printf("%s %s %s, %s", value, kvt_text_symbol("±", "+-"), bound, status);
}

void kvt_text_wrap(int indent, const char *string)
{
	g_auto(GStrv) words = g_strsplit_set(string, " \n", -1);
	int column = 0;

	for (guint i = 0; words[i] != NULL; i++) {
		const int width = (int)g_utf8_strlen(words[i], -1);

		if (width == 0)
			continue;
		if (column > 0 && column + 1 + width > text.columns) {
			printf("\n");
			column = 0;
		}
		if (column == 0)
			column = indent + width, printf("%*s%s", indent, "", words[i]);
		else
			column += 1 + width, printf(" %s", words[i]);
	}
	printf("\n");
}

/* width on the screen: escape sequences of kvt_text_paint() take none */
static int screen_width(char *cell)
{
	int width = 0;

	for (char *c = cell; *c != '\0'; c = g_utf8_next_char(c)) {
		if (*c == '\033') {
			c = strchr(c, 'm');
			if (c == NULL)
				break;
			continue;
		}
		width++;
	}
	return width;
}

void kvt_text_table(const GPtrArray *rows, const char *right)
{
	int widths[32] = { 0 };
	const guint letters = (guint)strlen(right);

	for (guint r = 0; r < rows->len; r++) {
		char *const *cells = rows->pdata[r];

		for (guint c = 0; cells[c] != NULL && c < G_N_ELEMENTS(widths); c++)
			widths[c] = MAX(widths[c], screen_width(cells[c]));
	}
	for (guint r = 0; r < rows->len; r++) {
		char *const *cells = rows->pdata[r];

		for (guint c = 0; cells[c] != NULL && c < G_N_ELEMENTS(widths); c++) {
			const int pad = widths[c] - screen_width(cells[c]);
			const bool is_right = c < letters && right[c] == 'r';
			const bool last = cells[c + 1] == NULL;

			printf("%s%*s%s%*s", c > 0 ? "  " : "", is_right ? pad : 0, "", cells[c],
			       is_right || last ? 0 : pad, "");
		}
		printf("\n");
	}
}

void kvt_text_progress(const char *string)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s", string != NULL ? string : "");
	fflush(stderr);
}
