/* SPDX-License-Identifier: BSD-2-Clause */
/* The module kvmtime-libvirt: with libvirt_watch.c all that knows libvirt. */
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "guests/agent.h"
#include "guests/libvirt.h"
#include "guests/libvirt_pool.h"
#include "guests/libvirt_watch.h"
#include "guests/reach.h"
#include "sys/error.h"

static void quiet(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

static const char *last_words(void)
{
	const char *words = virGetLastErrorMessage();

	return words != NULL ? words : "unknown error";
}

/* ---- a domain as a path ---- */

struct domain_path {
	struct kvt_path path;
	struct pool *pool;
	char uuid[VIR_UUID_STRING_BUFLEN];
	bool by_command; /* by virDomainQemuAgentCommand, which marks the domain as tainted */
	int slot;
	virDomainPtr domain; /* between open and close */
	bool timeout_set;
};

static struct domain_path *of(struct kvt_path *path)
{
	return (struct domain_path *)(void *)path;
}

static int seconds(gint64 us)
{
	return (int)MAX(1, (us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

/* what a libvirt error says about the guest */
static void set_error(GError **error)
{
	const virError *last = virGetLastError();
	const int code = last != NULL ? last->code : 0;
	const char *words = last_words();
	enum kvt_reach reach = KVT_REACH_REFUSED;

	if (code == VIR_ERR_AGENT_UNRESPONSIVE)
		reach = strstr(words, "not connected") != NULL ? KVT_REACH_NO_AGENT
							       : KVT_REACH_HUNG;
	else if (code == VIR_ERR_AGENT_UNSYNCED)
		reach = KVT_REACH_HUNG;
	else if (code == VIR_ERR_ARGUMENT_UNSUPPORTED || code == VIR_ERR_CONFIG_UNSUPPORTED ||
		 strstr(words, "QEMU guest agent is not configured") != NULL)
		reach = KVT_REACH_NO_AGENT;
	else if (code == VIR_ERR_NO_DOMAIN)
		reach = KVT_REACH_GONE;
	else if (code == VIR_ERR_OPERATION_INVALID)
		reach = KVT_REACH_PAUSED;
	else if (code == VIR_ERR_AUTH_FAILED || code == VIR_ERR_OPERATION_DENIED)
		reach = KVT_REACH_DENIED;
	else if (strstr(words, "frozen") != NULL)
		reach = KVT_REACH_FROZEN;
	kvt_reach_set(error, reach, "%s", words);
}

static bool is_running(virDomainPtr domain, GError **error)
{
	int state, reason;

	if (virDomainGetState(domain, &state, &reason, 0) < 0) {
		set_error(error);
		return false;
	}
	if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED)
		return true;
	kvt_reach_set(error, state == VIR_DOMAIN_PAUSED ? KVT_REACH_PAUSED : KVT_REACH_GONE,
		      "the machine is %s", state == VIR_DOMAIN_PAUSED ? "paused" : "not running");
	return false;
}

static bool domain_open(struct kvt_path *path, GError **error)
{
	struct domain_path *d = of(path);
	virConnectPtr connection;

	d->slot = pool_take(d->pool, &connection, error);
	if (d->slot < 0)
		return false;
	d->domain = virDomainLookupByUUIDString(connection, d->uuid);
	if (d->domain == NULL) {
		set_error(error);
		return false;
	}
	if (!is_running(d->domain, error))
		return false;
	d->timeout_set =
		virDomainAgentSetResponseTimeout(d->domain, seconds(path->timeout_us), 0) == 0;
	return true;
}

static void domain_close(struct kvt_path *path)
{
	struct domain_path *d = of(path);

	/* libvirt has no way to ask what it was: back to its default, to wait for ever */
	if (d->timeout_set)
		virDomainAgentSetResponseTimeout(d->domain, VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK,
						 0);
	d->timeout_set = false;
	if (d->domain != NULL)
		virDomainFree(d->domain);
	d->domain = NULL;
	if (d->slot >= 0)
		pool_put(d->pool, d->slot);
	d->slot = -1;
}

/* an agent command over libvirt; the exchange is stamped around it */
static char *agent_text(struct domain_path *d, const char *request, gint64 timeout_us,
			struct kvt_exchange *exchange, GError **error)
{
	char *text;

	kvt_path_stamp_before(&d->path, exchange);
	text = virDomainQemuAgentCommand(d->domain, request, seconds(timeout_us), 0);
	kvt_path_stamp_after(&d->path, exchange);
	if (text == NULL)
		set_error(error);
	return text;
}

static JsonNode *result_of(const char *text, GError **error)
{
	g_autoptr(JsonObject) reply = kvt_agent_parse(text, strlen(text), error);

	return reply != NULL ? kvt_agent_result(reply, error) : NULL;
}

static bool get_time_by_command(struct domain_path *d, struct kvt_exchange *exchange,
				GError **error)
{
	g_autofree char *text = agent_text(d, "{\"execute\":\"guest-get-time\"}",
					   d->path.timeout_us, exchange, error);
	g_autoptr(JsonNode) result = text != NULL ? result_of(text, error) : NULL;

	return result != NULL &&
	       kvt_agent_time(result, text, strlen(text), &exchange->guest_utc_ns, error);
}

static bool domain_get_time(struct kvt_path *path, struct kvt_exchange *ret_exchange,
			    GError **error)
{
	struct domain_path *d = of(path);
	struct kvt_exchange exchange = { 0 };
	long long guest_s;
	unsigned int guest_ns;

	if (d->by_command) {
		if (!get_time_by_command(d, &exchange, error))
			return false;
	} else {
		int status;

		kvt_path_stamp_before(path, &exchange);
		status = virDomainGetTime(d->domain, &guest_s, &guest_ns, 0);
		kvt_path_stamp_after(path, &exchange);
		if (status < 0) {
			set_error(error);
			return false;
		}
		if (guest_s < 0 || guest_s > INT64_MAX / 1000000000 - 1 || guest_ns >= 1000000000) {
			kvt_reach_set(error, KVT_REACH_GARBAGE, "a time outside 1970 .. 2262");
			return false;
		}
		exchange.guest_utc_ns = guest_s * 1000000000 + guest_ns;
	}
	*ret_exchange = exchange;
	return true;
}

static bool set_time_by_command(struct domain_path *d, int64_t utc_ns, GError **error)
{
	g_autofree char *request = g_strdup_printf(
		"{\"execute\":\"guest-set-time\",\"arguments\":{\"time\":%" G_GINT64_FORMAT "}}",
		utc_ns);
	struct kvt_exchange exchange;
	g_autofree char *text = agent_text(d, request, d->path.set_timeout_us, &exchange, error);
	g_autoptr(JsonNode) result = text != NULL ? result_of(text, error) : NULL;

	return result != NULL;
}

/* libvirt refuses these before anything is sent to the guest */
static bool never_sent(const GError *error)
{
	const enum kvt_reach reach = kvt_reach_of(error);

	return reach == KVT_REACH_NO_AGENT || reach == KVT_REACH_PAUSED ||
	       reach == KVT_REACH_DENIED ||
	       (error != NULL && strstr(error->message, "rtc-reset-reinjection") != NULL);
}

static bool domain_set_time(struct kvt_path *path, int64_t lead_ns, bool *ret_sent, GError **error)
{
	struct domain_path *d = of(path);
	g_autoptr(GError) failed = NULL;
	int64_t utc_ns;
	bool done;

	if (virDomainAgentSetResponseTimeout(d->domain, seconds(path->set_timeout_us), 0) == 0)
		d->timeout_set = true;
	utc_ns = path->clock->utc_ns(path->clock->data) + lead_ns;
	if (d->by_command)
		done = set_time_by_command(d, utc_ns, &failed);
	else {
		done = virDomainSetTime(d->domain, utc_ns / 1000000000,
					(unsigned int)(utc_ns % 1000000000), 0) == 0;
		if (!done)
			set_error(&failed);
	}
	*ret_sent = done || !never_sent(failed);
	if (!done)
		g_propagate_error(error, g_steal_pointer(&failed));
	return done;
}

/* The one agent command that libvirt has a call for, without marking the domain. */
static JsonNode *guest_info(struct domain_path *d, GError **error)
{
	static const char *const names[] = { "id", "version-id", "pretty-name", "kernel-release",
					     "machine" };
	virTypedParameterPtr params = NULL;
	JsonNode *node;
	int n = 0;

	if (virDomainGetGuestInfo(d->domain, VIR_DOMAIN_GUEST_INFO_OS, &params, &n, 0) < 0) {
		set_error(error);
		return NULL;
	}
	node = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(node, json_object_new());
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *key = g_strconcat("os.", names[i], NULL);
		const char *value = NULL;

		if (virTypedParamsGetString(params, n, key, &value) > 0)
			json_object_set_string_member(json_node_get_object(node), names[i], value);
	}
	virTypedParamsFree(params, n);
	return node;
}

static JsonNode *domain_command(struct kvt_path *path, const char *name, JsonObject *arguments,
				GError **error)
{
	g_autofree char *request = kvt_agent_request(name, arguments);
	g_autofree char *text = NULL;
	struct kvt_exchange exchange;

	if (!path->taints && strcmp(name, "guest-get-osinfo") == 0)
		return guest_info(of(path), error);
	if (!path->taints) {
		kvt_reach_set(error, KVT_REACH_REFUSED,
			      "libvirt has no untainted call for %s; --taint allows it", name);
		return NULL;
	}
	text = agent_text(of(path), request, path->timeout_us, &exchange, error);

	return text != NULL ? result_of(text, error) : NULL;
}

static bool domain_reset_reinjection(struct kvt_path *path, GError **error)
{
	struct domain_path *d = of(path);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) result = NULL;

	if (!d->by_command)
		return true; /* virDomainSetTime has done it */
	if (virDomainQemuMonitorCommand(d->domain, "{\"execute\":\"rtc-reset-reinjection\"}", &text,
					VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT) < 0) {
		set_error(error);
		return false;
	}
	result = result_of(text, error);
	return result != NULL;
}

/* "delay" is the wait of a vCPU's thread for a CPU, from the host's /proc/PID/schedstat */
static bool read_vcpus(virTypedParameterPtr params, int n, struct kvt_vcpu_time *ret_time)
{
	struct kvt_vcpu_time sum = { 0 };

	for (int i = 0; i < n; i++) {
		const bool run = g_str_has_prefix(params[i].field, "vcpu.") &&
				 g_str_has_suffix(params[i].field, ".time");
		const bool wait = g_str_has_prefix(params[i].field, "vcpu.") &&
				  g_str_has_suffix(params[i].field, ".delay");

		if ((!run && !wait) || params[i].type != VIR_TYPED_PARAM_ULLONG)
			continue;
		*(run ? &sum.run_ns : &sum.wait_ns) += (int64_t)params[i].value.ul;
		sum.vcpus += wait;
	}
	if (sum.vcpus > 0)
		*ret_time = sum;
	return sum.vcpus > 0;
}

static bool domain_vcpu_time(struct kvt_path *path, struct kvt_vcpu_time *ret_time, GError **error)
{
	struct domain_path *d = of(path);
	virDomainPtr domains[] = { d->domain, NULL };
	virDomainStatsRecordPtr *records = NULL;
	bool done;

	if (virDomainListGetStats(domains, VIR_DOMAIN_STATS_VCPU, &records, 0) < 0) {
		set_error(error);
		return false;
	}
	done = records[0] != NULL && read_vcpus(records[0]->params, records[0]->nparams, ret_time);
	virDomainStatsRecordListFree(records);
	if (!done)
		kvt_reach_set(error, KVT_REACH_REFUSED,
			      "libvirt does not tell how long vCPUs wait");
	return done;
}

static void domain_free(struct kvt_path *path)
{
	struct domain_path *d = of(path);

	domain_close(path);
	pool_unref(d->pool);
	g_free(d);
}

#define DOMAIN_OPS(its_name)                                                              \
	{                                                                                 \
		.name = its_name, .open = domain_open, .close = domain_close,             \
		.get_time = domain_get_time, .set_time = domain_set_time,                 \
		.command = domain_command, .reset_reinjection = domain_reset_reinjection, \
		.free = domain_free, .vcpu_time = domain_vcpu_time                        \
	}

static const struct kvt_path_ops domain_ops = DOMAIN_OPS("libvirt");
static const struct kvt_path_ops command_ops = DOMAIN_OPS("libvirt agent command");

static struct kvt_path *path_new(struct pool *pool, const char *uuid, bool by_command)
{
	struct domain_path *d = g_new0(struct domain_path, 1);

	d->path =
		(struct kvt_path){ .ops = by_command ? &command_ops : &domain_ops,
				   .clock = &kvt_host_clock,
				   .timeout_us = 2 * G_USEC_PER_SEC,
				   .set_timeout_us = 10 * G_USEC_PER_SEC,
				   /* a synchronisation with the agent comes before each command */
				   .set_share = 0.75,
				   .shared = true,
				   .taints = by_command };
	d->pool = pool_ref(pool);
	g_strlcpy(d->uuid, uuid, sizeof(d->uuid));
	d->by_command = by_command;
	d->slot = -1;
	return &d->path;
}

static const char agent_steps[] =
	"add <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel> to "
	"its devices (virsh edit), stop and start it; install qemu-guest-agent in the guest";

/* ---- the module ---- */

static bool find(const char *uri, GPtrArray *guests, GError **error)
{
	struct pool *pool = pool_get(uri);
	g_autoptr(GError) failed = NULL;
	virConnectPtr connection;
	virDomainPtr *domains = NULL;
	int slot, n = -1;

	virSetErrorFunc(NULL, quiet);
	slot = pool_take(pool, &connection, &failed);
	if (slot >= 0)
		n = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (n < 0)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "%s",
			    failed != NULL ? failed->message : last_words());
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];
		struct kvt_guest *guest;

		if (virDomainGetUUIDString(domains[i], uuid) == 0) {
			guest = kvt_guest_new(virDomainGetName(domains[i]), "libvirt", uuid);
			guest->steps = g_strdup(agent_steps);
			kvt_guest_add_path(guest, path_new(pool, uuid, false));
			kvt_guest_add_path(guest, path_new(pool, uuid, true));
			g_ptr_array_add(guests, guest);
		}
		virDomainFree(domains[i]);
	}
	free(domains);
	if (slot >= 0)
		pool_put(pool, slot);
	pool_unref(pool);
	return n >= 0;
}

