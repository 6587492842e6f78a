/* SPDX-License-Identifier: BSD-2-Clause */
/* The agent's protocol, QEMU command lines and the kernel's socket list, as outsiders write them.
 */
#include <string.h>

#include "guests/agent.h"
#include "guests/daemon.h"
#include "guests/guest.h"
#include "guests/reach.h"
#include "guests/wire.h"

static enum kvt_reach time_of(const char *line, int64_t *ret_ns)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonObject) reply = kvt_agent_parse(line, strlen(line), &error);
	g_autoptr(JsonNode) result = reply != NULL ? kvt_agent_result(reply, &error) : NULL;

	if (result != NULL && kvt_agent_time(result, line, strlen(line), ret_ns, &error))
		return KVT_REACH_OK;
	return kvt_reach_of(error);
}

static void test_time_is_read(void)
{
	int64_t ns = 0;

	g_assert_cmpint((int)time_of("{\"return\": 1795192670949382000}", &ns), ==, KVT_REACH_OK);
	g_assert_cmpint(ns, ==, 1795192670949382000);
	g_assert_cmpint((int)time_of("{\"return\": 9223372036854775807}", &ns), ==, KVT_REACH_OK);
	g_assert_cmpint(ns, ==, INT64_MAX);
	g_assert_cmpint((int)time_of("{\"return\": 0}", &ns), ==, KVT_REACH_OK);
}

static void test_wrong_answers_are_garbage(void)
{
	static const char *const lines[] = {
		"",
		"x",
		"[]",
		"1",
		"{",
		"{\"return\"",
		"{}",
		"{\"return\": \"17951926709493820\"}",
		"{\"return\": {}}",
		"{\"return\": -5}",
		"{\"return\": 9223372036854775808}",
		"{\"return\": 18446744073709551616}",
		"{\"return\": 18446744073709551617}",
		"{\"return\": 1795192670949382000000000000000000000000001}",
		"{\"return\": 1e30}",
		"{\"return\": null}",
		"{\"return\": [1]}",
		"{\"value\": 3}",
		"\xff\xfe",
		"{\"return\": true}",
		"{\"return\": 1.5}",
	};
	int64_t ns = 42;

	for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
		if (time_of(lines[i], &ns) != KVT_REACH_GARBAGE)
			g_error("taken: %s", lines[i]);
	g_assert_cmpint(ns, ==, 42);
}

static void test_deep_nesting_is_garbage(void)
{
	g_autofree char *deep = g_strnfill(100000, '[');
	g_autofree char *line = g_strconcat("{\"return\":", deep, NULL);
	int64_t ns;

	g_assert_cmpint((int)time_of(line, &ns), ==, KVT_REACH_GARBAGE);
}

static void test_errors_are_told_apart(void)
{
	int64_t ns;

	g_assert_cmpint(
		(int)time_of("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", &ns),
		==, KVT_REACH_REFUSED);
	g_assert_cmpint(
		(int)time_of("{\"error\": {\"class\": \"GenericError\", \"desc\": \"Command "
			     "guest-get-time has been disabled: the agent is in frozen state\"}}",
			     &ns),
		==, KVT_REACH_FROZEN);
	g_assert_cmpint((int)time_of("{\"error\": 7}", &ns), ==, KVT_REACH_REFUSED);
}

static void test_busy_sockets_are_seen(void)
{
	static const char table[] =
		"Num       RefCount Protocol Flags    Type St Inode Path\n"
		"0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/a.qga\n"
		"0000000000000000: 00000003 00000000 00000000 0001 03 12346 /run/a.qga\n"
		"0000000000000000: 00000002 00000000 00010000 0001 01 12347 /run/b.qga\n"
		"0000000000000000: 00000003 00000000 00000000 0001 03     0 /run/b.qga\n"
		"0000000000000000: 00000003 00000000 00000000 0001 03 12348\n";

	g_assert_true(kvt_wire_busy(table, "/run/a.qga"));
	g_assert_false(kvt_wire_busy(table, "/run/b.qga"));
	g_assert_false(kvt_wire_busy(table, "/run/c.qga"));
	g_assert_false(kvt_wire_busy("", "/run/a.qga"));
}

