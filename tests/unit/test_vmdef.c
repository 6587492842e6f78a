/* SPDX-License-Identifier: BSD-2-Clause */
/* Definitions: what each format can say survives a conversion to it and back. */
#include <string.h>

#include "check/rules.h"
#include "vmdef/effective.h"
#include "vmdef/facts.h"
#include "vmdef/libvirt.h"
#include "vmdef/load.h"
#include "vmdef/mend.h"
#include "vmdef/os.h"
#include "vmdef/policy.h"
#include "vmdef_draw.h"

static struct kvt_vm *parse(int format, const char *text)
{
	g_autoptr(GError) error = NULL;
	struct kvt_vm *vm = kvt_vm_parse(format, text, strlen(text), "test", &error);

	g_assert_no_error(error);
	return vm;
}

static void fails(int format, const char *text, gsize length, const char *reason)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_vm) vm = kvt_vm_parse(format, text, length, "test", &error);

	g_assert_null(vm);
	g_assert_nonnull(error);
	g_assert_cmpint(error->code, ==, 4);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, reason));
}

/* ---- property: there and back ---- */

static const struct range common[] = {
	{ PART(RTC, TRACK), 1u << KVT_TRACK_GUEST | 1u << KVT_TRACK_WALL | 1u << KVT_TRACK_REALTIME,
	  0 },
	{ PART(RTC, POLICY), 1u << KVT_POLICY_CATCHUP, 0 },
	{ PART(PIT, POLICY), 1u << KVT_POLICY_DELAY | 1u << KVT_POLICY_DISCARD, 0 },
	{ PART(HPET, PRESENT), NO | YES, 0 },
	{ PART(KVMCLOCK, PRESENT), NO | YES, 0 },
	{ PART(HYPERVCLOCK, PRESENT), YES, 0 },
	{ PART(TSC, FREQUENCY), 0, 5000000000 },
	{ KVT_VM_VCPUS, 0, 255 },
	{ KVT_VM_ACPI, YES, 0 },
	{ KVT_VM_AGENT, NO | YES, 0 },
	{ KVT_VM_HIDDEN, NO | YES, 0 },
	{ KVT_VM_INVTSC, NO | YES, 0 },
	{ KVT_VM_MIGRATABLE, NO | YES, 0 },
	{ KVT_VM_HV_PASSTHROUGH, YES, 0 },
	{ KVT_VM_HV_RELAXED, NO | YES, 0 },
	{ KVT_VM_HV_VAPIC, NO | YES, 0 },
	{ KVT_VM_HV_SPINLOCKS, 0, 0xffff },
	{ KVT_VM_HV_VPINDEX, NO | YES, 0 },
	{ KVT_VM_HV_RUNTIME, NO | YES, 0 },
	{ KVT_VM_HV_SYNIC, NO | YES, 0 },
	{ KVT_VM_HV_STIMER, YES, 0 },
	{ KVT_VM_HV_RESET, NO | YES, 0 },
	{ KVT_VM_HV_FREQUENCIES, NO | YES, 0 },
	{ KVT_VM_HV_REENLIGHTENMENT, NO | YES, 0 },
	{ KVT_VM_HV_TLBFLUSH, NO | YES, 0 },
	{ KVT_VM_HV_IPI, NO | YES, 0 },
	{ KVT_VM_HV_EVMCS, NO | YES, 0 },
	{ KVT_VM_HV_AVIC, NO | YES, 0 },
};

static const struct range libvirt_more[] = {
	{ PART(RTC, PRESENT), NO | YES, 0 },
	{ PART(RTC, THRESHOLD), 0, 1000000 },
	{ PART(PIT, PRESENT), NO | YES, 0 },
	{ PART(HPET, POLICY), ALL >> 4, 0 },
	{ PART(TSC, MODE), ALL >> 3, 0 },
	{ PART(TSC, PRESENT), NO | YES, 0 },
	{ PART(HYPERVCLOCK, PRESENT), NO | YES, 0 },
	{ KVT_VM_HV_STIMER_DIRECT, YES, 0 },
	{ KVT_VM_IRQCHIP, 1u << KVT_IRQCHIP_ON | 1u << KVT_IRQCHIP_SPLIT, 0 },
};

