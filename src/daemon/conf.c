/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/conf.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sys/error.h"

#define FILE_LIMIT (1024u * 1024u)

enum kind { SECONDS, COUNT, MODE, YES_NO, TEXT, PATH, POLICY, PER_GUEST };

/* One list: parser, defaults and the manual page follow it. */
struct key {
	const char *section, *name;
	enum kind kind;
	size_t at;        /* offset of the value in struct kvt_daemon_config */
	double low, high; /* of numbers */
};

#define AT(member) offsetof(struct kvt_daemon_config, member)

static const struct key keys[] = {
	{ "guard", "interval", SECONDS, AT(guard.interval_ns), 0.1, 86400 },
	{ "guard", "limit", SECONDS, AT(guard.limit_ns), 0.001, 86400 },
	{ "guard", "hold_off", SECONDS, AT(guard.hold_off_ns), 1, 86400 },
	{ "guard", "give_up_after", COUNT, AT(guard.give_up_after), 1, 1000 },
	{ "guard", "give_up_for", SECONDS, AT(guard.give_up_for_ns), 1, 31536000 },
	{ "guard", "timeout", SECONDS, AT(guard.timeout_ns), 0.05, 60 },
	{ "guard", "eager", SECONDS, AT(guard.eager_ns), 0, 3600 },
	{ "guard", "parallel", COUNT, AT(guard.parallel), 1, 64 },
	{ "guard", "exchanges", COUNT, AT(guard.exchanges), 1, 32 },
	{ "guard", "policy", POLICY, AT(guard.policy), 0, 0 },
	{ "find", "libvirt", TEXT, AT(libvirt), 0, 0 },
	{ "find", "qemu", YES_NO, AT(qemu), 0, 0 },
	{ "find", "proxmox", YES_NO, AT(proxmox), 0, 0 },
	{ "find", "rescan", SECONDS, AT(rescan_ns), 0.5, 86400 },
	{ "metrics", "listen", TEXT, AT(listen), 0, 0 },
	{ "metrics", "socket", PATH, AT(socket), 0, 0 },
	{ "metrics", "socket_mode", MODE, AT(socket_mode), 0, 0777 },
	{ "metrics", "per_guest", PER_GUEST, AT(per_guest), 0, 0 },
	{ "metrics", "findings", YES_NO, AT(findings), 0, 0 },
	{ "metrics", "findings_interval", SECONDS, AT(findings_ns), 60, 31536000 },
};

static void free_socket(gpointer data)
{
	struct kvt_socket_options *socket = data;

	g_free(socket->name);
	g_free(socket->agent);
	g_free(socket->qmp);
	g_free(socket);
}

struct kvt_daemon_config *kvt_config_new(void)
{
	struct kvt_daemon_config *config = g_new0(struct kvt_daemon_config, 1);
	const int64_t second_ns = 1000000000;

	config->guard = (struct kvt_guard_options){
		.interval_ns = 10 * second_ns,
		.limit_ns = second_ns / 10,
		.hold_off_ns = 30 * second_ns,
		.give_up_for_ns = 3600 * second_ns,
		.timeout_ns = 2 * second_ns,
		.eager_ns = 60 * second_ns,
		.give_up_after = 3,
		.parallel = 8,
		.exchanges = 8,
		.policy = KVT_POLICY_FORWARD,
	};
	config->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	config->sockets = g_ptr_array_new_with_free_func(free_socket);
	config->libvirt = g_strdup("");
	config->qemu = config->proxmox = true;
	config->rescan_ns = 10 * second_ns;
	config->listen = g_strdup("127.0.0.1:9977");
	config->socket_mode = 0660;
	config->findings = true;
	config->findings_ns = 3600 * second_ns;
	return config;
}

void kvt_config_free(struct kvt_daemon_config *config)
{
	if (config == NULL)
		return;
	g_hash_table_unref(config->guests);
	g_ptr_array_unref(config->sockets);
	g_free(config->libvirt);
	g_free(config->listen);
	g_free(config->socket);
	g_free(config);
}

/* ---- values ---- */

static bool bad_value(GError **error, const char *value, const char *wanted)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "'%.60s' is not %s", value, wanted);
	return false;
}

static bool read_number(const struct key *key, const char *value, double *ret_number,
			GError **error)
{
	g_autofree char *wanted = g_strdup_printf("a number from %g to %g", key->low, key->high);
	char *end;
	const double number = g_ascii_strtod(value, &end);

	if (end == value || *end != '\0' || !isfinite(number) || number < key->low ||
	    number > key->high)
		return bad_value(error, value, wanted);
	*ret_number = number;
	return true;
}

