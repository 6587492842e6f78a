/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/cpuinfo.h"

#include <string.h>

static const struct {
	const char *word;
	unsigned flag;
} flags[] = {
	{ "constant_tsc", KVT_CPU_CONSTANT_TSC },
	{ "nonstop_tsc", KVT_CPU_NONSTOP_TSC },
	{ "tsc_reliable", KVT_CPU_TSC_RELIABLE },
	{ "tsc_known_freq", KVT_CPU_TSC_KNOWN_FREQ },
	{ "tsc_adjust", KVT_CPU_TSC_ADJUST },
	{ "tsc_scale", KVT_CPU_TSC_SCALE },
	{ "tsc_scaling", KVT_CPU_TSC_SCALE },
	{ "hypervisor", KVT_CPU_HYPERVISOR },
	{ "tsc", KVT_CPU_TSC },
	{ "vmx", KVT_CPU_VIRT },
	{ "svm", KVT_CPU_VIRT },
};

struct line {
	const char *key, *value;
	gsize key_len, value_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool split(const char *text, gsize len, struct line *line)
{
	const char *colon = memchr(text, ':', len);

	if (colon == NULL)
		return false;
	line->key = text;
	line->key_len = (gsize)(colon - text);
	while (line->key_len > 0 && is_blank(text[line->key_len - 1]))
		line->key_len--;
	line->value = colon + 1;
	line->value_len = len - (gsize)(colon + 1 - text);
	while (line->value_len > 0 && is_blank(*line->value))
		line->value++, line->value_len--;
	return true;
}

static bool key_is(const struct line *line, const char *key)
{
	return line->key_len == strlen(key) && memcmp(line->key, key, line->key_len) == 0;
}

static void copy(const struct line *line, char *to, gsize size)
{
	const gsize len = MIN(line->value_len, size - 1);

	if (to[0] != '\0')
		return;
	memcpy(to, line->value, len);
	to[len] = '\0';
}

/* decimal, at most nine digits; -1 = none */
static int number(const struct line *line)
{
	int n = 0;

	if (line->value_len == 0 || !g_ascii_isdigit(line->value[0]))
		return -1;
	for (gsize i = 0; i < MIN(line->value_len, 9) && g_ascii_isdigit(line->value[i]); i++)
		n = n * 10 + (line->value[i] - '0');
	return n;
}

static unsigned flags_of(const struct line *line)
{
	unsigned found = 0;

	for (gsize i = 0; i < line->value_len;) {
		gsize end = i;

		while (end < line->value_len && !is_blank(line->value[end]))
			end++;
		for (guint f = 0; f < G_N_ELEMENTS(flags); f++)
			if (strlen(flags[f].word) == end - i &&
			    memcmp(flags[f].word, line->value + i, end - i) == 0)
				found |= flags[f].flag;
		i = end + 1;
	}
	return found;
}

static double mhz_of(const struct line *line)
{
	char digits[32];
	const gsize len = MIN(line->value_len, sizeof(digits) - 1);

	memcpy(digits, line->value, len);
	digits[len] = '\0';
	return g_ascii_strtod(digits, NULL);
}

static void take(struct kvt_cpuinfo *info, const struct line *line, GHashTable *packages)
{
	if (key_is(line, "processor") && number(line) >= 0)
		info->count++;
	else if (key_is(line, "vendor_id"))
		copy(line, info->vendor, sizeof(info->vendor));
	else if (key_is(line, "model name"))
		copy(line, info->name, sizeof(info->name));
	else if (key_is(line, "cpu family") && info->family < 0)
		info->family = number(line);
	else if (key_is(line, "model") && info->model < 0)
		info->model = number(line);
	else if (key_is(line, "cpu MHz") && info->mhz <= 0)
		info->mhz = mhz_of(line);
	else if (key_is(line, "physical id") && number(line) >= 0)
		g_hash_table_add(packages, GINT_TO_POINTER(number(line) + 1));
	else if (key_is(line, "vmx flags"))
		info->any |= flags_of(line); /* tsc_scaling stands there */
	else if (key_is(line, "flags")) {
		const unsigned here = flags_of(line);

		info->all = info->has_flags ? info->all & here : here;
		info->any |= here;
		info->has_flags = true;
	}
}

void kvt_cpuinfo_parse(const char *text, gsize len, struct kvt_cpuinfo *ret_info)
{
	struct kvt_cpuinfo info = { .family = -1, .model = -1 };
	g_autoptr(GHashTable) packages = g_hash_table_new(g_direct_hash, g_direct_equal);

	for (const char *end = text + len; text < end;) {
		const char *eol = memchr(text, '\n', (gsize)(end - text));
		const gsize size = (gsize)((eol != NULL ? eol : end) - text);
		struct line line;

		if (split(text, size, &line))
			take(&info, &line, packages);
		text += size + 1;
	}
	info.packages = g_hash_table_size(packages);
	*ret_info = info;
}