static void draw_clock(struct kvt_vm *vm, bool libvirt)
{
	int offset = g_test_rand_int_range(0, libvirt ? 5 : 4);
	static const int qemu[] = { KVT_OFFSET_UTC, KVT_OFFSET_LOCALTIME, KVT_OFFSET_TIMEZONE,
				    KVT_OFFSET_ABSOLUTE };

	offset = libvirt ? offset : qemu[offset];
	kvt_vm_say(vm, KVT_VM_OFFSET, offset, 0);
	if (offset == KVT_OFFSET_TIMEZONE)
		kvt_vm_say_text(vm, KVT_VM_TIMEZONE, "America/St_Johns", 0);
	if (offset == KVT_OFFSET_ABSOLUTE)
		kvt_vm_say(vm, KVT_VM_START, g_test_rand_int_range(0, G_MAXINT), 0);
	if (offset == KVT_OFFSET_VARIABLE) {
		kvt_vm_say(vm, KVT_VM_ADJUSTMENT, g_test_rand_int_range(-90000, 90000), 0);
		kvt_vm_say(vm, KVT_VM_BASIS, g_test_rand_int_range(0, 2), 0);
	}
}

static struct kvt_vm *draw_vm(bool libvirt)
{
	static const char *const models[] = { "qemu64", "Skylake-Server", "EPYC" };
	struct kvt_vm *vm = kvt_vm_new(KVT_FORMAT_LIBVIRT, "drawn");
	int mode = g_test_rand_int_range(0, 3);