/* the lines are chronyc 4.3's own */
static void test_chronys_state_is_read(void)
{
	struct kvt_daemon daemon = { .error_ns = 42 };

	g_assert_true(kvt_daemon_parse(
		"0A630001,10.99.0.1,6,1795195089.192338249,0.000000760,0.000000100,0.000000072,0.018,"
		"0.003,0.094,0.000002045,0.000002206,1.0,Normal\n",
		&daemon));
	g_assert_true(daemon.known && daemon.synchronised && !daemon.fresh);
	g_assert_cmpint(daemon.behind_ns, ==, 760);
	g_assert_cmpint(daemon.error_ns, ==, 2045 / 2 + 2206);
	g_assert_true(
		kvt_daemon_parse("00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,"
				 "0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised",
				 &daemon));
	g_assert_false(daemon.synchronised);
	daemon.error_ns = 42;
	g_assert_false(kvt_daemon_parse("506 Cannot talk to daemon", &daemon));
	g_assert_false(kvt_daemon_parse("", &daemon));
	g_assert_false(kvt_daemon_parse(",,,,,,,,,,,,,", &daemon));
	g_assert_false(kvt_daemon_parse("A,b,3,1,nan,0,0,0,0,0,0,0,0,Normal", &daemon));
	g_assert_false(kvt_daemon_parse("A,b,3,1,1e300,0,0,0,0,0,0,0,0,Normal", &daemon));
	g_assert_cmpint(daemon.error_ns, ==, 42);
}

static struct kvt_guest *guest_of(const char *line)
{
	g_auto(GStrv) argv = g_strsplit(line, " ", -1);

	return kvt_guest_from_argv(argv, "/srv/vm", "77");
}

static void test_qemu_command_lines_are_read(void)
{
	struct kvt_guest *guest = guest_of(
		"/usr/bin/qemu-system-x86_64 -name guest=web1,debug-threads=on -qmp unix:q.sock,server=on "
		"-chardev socket,id=qga,path=g.sock,server=on,wait=off "
		"-device virtserialport,chardev=qga,name=org.qemu.guest_agent.0");

	g_assert_nonnull(guest);
	g_assert_cmpstr(guest->name, ==, "web1");
	g_assert_cmpstr(guest->id, ==, "77");
	g_assert_null(guest->steps);
	g_assert_cmpuint(guest->paths->len, ==, 1);
	kvt_guest_free(guest);
	guest = guest_of(
		"kvm -id 100 -name db,debug-threads=on -chardev socket,id=m,path=/run/100.qmp "
		"-mon chardev=m,mode=control");
	g_assert_nonnull(guest);
	g_assert_cmpstr(guest->name, ==, "db");
	g_assert_nonnull(strstr(guest->steps, "org.qemu.guest_agent.0"));
	kvt_guest_free(guest);
}

static void test_other_processes_are_no_guests(void)
{
	static const char *const lines[] = {
		"vi qemu-system-x86_64",
		"",
		"qemu-system-x86_64",
		"qemu-img convert -qmp unix:x",
		("qemu-system-x86_64 -name a -chardev socket,id=charmonitor,fd=25,server=on,wait=off "
		 "-mon chardev=charmonitor,id=monitor,mode=control"),
		"qemu-system-x86_64 -qmp",
		"qemu-system-x86_64 -device",
		"qemu-system-x86_64 -mon chardev=",
	};

	for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_null(guest_of(lines[i]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/agent/time-is-read", test_time_is_read);
	g_test_add_func("/agent/wrong-answers-are-garbage", test_wrong_answers_are_garbage);
	g_test_add_func("/agent/deep-nesting-is-garbage", test_deep_nesting_is_garbage);
	g_test_add_func("/agent/errors-are-told-apart", test_errors_are_told_apart);
	g_test_add_func("/wire/busy-sockets-are-seen", test_busy_sockets_are_seen);
	g_test_add_func("/daemon/chronys-state-is-read", test_chronys_state_is_read);
	g_test_add_func("/guest/qemu-command-lines-are-read", test_qemu_command_lines_are_read);
	g_test_add_func("/guest/other-processes-are-no-guests", test_other_processes_are_no_guests);
	return g_test_run();
}