static char *xml(const char *uri, const char *id, GError **error)
{
	virConnectPtr connection = virConnectOpenReadOnly(uri);
	virDomainPtr domain =
		connection != NULL ? virDomainLookupByUUIDString(connection, id) : NULL;
	char *text = domain != NULL ? virDomainGetXMLDesc(domain, 0) : NULL;
	char *copy = g_strdup(text);

	if (text == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libvirt: %s", last_words());
	free(text);
	if (domain != NULL)
		virDomainFree(domain);
	if (connection != NULL)
		virConnectClose(connection);
	return copy;
}

static bool refuse(GError **error)
{
	g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libvirt: %s", last_words());
	return false;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **names(const char *uri, GError **error)
{
	virConnectPtr connection;
	virDomainPtr *domains = NULL;
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
	int n = -1;

	virSetErrorFunc(NULL, quiet);
	connection = virConnectOpenReadOnly(uri);
	if (connection != NULL)
		n = virConnectListAllDomains(connection, &domains, 0);
	if (n < 0)
		refuse(error);
	for (int i = 0; i < n; i++) {
		g_ptr_array_add(list, g_strdup(virDomainGetName(domains[i])));
		virDomainFree(domains[i]);
	}
	free(domains);
	if (connection != NULL)
		virConnectClose(connection);
	g_ptr_array_sort(list, by_name);
	g_ptr_array_add(list, NULL);
	return n >= 0 ? (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE) : NULL;
}

static virDomainPtr look_up(virConnectPtr connection, const char *name)
{
	virDomainPtr domain = virDomainLookupByName(connection, name);

	if (domain == NULL && strlen(name) == VIR_UUID_STRING_BUFLEN - 1)
		domain = virDomainLookupByUUIDString(connection, name);
	return domain;
}

static char *full_name(virConnectPtr connection)
{
	char *uri = virConnectGetURI(connection);
	char *copy = g_strdup(uri);

	free(uri);
	return copy;
}

static char *definition(const char *uri, const char *name, bool secrets, char **ret_uri,
			GError **error)
{
	const unsigned flags = VIR_DOMAIN_XML_INACTIVE | (secrets ? VIR_DOMAIN_XML_SECURE : 0);
	virConnectPtr connection;
	virDomainPtr domain;
	char *text, *copy;

	virSetErrorFunc(NULL, quiet);
	connection = secrets ? virConnectOpen(uri) : virConnectOpenReadOnly(uri);
	domain = connection != NULL ? look_up(connection, name) : NULL;
	text = domain != NULL ? virDomainGetXMLDesc(domain, flags) : NULL;
	copy = g_strdup(text);
	if (text == NULL)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED, "libvirt:%s: %s", name,
			    last_words());
	else if (ret_uri != NULL)
		*ret_uri = full_name(connection);
	free(text);
	if (domain != NULL)
		virDomainFree(domain);
	if (connection != NULL)
		virConnectClose(connection);
	return copy;
}

static bool has_definition(virConnectPtr connection, const char *xml, GError **error)
{
	const char *open = strstr(xml, "<uuid>");
	g_autofree char *uuid =
		open != NULL ? g_strndup(open + 6, VIR_UUID_STRING_BUFLEN - 1) : NULL;
	virDomainPtr domain = uuid != NULL ? virDomainLookupByUUIDString(connection, uuid) : NULL;
	const bool transient = domain != NULL && virDomainIsPersistent(domain) == 0;

	if (domain != NULL)
		virDomainFree(domain);
	if (transient)
		g_set_error(error, KVT_ERROR, KVT_STATUS_REFUSED,
			    "libvirt: the domain only runs, it has no definition to change");
	return !transient;
}

static bool define(const char *uri, const char *xml, GError **error)
{
	virConnectPtr connection;
	virDomainPtr domain = NULL;

	virSetErrorFunc(NULL, quiet);
	connection = virConnectOpen(uri);
	if (connection == NULL)
		return refuse(error);
	if (has_definition(connection, xml, error)) {
		domain = virDomainDefineXML(connection, xml);
		if (domain == NULL)
			refuse(error);
	}
	if (domain != NULL)
		virDomainFree(domain);
	virConnectClose(connection);
	return domain != NULL;
}

extern const struct kvt_libvirt_module kvt_module;
const struct kvt_libvirt_module kvt_module = { .find = find,
					       .xml = xml,
					       .names = names,
					       .definition = definition,
					       .define = define,
					       .watch = kvt_libvirt_module_watch };