	kvt_vm_say_text(vm, KVT_VM_NAME, "a<b&c,d 'e'", 0);
	kvt_vm_say(vm, KVT_VM_VIRT, g_test_rand_int_range(0, 2), 0);
	kvt_vm_say_text(vm, KVT_VM_ARCH, "x86_64", 0);
	kvt_vm_say_text(vm, KVT_VM_MACHINE, "pc-q35-7.2", 0);
	draw_clock(vm, libvirt);
	for (gsize i = 0; i < G_N_ELEMENTS(common); i++)
		draw(vm, &common[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(libvirt_more) && libvirt; i++)
		draw(vm, &libvirt_more[i]);
	if (libvirt && !kvt_vm_is(vm, KVT_VM_HV_STIMER, KVT_YES))
		kvt_vm_unsay(vm, KVT_VM_HV_STIMER_DIRECT);
	if (libvirt && !kvt_vm_is(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP))
		kvt_vm_unsay(vm, PART(RTC, THRESHOLD));
	kvt_vm_say(vm, KVT_VM_CPU_MODE, mode == 0 ? KVT_CPU_CUSTOM : mode + 1, 0);
	if (mode == 0)
		kvt_vm_say_text(vm, KVT_VM_CPU_MODEL, models[g_test_rand_int_range(0, 3)], 0);
	return vm;
}

static void expect_no_loss(const struct kvt_vm *vm, enum kvt_vm_format format)
{
	const struct kvt_qemu_target target = { KVT_QEMU(9, 0), 1000000000, 0 };
	g_autoptr(GPtrArray) lost = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = kvt_vm_write(vm, format, &target, &lost, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < lost->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(lost, i);

		g_test_message("%s: %s", kvt_vm_format_name(format), note->text);
	}
	if (lost->len > 0)
		g_test_message("%s", text);
	g_assert_cmpuint(lost->len, ==, 0);
}

static void test_libvirt_says_all_back(void)
{
	for (int i = 0; i < 3000; i++) {
		g_autoptr(kvt_vm) vm = draw_vm(true);

		expect_no_loss(vm, KVT_FORMAT_LIBVIRT);
	}
}

static void test_what_qemu_can_say_comes_back(void)
{
	for (int i = 0; i < 3000; i++) {
		g_autoptr(kvt_vm) vm = draw_vm(false);

		expect_no_loss(vm, KVT_FORMAT_QEMU);
		expect_no_loss(vm, KVT_FORMAT_LIBVIRT);
	}
}

static void test_what_a_format_cannot_say_is_listed(void)
{
	const struct kvt_qemu_target target = { KVT_QEMU(7, 2), 1000000000, 0 };
	g_autoptr(kvt_vm) vm = parse(KVT_FORMAT_LIBVIRT,
				     "<domain type='kvm'><os><type>hvm</type></os>"
				     "<clock offset='variable' adjustment='60'>"
				     "<timer name='hpet' tickpolicy='merge'/></clock></domain>");
	g_autoptr(GPtrArray) lost = NULL;
	g_autofree char *text = kvt_vm_write(vm, KVT_FORMAT_QEMU, &target, &lost, NULL);
	bool offset = false, policy = false;

	g_assert_nonnull(strstr(text, "-rtc base=2001-09-09T01:47:40"));
	for (guint i = 0; i < lost->len; i++) {
		const struct kvt_vm_note *note = g_ptr_array_index(lost, i);

		offset |= note->field == KVT_VM_OFFSET;
		policy |= note->field == (int)PART(HPET, POLICY);
	}
	g_assert_true(offset && policy);
}

/* ---- reading ---- */

static void test_hostile_xml_is_refused_with_its_line(void)
{
	static const char bomb[] =
		"<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><domain>&b;</domain>";
	static const char external[] = "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>";
	GString *deep = g_string_new(NULL);

	fails(KVT_FORMAT_LIBVIRT, bomb, strlen(bomb), "document type");
	fails(KVT_FORMAT_LIBVIRT, external, strlen(external), "document type");
	for (int i = 0; i < 100000; i++)
		g_string_append(deep, "<domain>");
	fails(KVT_FORMAT_LIBVIRT, deep->str, deep->len, "test:1");
	g_string_free(deep, TRUE);
	fails(KVT_FORMAT_LIBVIRT, "<domain>\n<clock>\n</domain>", 26, "test:3");
	fails(KVT_FORMAT_LIBVIRT, "<domain>\xff\xfe</domain>", 19, "test:1");
	fails(KVT_FORMAT_LIBVIRT, "<network/>", 10, "not <domain>");
	fails(-1, "", 0, "not a definition");
}

static void test_bad_values_are_noted_with_their_line(void)
{
	static const char *const clocks[] = {
		"<clock offset='bogus'/>",
		"<clock>\n<timer name='bogus'/></clock>",
		"<clock><timer name='tsc' frequency='-1'/></clock>",
		"<clock><timer name='tsc' frequency='99999999999999999999'/></clock>",
		"<clock offset='variable' adjustment='x'/>",
		"<clock/><clock/>",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(clocks); i++) {
		g_autofree char *text =
			g_strdup_printf("<domain type='kvm'>\n%s</domain>", clocks[i]);
		g_autoptr(kvt_vm) vm = parse(KVT_FORMAT_LIBVIRT, text);
		const struct kvt_vm_note *note = g_ptr_array_index(vm->notes, 0);

		g_assert_true(kvt_vm_noted(vm, KVT_NOTE_INVALID, -1));
		g_assert_cmpint(note->line, ==, i == 1 ? 3 : 2);
	}
}

static void test_old_options_mean_what_they_meant(void)
{
	g_autoptr(kvt_vm) vm =
		parse(KVT_FORMAT_QEMU, "qemu-kvm -no-kvm-pit-reinjection -no-hpet "
				       "-rtc-td-hack -localtime -tdf -startdate now");

	g_assert_true(kvt_vm_is(vm, PART(PIT, POLICY), KVT_POLICY_DISCARD));
	g_assert_true(kvt_vm_is(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP));
	g_assert_true(kvt_vm_is(vm, PART(HPET, PRESENT), KVT_NO));
	g_assert_cmpuint(vm->options->len, ==, 6);
}

static void test_a_shell_line_is_split_as_a_shell_does(void)
{
	g_autoptr(GArray) lines = NULL;
	static const char text[] =
		"TZ='Europe/Paris' \\\n qemu-system-x86_64 \\\n -rtc \"base=local\"time "
		"-name 'a b' # tail\nls -no-hpet";
	g_autoptr(GPtrArray) words = kvt_qemu_split(text, strlen(text), "test", &lines, NULL);
	g_autoptr(kvt_vm) vm = parse(-1, text);

	g_assert_cmpuint(words->len, ==, 6);
	g_assert_cmpstr(g_ptr_array_index(words, 3), ==, "base=localtime");
	g_assert_cmpint(g_array_index(lines, int, 2), ==, 3);
	g_assert_cmpstr(vm->at[KVT_VM_TIMEZONE].text, ==, "Europe/Paris");
	fails(KVT_FORMAT_QEMU, "qemu-kvm \\\n\\\n -name 'x", 22, "test:3");
}

static void test_options_go_on_in_the_next_line(void)
{
	g_autoptr(kvt_vm) quoted = parse(-1, "  -no-hpet\n\n  -rtc base=localtime\nls -no-acpi\n");
	g_autoptr(kvt_vm) words = parse(-1, "/usr/bin/qemu-kvm\n-rtc\nbase=localtime\n-no-hpet\n");

	g_assert_true(kvt_vm_is(quoted, KVT_VM_OFFSET, KVT_OFFSET_LOCALTIME));
	g_assert_cmpint(quoted->at[KVT_VM_OFFSET].line, ==, 3);
	g_assert_false(kvt_vm_said(quoted, KVT_VM_ACPI));
	g_assert_true(kvt_vm_is(words, KVT_VM_OFFSET, KVT_OFFSET_LOCALTIME));
	g_assert_true(kvt_vm_is(words, PART(HPET, PRESENT), KVT_NO));
}

static void test_a_proc_cmdline_is_split_at_its_nuls(void)
{
	static const char text[] = "/usr/bin/qemu-system-x86_64\0-rtc\0base=utc,driftfix=slew\0"
				   "-cpu\0host,+invtsc,hv_time,tsc-freq=2.5G\0-accel\0kvm";
	g_autoptr(GError) error = NULL;
	g_autoptr(kvt_vm) vm = kvt_vm_parse(-1, text, sizeof(text), "test", &error);

	g_assert_no_error(error);
	g_assert_true(kvt_vm_is(vm, PART(RTC, POLICY), KVT_POLICY_CATCHUP));
	g_assert_true(kvt_vm_is(vm, KVT_VM_INVTSC, KVT_YES));
	g_assert_true(kvt_vm_is(vm, PART(HYPERVCLOCK, PRESENT), KVT_YES));
	g_assert_true(kvt_vm_is(vm, KVT_VM_VIRT, KVT_VIRT_KVM));
}

static void test_a_config_file_says_the_same_as_a_line(void)
{
	g_autoptr(kvt_vm) vm =
		parse(-1, "# made by hand\n[machine]\n  type = \"q35\"\n  hpet = \"off\"\n"
			  "[rtc]\n  base = \"localtime\"\n  driftfix = \"slew\"\n"
			  "[global]\n  driver = \"kvm-pit\"\n"
			  "  property = \"lost_tick_policy\"\n  value = \"discard\"\n");

	g_assert_true(kvt_vm_is(vm, PART(HPET, PRESENT), KVT_NO));
	g_assert_true(kvt_vm_is(vm, PART(PIT, POLICY), KVT_POLICY_DISCARD));
	g_assert_cmpint(vm->at[PART(RTC, POLICY)].line, ==, 7);
	g_assert_cmpint(vm->at[KVT_VM_OFFSET].number, ==, KVT_OFFSET_LOCALTIME);
}

/* ---- mending ---- */

static const char *const machines[] = {
	"<domain type='kvm'>\n  <!-- <clock offset='x'> is not here -->\n  <os><type>hvm</type></os>\n"
	"  <clock offset='utc'>\n    <timer name='rtc' tickpolicy='delay'/> <!-- slow > -->\n"
	"    <timer   name='pit'\n             tickpolicy='delay' />\n  </clock>\n"
	"  <devices>\n    <emulator>/usr/bin/q</emulator>\n  </devices>\n</domain>\n",
	"<?xml version=\"1.0\"?>\r\n<domain type=\"kvm\">\r\n\t<os><type>hvm</type></os>\r\n"
	"\t<features>\r\n\t\t<hyperv mode=\"custom\">\r\n\t\t\t<relaxed state=\"off\"/>\r\n"
	"\t\t</hyperv>\r\n\t</features>\r\n\t<clock offset=\"absolute\" start=\"5\"/>\r\n"
	"\t<devices/>\r\n</domain>\r\n",
	"<domain type='kvm'><os><type>hvm</type></os><clock/></domain>",
	"<domain type='kvm'>\n<os><type>hvm</type></os>\n"
	"<description><![CDATA[<clock offset='a'/> a > b]]></description>\n</domain>",
	"<domain xmlns:q='u' type='kvm'>\n  <os><type>hvm</type></os>\n"
	"  <q:x><q:clock note='a > b'/></q:x>\n  <clock offset='timezone' timezone='Europe/Paris'>"
	"<timer name='hpet' present='yes'></timer></clock>\n  <devices></devices>\n</domain>",
	"<clock offset='utc'>\n  <timer name='pit' tickpolicy='delay'/>\n</clock>\n",
};

static const char *const changes[][2] = {
	{ "clock.offset", "localtime" },
	{ "clock.offset", "utc" },
	{ "timer.rtc.policy", "catchup" },
	{ "timer.pit.policy", "discard" },
	{ "timer.hpet.present", "no" },
	{ "timer.hypervclock.present", "yes" },
	{ "timer.rtc.track", "wall" },
	{ "timer.kvmclock.present", "yes" },
	{ "hv.relaxed", "yes" },
	{ "hv.vpindex", "yes" },
	{ "hv.stimer", "yes" },
	{ "agent", "yes" },
};

/* What went away between two texts: no element, no comment and no line may be in it. */
static void assert_nothing_lost(const char *before, const char *after)
{
	gsize head = 0, tail = 0, length = strlen(before), other = strlen(after);
	g_autofree char *gone = NULL;

	while (head < length && before[head] == after[head])
		head++;
	while (tail < length - head && tail < other - head &&
	       before[length - 1 - tail] == after[other - 1 - tail])
		tail++;
	gone = g_strndup(before + head, length - head - tail);
	g_test_message("gone: '%s'", gone);
	g_assert_null(strpbrk(gone, "<\n"));
}

static void assert_rest_stays(const char *before, const char *after, const char *field)
{
	g_autoptr(kvt_vm) old = parse(KVT_FORMAT_LIBVIRT, before);
	g_autoptr(kvt_vm) new = parse(KVT_FORMAT_LIBVIRT, after);

	for (int i = 0; i < KVT_VM_FIELD_COUNT; i++) {
		const char *name = kvt_vm_field_name((enum kvt_vm_field)i);

		if (strcmp(name, field) == 0 || g_str_has_suffix(name, ".named") ||
		    (g_str_has_prefix(name, "clock.") && strcmp(field, "clock.offset") == 0))
			continue;
		g_test_message("%s", name);
		/* an element that was made may be the first of its parent */
		g_assert_true(kvt_vm_same(old, new, (enum kvt_vm_field)i) ||
			      strcmp(name, "agent") == 0);
	}
}

static void test_a_mended_xml_keeps_every_other_byte(void)
{
	for (gsize m = 0; m < G_N_ELEMENTS(machines); m++) {
		g_autofree char *text = g_strdup(machines[m]);
		bool bare = g_str_has_prefix(text, "<clock");

		for (int i = 0; i < 200; i++) {
			const char *const *change =
				changes[g_test_rand_int_range(0, G_N_ELEMENTS(changes))];
			g_autoptr(GError) error = NULL;
			char *next;

			if (i % 20 == 0) /* from the start again */
				g_free(text), text = g_strdup(machines[m]);
			next = kvt_libvirt_mend(text, change[0], change[1], &error);
			if (next == NULL && bare)
				continue; /* a clock alone has no devices */
			g_test_message("%zu: %s = %s", m, change[0], change[1]);
			g_assert_no_error(error);
			if (strcmp(change[0], "clock.offset") != 0)
				assert_nothing_lost(text, next);
			assert_rest_stays(text, next, change[0]);
			g_free(text);
			text = next;
		}
	}
}

static void test_a_mended_timer_stands_among_its_kin(void)
{
	g_autofree char *text = kvt_libvirt_mend(machines[0], "timer.hpet.present", "no", NULL);
	g_autofree char *crlf = kvt_libvirt_mend(machines[1], "timer.rtc.policy", "catchup", NULL);

	g_assert_nonnull(strstr(
		text, "tickpolicy='delay' />\n    <timer name='hpet' present='no'/>\n  </clock>"));
	g_assert_nonnull(strstr(
		crlf,
		"start=\"5\">\r\n\t  <timer name=\"rtc\" tickpolicy=\"catchup\"/>\r\n\t</clock>"));
}

/* ---- what it does ---- */

static void test_pit_delay_turned_round(void)
{
	g_autoptr(kvt_vm) xml = parse(KVT_FORMAT_LIBVIRT,
				      "<domain type='kvm'><os><type>hvm</type></os><clock>"
				      "<timer name='pit' tickpolicy='delay'/></clock></domain>");
	g_autoptr(kvt_vm) line = parse(KVT_FORMAT_QEMU, "kvm -no-kvm-pit-reinjection");
	g_autoptr(GPtrArray) then = kvt_vm_effects(xml, KVT_QEMU(1, 0));
	g_autoptr(GPtrArray) now = kvt_vm_effects(xml, KVT_QEMU(7, 2));
	g_autoptr(GPtrArray) meant = kvt_vm_effects(line, KVT_QEMU(1, 0));

	g_assert_cmpstr(kvt_vm_effect(then, "pit.policy"), ==, "discard");
	g_assert_cmpstr(kvt_vm_effect(now, "pit.policy"), ==, "reinject");
	g_assert_cmpstr(kvt_vm_effect(meant, "pit.policy"), ==, "discard");
}

static void test_an_os_is_told_by_its_id(void)
{
	static const struct {
		const char *id;
		int family;
	} cases[] = {
		{ "http://redhat.com/rhel/5.4", KVT_FAMILY_LINUX_TICKS },
		{ "http://redhat.com/rhel/5.5", KVT_FAMILY_LINUX },
		{ "rhel5.10", KVT_FAMILY_LINUX },
		{ "rhel4.8", KVT_FAMILY_LINUX_TICKS },
		{ "rhel9-unknown", KVT_FAMILY_LINUX },
		{ "http://microsoft.com/win/10", KVT_FAMILY_WINDOWS },
		{ "win2k8r2", KVT_FAMILY_WINDOWS },
		{ "win2k3", KVT_FAMILY_WINDOWS_NT5 },
		{ "winxp", KVT_FAMILY_WINDOWS_NT5 },
		{ "win98", KVT_FAMILY_DOS },
		{ "windows", KVT_FAMILY_WINDOWS },
		{ "wxp", KVT_FAMILY_WINDOWS_NT5 },
		{ "l26", KVT_FAMILY_LINUX },
		{ "l24", KVT_FAMILY_LINUX_TICKS },
		{ "w2k8", KVT_FAMILY_WINDOWS },
		{ "ubuntu8.04", KVT_FAMILY_LINUX_TICKS },
		{ "ubuntu22.04", KVT_FAMILY_LINUX },
		{ "sles10sp4", KVT_FAMILY_LINUX_TICKS },
		{ "solaris11", KVT_FAMILY_SOLARIS },
		{ "freebsd13.0", KVT_FAMILY_BSD },
		{ "http://debian.org/debian/12", KVT_FAMILY_LINUX },
		{ "what is this", -1 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].id);
		g_assert_cmpint(kvt_os_family(cases[i].id), ==, cases[i].family);
	}
}

