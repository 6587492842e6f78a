/* SPDX-License-Identifier: BSD-2-Clause */
#include "guests/reach.h"

GQuark kvt_reach_quark(void)
{
	return g_quark_from_static_string("kvmtime-reach");
}

const char *kvt_reach_word(enum kvt_reach reach)
{
	static const char *const words[] = {
#define KVT_REACH_WORD(name, word) word,
		KVT_REACHES(KVT_REACH_WORD)
#undef KVT_REACH_WORD
	};

	return (guint)reach < G_N_ELEMENTS(words) ? words[reach] : "unknown";
}

enum kvt_reach kvt_reach_of(const GError *error)
{
	if (error == NULL)
		return KVT_REACH_OK;
	return error->domain == KVT_REACH_ERROR ? (enum kvt_reach)error->code : KVT_REACH_DENIED;
}

void kvt_reach_set(GError **error, enum kvt_reach reach, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, KVT_REACH_ERROR, (int)reach, message);
}