static bool read_count(const struct key *key, const char *value, guint base, unsigned *ret_count,
		       GError **error)
{
	guint64 count;

	if (!g_ascii_string_to_unsigned(value, base, (guint64)key->low, (guint64)key->high, &count,
					NULL)) {
		g_autofree char *wanted = base == 8
						  ? g_strdup("an octal mode up to 0777")
						  : g_strdup_printf("a whole number from %g to %g",
								    key->low, key->high);

		return bad_value(error, value, wanted);
	}
	*ret_count = (unsigned)count;
	return true;
}

static bool read_word(const char *value, const char *const *words, int *ret_index, GError **error)
{
	g_autofree char *wanted = NULL;

	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(value, words[i]) == 0) {
			*ret_index = i;
			return true;
		}
	{
		g_autofree char *list = g_strjoinv(", ", (char **)(gpointer)(guintptr)words);

		wanted = g_strdup_printf("one of %s", list);
	}
	return bad_value(error, value, wanted);
}

static const char *const policies[] = { "forward", "step", "watch", NULL };
static const char *const per_guests[] = { "all", "bad", "none", NULL };
static const char *const answers[] = { "no", "yes", NULL };

/* "none" is no value; owned */
static void put_text(char **place, const char *value)
{
	g_free(*place);
	*place = strcmp(value, "none") == 0 ? NULL : g_strdup(value);
}

static bool read_value(const struct key *key, const char *value, void *place, GError **error)
{
	double number;
	int word = 0;

	switch (key->kind) {
	case SECONDS:
		if (!read_number(key, value, &number, error))
			return false;
		*(int64_t *)place = (int64_t)(number * 1e9);
		return true;
	case COUNT:
		return read_count(key, value, 10, place, error);
	case MODE:
		return read_count(key, value, 8, place, error);
	case YES_NO:
		if (!read_word(value, answers, &word, error))
			return false;
		*(bool *)place = word == 1;
		return true;
	case POLICY:
		if (!read_word(value, policies, &word, error))
			return false;
		*(enum kvt_guard_policy *)place = (enum kvt_guard_policy)word;
		return true;
	case PER_GUEST:
		if (!read_word(value, per_guests, &word, error))
			return false;
		*(enum kvt_per_guest *)place = (enum kvt_per_guest)word;
		return true;
	case PATH:
		if (strcmp(value, "none") != 0 && !g_path_is_absolute(value))
			return bad_value(error, value, "an absolute path, or none");
		put_text(place, value);
		return true;
	case TEXT:
	default:
		if (value[0] == '\0')
			return bad_value(error, value, "a value; none switches it off");
		put_text(place, value);
		return true;
	}
}

/* ---- sections ---- */

static bool unknown_key(GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "unknown key; kvmtimed.conf(5) lists them");
	return false;
}

static bool read_key(struct kvt_daemon_config *config, const char *section, const char *name,
		     const char *value, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
			return read_value(&keys[i], value, (char *)config + keys[i].at, error);
	return unknown_key(error);
}

