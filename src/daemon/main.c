/* SPDX-License-Identifier: BSD-2-Clause */
/* kvmtimed: keeps the clocks of this host's guests right. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/text.h"
#include "config.h"
#include "daemon/conf.h"
#include "daemon/daemon.h"
#include "daemon/follow.h"
#include "daemon/log.h"
#include "sys/error.h"

#define DEFAULT_CONFIG "/etc/kvmtime/kvmtimed.conf"

static const char description[] =
	"Runs in the foreground until it is told to end. When a guest was paused, saved, migrated, or\n"
	"the host has slept, its clock is measured through the guest agent, set once, and read back;\n"
	"what was found and what is left is logged and told to Prometheus. SIGHUP reads the\n"
	"configuration anew; a bad one changes nothing.\n\n"
	"  kvmtimed                                as the configuration says, or by default\n"
	"  kvmtimed --check-config                 is the configuration good?\n"
	"  kvmtimed --guest                        inside a guest: what can be followed?\n"
	"  curl http://127.0.0.1:9977/metrics      what it tells\n\n"
	"Exit status: 0 ended by a signal (--guest: nothing to do), 1 --guest: not done yet, 2 usage, 3 the system refused, 4 bad configuration.";

struct arguments {
	char *config, *state;
	char *root;
	gboolean check_config, version, guest, servo, apply, step_back;
};

/* The manager's folder; else root's; else the user's own. */
static char *default_state(void)
{
	const char *given = getenv("STATE_DIRECTORY");

	if (given != NULL)
		return g_strdup(given);
	if (geteuid() == 0)
		return g_strdup("/var/lib/kvmtimed");
	return g_build_filename(g_get_home_dir(), ".local", "state", "kvmtimed", NULL);
}

static int fail(GError *error)
{
	const int status = error->domain == KVT_ERROR ? error->code : KVT_STATUS_REFUSED;

	kvt_say(KVT_LOG_ERR, NULL, "%s", error->message);
	g_error_free(error);
	return status;
}

static int check_config(const struct kvt_daemon_options *options)
{
	GError *error = NULL;
	struct kvt_daemon_config *config =
		kvt_config_load(options->config, options->config_named, &error);

	if (config == NULL)
		return fail(error);
	kvt_config_free(config);
	printf("%s: good\n", options->config);
	return KVT_STATUS_OK;
}

static int follow(const struct arguments *a)
{
	const struct kvt_follow_options options = { .root = a->root != NULL ? a->root : "/",
						    .apply = a->apply,
						    .servo = a->servo,
						    .step_back = a->step_back };
	GError *error = NULL;
	const int status = kvt_follow_run(&options, &error);

	return status >= 0 ? status : fail(error);
}

static int run(const struct arguments *a)
{
	g_autofree char *state = a->state != NULL ? g_strdup(a->state) : default_state();
	const struct kvt_daemon_options options = { .config = a->config != NULL ? a->config
										: DEFAULT_CONFIG,
						    .config_named = a->config != NULL,
						    .state = state };
	GError *error = NULL;

	if (a->check_config)
		return check_config(&options);
	_exit(kvt_daemon_run(&options, &error) ? KVT_STATUS_OK : fail(error));
}

static bool parse(struct arguments *a, int *argc, char ***argv)
{
	const GOptionEntry entries[] = {
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &a->config,
		  "Configuration (" DEFAULT_CONFIG ")", "FILE" },
		{ "state", 0, 0, G_OPTION_ARG_FILENAME, &a->state,
		  "Folder for what must outlive a restart", "FOLDER" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &a->check_config,
		  "Read the configuration and end", NULL },
		{ "guest", 0, 0, G_OPTION_ARG_NONE, &a->guest,
		  "Inside a guest: what of the host's time can be followed?", NULL },
		{ "apply", 0, 0, G_OPTION_ARG_NONE, &a->apply,
		  "With --guest: let chronyd follow it (journalled; kvmtime undo takes it back)",
		  NULL },
		{ "servo", 0, 0, G_OPTION_ARG_NONE, &a->servo,
		  "With --guest: discipline the clock without chronyd, until SIGTERM", NULL },
		{ "step-back", 0, 0, G_OPTION_ARG_NONE, &a->step_back,
		  "With --servo: a clock that is ahead may be stepped back", NULL },
		{ "root", 0, 0, G_OPTION_ARG_FILENAME, &a->root,
		  "With --guest: the files of another machine (/)", "FOLDER" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &a->version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_summary(context, "Keep the clocks of this host's guests right.");
	g_option_context_set_description(context, description);
	if (g_option_context_parse(context, argc, argv, &error) && *argc == 1 &&
	    (a->guest || !(a->apply || a->servo || a->step_back || a->root != NULL)) &&
	    !(a->apply && a->servo))
		return true;
	if (error == NULL && *argc == 1)
		fprintf(stderr,
			"kvmtimed: --apply and --servo are two ways to go on from --guest\n");
	else if (error != NULL)
		fprintf(stderr, "kvmtimed: %s\n", error->message);
	else
		fprintf(stderr, "kvmtimed: '%s' is not an option\n", (*argv)[1]);
	fprintf(stderr, "Try: kvmtimed --help\n");
	return false;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };
	int status = KVT_STATUS_USAGE;

	setlocale(LC_ALL, "");
	kvt_text_setup("never");
	kvt_say_open();
	if (parse(&a, &argc, &argv)) {
		if (a.version) {
			printf("kvmtimed %s\n", KVT_VERSION);
			status = KVT_STATUS_OK;
		} else
			status = a.guest ? follow(&a) : run(&a);
	}
	g_free(a.config);
	g_free(a.state);
	g_free(a.root);
	return status;
}
