/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/text.h"

int kvt_error_status(const GError *error)
{
	return error->domain == KVT_ERROR ? error->code : KVT_STATUS_REFUSED;
}

int kvt_fail(const char *verb, GError *error)
{
	const int status = kvt_error_status(error);
	g_autofree char *message = kvt_text_printable(error->message);

	kvt_text_progress(NULL);
	fprintf(stderr, "kvmtime %s: %s\n", verb, message);
	g_error_free(error);
	return status;
}

int kvt_usage(const char *verb, const char *format, ...)
{
	g_autofree char *message = NULL;
	g_autofree char *safe = NULL;
	va_list arguments;

	va_start(arguments, format);
	message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	safe = kvt_text_printable(message);
	fprintf(stderr, "kvmtime %s: %s\nTry: kvmtime %s --help\n", verb, safe, verb);
	return KVT_STATUS_USAGE;
}

bool kvt_options_parse(const char *verb, const char *synopsis, const char *description,
		       const GOptionEntry *entries, struct kvt_common *common, int *argc,
		       char ***argv, int *ret_status)
{
	g_autofree char *colour = NULL;
	gboolean help = FALSE;
	const GOptionEntry shared[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &common->json, "Print JSON", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &common->verbose, "Say more", NULL },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &common->quiet, "Only the exit status",
		  NULL },
		{ "color", 0, 0, G_OPTION_ARG_STRING, &colour, "auto, always or never", "WHEN" },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this help", NULL },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new(synopsis);
	g_autofree char *program = g_strdup_printf("kvmtime %s", verb);
	g_autoptr(GError) error = NULL;

	*common = (struct kvt_common){ 0 };
	g_set_prgname(program);
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_description(context, description);
	if (entries != NULL)
		g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, shared, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		*ret_status = kvt_usage(verb, "%s", error->message);
		return false;
	}
	if (help) {
		g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);

		printf("%s", text);
		*ret_status = KVT_STATUS_OK;
		return false;
	}
	if (!kvt_text_setup(colour)) {
		*ret_status =
			kvt_usage(verb, "--color takes auto, always or never, not '%s'", colour);
		return false;
	}
	return true;
}