static void test_our_own_advice_has_no_findings(void)
{
	g_autoptr(kvt_rules) rules = kvt_rules_load(NULL);

	g_assert_nonnull(rules);
	for (int family = KVT_FAMILY_LINUX; family <= KVT_FAMILY_OTHER; family++) {
		g_autoptr(kvt_vm) vm = kvt_vm_policy_model((enum kvt_vm_family)family);
		g_autoptr(kvt_facts) facts = kvt_vm_facts(vm, KVT_QEMU(8, 2));
		g_autoptr(kvt_judgement) judgement = kvt_judge(rules, facts);

		for (guint i = 0; i < judgement->found->len; i++) {
			const struct kvt_finding *f = g_ptr_array_index(judgement->found, i);

			g_test_message("%d: %s %s", family, f->rule->id, f->title);
			g_assert_cmpint(f->rule->severity, ==, KVT_INFO);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vmdef/libvirt-says-all-back", test_libvirt_says_all_back);
	g_test_add_func("/vmdef/what-qemu-can-say-comes-back", test_what_qemu_can_say_comes_back);
	g_test_add_func("/vmdef/what-a-format-cannot-say-is-listed",
			test_what_a_format_cannot_say_is_listed);
	g_test_add_func("/vmdef/hostile-xml-is-refused-with-its-line",
			test_hostile_xml_is_refused_with_its_line);
	g_test_add_func("/vmdef/bad-values-are-noted-with-their-line",
			test_bad_values_are_noted_with_their_line);
	g_test_add_func("/vmdef/old-options-mean-what-they-meant",
			test_old_options_mean_what_they_meant);
	g_test_add_func("/vmdef/a-shell-line-is-split-as-a-shell-does",
			test_a_shell_line_is_split_as_a_shell_does);
	g_test_add_func("/vmdef/options-go-on-in-the-next-line",
			test_options_go_on_in_the_next_line);
	g_test_add_func("/vmdef/a-proc-cmdline-is-split-at-its-nuls",
			test_a_proc_cmdline_is_split_at_its_nuls);
	g_test_add_func("/vmdef/a-config-file-says-the-same-as-a-line",
			test_a_config_file_says_the_same_as_a_line);
	g_test_add_func("/vmdef/a-mended-xml-keeps-every-other-byte",
			test_a_mended_xml_keeps_every_other_byte);
	g_test_add_func("/vmdef/a-mended-timer-stands-among-its-kin",
			test_a_mended_timer_stands_among_its_kin);
	g_test_add_func("/vmdef/pit-delay-turned-round", test_pit_delay_turned_round);
	g_test_add_func("/vmdef/an-os-is-told-by-its-id", test_an_os_is_told_by_its_id);
	g_test_add_func("/vmdef/our-own-advice-has-no-findings",
			test_our_own_advice_has_no_findings);
	return g_test_run();
}
