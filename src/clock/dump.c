/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock/dump.h"

#include <stdbool.h>
#include <string.h>

#include "sys/error.h"

/* The bases that a column of offsets can be in; each line rules some out. */
static const unsigned bases[] = { 8, 10, 16 };
#define BASES     G_N_ELEMENTS(bases)
#define ALL_BASES ((1u << BASES) - 1)

struct dump {
	GByteArray *bytes;
	guint line;
	bool offsets;         /* there is a column of them */
	unsigned possible;    /* bases, a bit each */
	guint64 first[BASES]; /* offset of the first line, read in each base */
	guint last_line_bytes;
	bool star; /* "*": the last line goes on until the next offset */
	GError **error;
};

static bool fail(struct dump *dump, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(struct dump *dump, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(dump->error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "line %u: %s", dump->line,
		    message);
	return false;
}

static gsize hex_digits(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF");
}

static bool add_bytes(struct dump *dump, const guint8 *bytes, gsize size)
{
	if (dump->bytes->len + size > KVT_DUMP_BYTES)
		return fail(dump, "more than %u bytes", KVT_DUMP_BYTES);
	g_byte_array_append(dump->bytes, bytes, (guint)size);
	return true;
}

/* ---- offsets ---- */

/* All digits of the base, and not more than fit. */
static bool parse_offset(const char *token, unsigned base, guint64 *ret_offset)
{
	char *after;

	if (strlen(token) > 16 || !g_ascii_isxdigit(token[0]))
		return false;
	*ret_offset = g_ascii_strtoull(token, &after, base);
	return *after == '\0';
}

/* Repeats the last line up to an offset. */
static bool fill_to(struct dump *dump, guint64 offset)
{
	const guint last = dump->last_line_bytes;
	guint8 line[4096];

	dump->star = false;
	if (last == 0 || last > sizeof(line) || offset < dump->bytes->len ||
	    offset > KVT_DUMP_BYTES)
		return fail(dump, "'*' repeats no line");
	memcpy(line, dump->bytes->data + dump->bytes->len - last, last);
	while (dump->bytes->len < offset)
		if (!add_bytes(dump, line, MIN(last, offset - dump->bytes->len)))
			return false;
	return true;
}

/* While several bases are possible: hexdump and xxd print 8 digits or 6, od 7 octal ones. */
static unsigned likely_base(const struct dump *dump, const char *token)
{
	const unsigned octal = 0, hex = 2;
	const unsigned preferred = strlen(token) == 7 ? octal : hex;

	if ((dump->possible & 1u << preferred) != 0)
		return preferred;
	for (unsigned b = 0; b < BASES; b++)
		if ((dump->possible & 1u << b) != 0)
			return b;
	return hex;
}

static bool take_offset(struct dump *dump, const char *token, unsigned possible)
{
	guint64 offset;

	if (!dump->offsets) {
		if (dump->bytes->len != 0)
			return fail(dump, "an offset, '%.20s', but none on the lines before",
				    token);
		dump->offsets = true;
		dump->possible = possible;
		for (unsigned b = 0; b < BASES; b++)
			if (!parse_offset(token, bases[b], &dump->first[b]))
				dump->possible &= ~(1u << b);
		return dump->possible != 0 || fail(dump, "'%.20s' is no offset", token);
	}
	if (dump->star) {
		const unsigned b = likely_base(dump, token);

		if (!parse_offset(token, bases[b], &offset) || offset < dump->first[b])
			return fail(dump, "'%.20s' is no offset", token);
		return fill_to(dump, offset - dump->first[b]);
	}
	for (unsigned b = 0; b < BASES; b++)
		if (!parse_offset(token, bases[b], &offset) ||
		    offset - dump->first[b] != dump->bytes->len)
			dump->possible &= ~(1u << b);
	if (dump->possible == 0)
		return fail(dump, "a gap: offset '%.20s' does not follow %u bytes", token,
			    dump->bytes->len);
	return true;
}

/* ---- tokens ---- */

static bool take_token(struct dump *dump, const char *token, bool words)
{
	const bool number = token[0] == '0' && (token[1] == 'x' || token[1] == 'X');
	const char *digits = number ? token + 2 : token;
	const gsize count = strlen(digits);
	g_autofree guint8 *bytes = NULL;
	gsize size;

	if (count == 0 || hex_digits(digits) != count)
		return fail(dump, "'%.20s' is not hexadecimal", token);
	if (number && count == 1) { /* C: 0x0 */
		const guint8 byte = (guint8)g_ascii_xdigit_value(digits[0]);

		return add_bytes(dump, &byte, 1);
	}
	if (count % 2 != 0)
		return fail(dump, "'%.20s' has an odd number of digits", token);
	size = count / 2;
	if (words && count == 6)
		return fail(dump, "'%.20s' looks octal: print bytes, with od -t x1", token);
	if ((number || words) && size != 1 && size != 2 && size != 4 && size != 8)
		return fail(dump, "'%.20s' is no number of 8, 16, 32 or 64 bits", token);
	bytes = g_malloc(size);
	for (gsize i = 0; i < size; i++)
		bytes[number || words ? size - 1 - i : i] =
			(guint8)(g_ascii_xdigit_value(digits[2 * i]) << 4 |
				 g_ascii_xdigit_value(digits[2 * i + 1]));
	return add_bytes(dump, bytes, size);
}

/* ---- lines ---- */

/* "ADDRESS:" or gdb's "0xADDRESS <symbol+4>:"; what is behind it, or NULL */
static char *after_address(char *line, char **ret_address)
{
	char *colon = strchr(line, ':');
	char *address = line;
	gsize count;

	if (colon == NULL)
		return NULL;
	if (address[0] == '0' && address[1] == 'x')
		address += 2;
	count = hex_digits(address);
	if (count == 0 || (address + count != colon && !g_str_has_prefix(address + count, " <")))
		return NULL;
	address[count] = '\0';
	*ret_address = address;
	return colon + 1;
}

/* The offset is a first column that is wider than what follows, or has a digit too many. */
static bool begins_with_offset(char *const *tokens)
{
	const gsize first = strlen(tokens[0]), second = tokens[1] != NULL ? strlen(tokens[1]) : 0;

	if (tokens[1] == NULL || hex_digits(tokens[0]) != first)
		return false;
	return first == 7 || (first >= 6 && second == 2);
}

static char **tokens_of(const char *text)
{
	GStrv all = g_strsplit_set(text, " \t,", -1);
	guint kept = 0;

	for (guint i = 0; all[i] != NULL; i++) {
		if (all[i][0] == '\0')
			g_free(all[i]);
		else
			all[kept++] = all[i];
	}
	all[kept] = NULL;
	return all;
}

static bool take_tokens(struct dump *dump, char *const *tokens, bool words)
{
	const guint before = dump->bytes->len;

	for (; *tokens != NULL; tokens++)
		if (!take_token(dump, *tokens, words))
			return false;
	dump->last_line_bytes = dump->bytes->len - before;
	return true;
}

static bool take_line(struct dump *dump, char *line)
{
	const unsigned hex_only = 1u << 2;
	g_auto(GStrv) tokens = NULL;
	char *address, *rest;

	g_strstrip(line);
	if (line[0] == '\0' || line[0] == '#')
		return true;
	if (strcmp(line, "*") == 0) {
		dump->star = true;
		return dump->offsets || fail(dump, "'*' without offsets");
	}
	rest = after_address(line, &address);
	if (rest != NULL) {
		char *ascii = strstr(rest + strspn(rest, " \t"), "  ");

		if (ascii != NULL)
			*ascii = '\0';
		tokens = tokens_of(rest);
		return take_offset(dump, address, hex_only) && take_tokens(dump, tokens, false);
	}
	line[strcspn(line, "|>")] = '\0';
	tokens = tokens_of(line);
	if (tokens[0] == NULL)
		return true;
	if (dump->offsets && tokens[1] == NULL) /* the last line of od and hexdump */
		return take_offset(dump, tokens[0], ALL_BASES);
	if (dump->star)
		return fail(dump, "an offset has to follow '*'");
	if (dump->offsets || begins_with_offset(tokens))
		return take_offset(dump, tokens[0], ALL_BASES) &&
		       take_tokens(dump, tokens + 1, strlen(tokens[1]) > 2);
	return take_tokens(dump, tokens, false);
}

static bool is_text(const char *input, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isprint(input[i]) && strchr("\t\n\r\f", input[i]) == NULL)
			return false;
	return memchr(input, '\0', size) == NULL;
}

static bool parse_text(struct dump *dump, const char *input, gsize size)
{
	g_autofree char *text = g_strndup(input, size);
	char *open = strchr(text, '{'), *close = strrchr(text, '}');
	char *line = text;

	if (open != NULL && close != NULL && open < close) { /* a C array */
		*close = '\0';
		line = open + 1;
	}

	while (line != NULL) {
		char *next = strchr(line, '\n');

		if (next != NULL)
			*next++ = '\0';
		dump->line++;
		if (!take_line(dump, line))
			return false;
		line = next;
	}
	return !dump->star || fail(dump, "the dump ends with '*'");
}

GByteArray *kvt_dump_parse(const char *input, gsize size, GError **error)
{
	struct dump dump = { .error = error };
	bool good;

	if (size == 0) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "nothing in it");
		return NULL;
	}
	dump.bytes = g_byte_array_new();
	if (is_text(input, size)) {
		good = parse_text(&dump, input, size);
		if (good && dump.bytes->len == 0)
			good = fail(&dump, "no bytes in this text");
	} else {
		dump.line = 1;
		good = add_bytes(&dump, (const guint8 *)input, size);
	}
	if (good)
		return dump.bytes;
	g_byte_array_free(dump.bytes, TRUE);
	return NULL;
}