static const struct key *find_key(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool read_guest_key(struct kvt_guest_options *guest, const char *name, const char *value,
			   GError **error)
{
	if (strcmp(name, "policy") == 0)
		return guest->has_policy = read_value(find_key(name), value, &guest->policy, error);
	if (strcmp(name, "limit") == 0)
		return guest->has_limit =
			       read_value(find_key(name), value, &guest->limit_ns, error);
	return unknown_key(error);
}

static bool read_socket_key(struct kvt_socket_options *socket, const char *name, const char *value,
			    GError **error)
{
	char **place = strcmp(name, "agent") == 0 ? &socket->agent
		       : strcmp(name, "qmp") == 0 ? &socket->qmp
						  : NULL;

	if (place == NULL)
		return unknown_key(error);
	if (!g_path_is_absolute(value))
		return bad_value(error, value, "an absolute path");
	g_free(*place);
	*place = g_strdup(value);
	return true;
}

/* the part of "guest NAME" behind the word; NULL if the section is another one */
static const char *named(const char *section, const char *word)
{
	const gsize width = strlen(word);

	return strncmp(section, word, width) == 0 && section[width] == ' ' &&
			       section[width + 1] != '\0'
		       ? section + width + 1
		       : NULL;
}

struct section {
	struct kvt_daemon_config *config;
	const char *name;
	struct kvt_guest_options *guest;   /* or NULL */
	struct kvt_socket_options *socket; /* or NULL */
};

static bool open_section(struct section *section, GError **error)
{
	const char *guest = named(section->name, "guest");
	const char *socket = named(section->name, "socket");

	if (guest != NULL) {
		section->guest = g_new0(struct kvt_guest_options, 1);
		g_hash_table_replace(section->config->guests, g_strdup(guest), section->guest);
		return true;
	}
	if (socket != NULL) {
		section->socket = g_new0(struct kvt_socket_options, 1);
		section->socket->name = g_strdup(socket);
		g_ptr_array_add(section->config->sockets, section->socket);
		return true;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		if (strcmp(keys[i].section, section->name) == 0)
			return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT,
		    "unknown section; there are guard, guest NAME, find, socket NAME and metrics");
	return false;
}

static bool read_entry(const struct section *section, const char *name, const char *value,
		       GError **error)
{
	if (section->guest != NULL)
		return read_guest_key(section->guest, name, value, error);
	if (section->socket != NULL)
		return read_socket_key(section->socket, name, value, error);
	return read_key(section->config, section->name, name, value, error);
}

static bool read_section(GKeyFile *file, struct section *section, GError **error)
{
	g_auto(GStrv) names = NULL;

	if (!open_section(section, error)) {
		g_prefix_error(error, "[%.60s]: ", section->name);
		return false;
	}
	names = g_key_file_get_keys(file, section->name, NULL, NULL);
	for (guint i = 0; names != NULL && names[i] != NULL; i++) {
		g_autofree char *value =
			g_key_file_get_string(file, section->name, names[i], error);

		if (value == NULL || !read_entry(section, names[i], value, error)) {
			g_prefix_error(error, "[%.60s] %.60s: ", section->name, names[i]);
			return false;
		}
	}
	if (section->socket == NULL || section->socket->agent != NULL)
		return true;
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "[%.60s]: the key agent is missing",
		    section->name);
	return false;
}

static bool read_sections(GKeyFile *file, struct kvt_daemon_config *config, GError **error)
{
	g_auto(GStrv) sections = g_key_file_get_groups(file, NULL);

	for (guint i = 0; sections[i] != NULL; i++) {
		struct section section = { .config = config, .name = sections[i] };

		if (!read_section(file, &section, error))
			return false;
	}
	config->libvirt_named = g_key_file_has_key(file, "find", "libvirt", NULL);
	config->listen_named = g_key_file_has_key(file, "metrics", "listen", NULL);
	return true;
}

struct kvt_daemon_config *kvt_config_parse(const char *name, const char *text, gsize len,
					   GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	struct kvt_daemon_config *config;
	g_autoptr(GError) failed = NULL;

	config = kvt_config_new();
	if (memchr(text, '\0', len) != NULL)
		g_set_error(&failed, KVT_ERROR, KVT_STATUS_BAD_INPUT, "it holds a NUL byte");
	else if (len > 0 && !g_key_file_load_from_data(file, text, len, G_KEY_FILE_NONE, &failed))
		; /* the reason is in failed */
	else if (read_sections(file, config, &failed))
		return config;
	kvt_config_free(config);
	g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: %s", name,
		    failed != NULL ? failed->message : "cannot be read");
	return NULL;
}

struct kvt_daemon_config *kvt_config_load(const char *path, bool must_exist, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) failed = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, &failed)) {
		if (!must_exist && g_error_matches(failed, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return kvt_config_new();
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s: %s", path, failed->message);
		return NULL;
	}
	if (len > FILE_LIMIT) {
		g_set_error(error, KVT_ERROR, KVT_STATUS_BAD_INPUT, "%s: longer than 1 MiB", path);
		return NULL;
	}
	return kvt_config_parse(path, text, len, error);
}

void kvt_config_guest(const struct kvt_daemon_config *config, const char *name,
		      enum kvt_guard_policy *ret_policy, int64_t *ret_limit_ns)
{
	const struct kvt_guest_options *own = g_hash_table_lookup(config->guests, name);

	*ret_policy = own != NULL && own->has_policy ? own->policy : config->guard.policy;
	*ret_limit_ns = own != NULL && own->has_limit ? own->limit_ns : config->guard.limit_ns;
}
