/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks that can bear the TSC out, on a machine whose devices are made up, and what follows. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <glib.h>

#include <kvmtime/error.h>

#include "check/machine.h"
#include "sys/witness.h"

#define KHZ        2500000 /* the rate that the kernel believes */
#define READ_NS    400     /* each look at the TSC moves time on by so much */
#define HPET_FD    7
#define PHC_FD     8
#define PERIOD_FS  69841279
#define COUNTER_AT (0xf0 / 8)

struct machine {
	struct kvt_calls calls;
	struct kvt_answers answers;
	struct kvt_root *root;
	double now_ns;      /* true time */
	double tsc_ppm;     /* the TSC's own rate is off by this */
	uint64_t hpet[128]; /* registers */
	bool wide, no_map, no_hpet, guest;
	const char *phc2sys, *chronyd, *ntpd, *tracking, *rv;
	bool synchronised;
};

static uint64_t hpet_count(const struct machine *m)
{
	const uint64_t count = 4294960000u + (uint64_t)(m->now_ns * 1e6 / PERIOD_FS);

	return m->wide ? count : (uint32_t)count;
}

static uint64_t fake_tsc(void *context)
{
	struct machine *m = context;

	m->now_ns += READ_NS;
	m->hpet[COUNTER_AT] = hpet_count(m);
	return 1000 + (uint64_t)(m->now_ns * KHZ / 1e6 * (1 + m->tsc_ppm / 1e6));
}

static int fake_clock(void *context, clockid_t clock, int64_t *ret_ns)
{
	const struct machine *m = context;

	(void)clock;
	*ret_ns = 1795132800000000000 + (int64_t)m->now_ns;
	return 0;
}

static int fake_open(void *context, const char *path, int flags)
{
	const struct machine *m = context;

	(void)flags;
	if (strcmp(path, "/dev/hpet") == 0)
		return m->no_hpet ? -EACCES : HPET_FD;
	return strcmp(path, "/dev/ptp0") == 0 ? PHC_FD : -ENOENT;
}

static int fake_ioctl(void *context, int fd, unsigned long request, void *argument)
{
	(void)context, (void)fd, (void)request, (void)argument;
	return -ENOTTY;
}

static void fake_close(void *context, int fd)
{
	(void)context, (void)fd;
}

static const volatile void *fake_map(void *context, int fd, gsize size)
{
	const struct machine *m = context;

	g_assert_cmpint(fd, ==, HPET_FD);
	g_assert_cmpuint(size, <=, sizeof(m->hpet));
	return m->no_map ? NULL : m->hpet;
}

static void fake_unmap(void *context, const volatile void *memory, gsize size)
{
	(void)context, (void)memory, (void)size;
}

static int fake_cpuid(void *user, uint32_t leaf, uint32_t subleaf, uint32_t ret_regs[4])
{
	const struct machine *m = user;

	(void)subleaf;
	if (leaf != 1)
		return -KVT_E_ABSENT;
	memset(ret_regs, 0, 4 * sizeof(ret_regs[0]));
	ret_regs[2] = m->guest ? 1u << 31 : 0;
	return 0;
}

static int fake_ntp(void *user, struct kvt_ntp_state *ret_state)
{
	const struct machine *m = user;

	*ret_state = (struct kvt_ntp_state){ .synchronised = m->synchronised };
	return 0;
}

static char *fake_processes(void *user, const char *const *names)
{
	const struct machine *m = user;
	const char *line = strcmp(names[0], "phc2sys") == 0   ? m->phc2sys
			   : strcmp(names[0], "chronyd") == 0 ? m->chronyd
							      : m->ntpd;

	return g_strdup(line != NULL ? line : "");
}

static char *fake_query(void *user, const char *question)
{
	const struct machine *m = user;

	return g_strdup(strcmp(question, "ntpq-rv") == 0 ? m->rv : m->tracking);
}

static void machine_begin(struct machine *m, const char *clock_name)
{
	*m = (struct machine){ .now_ns = 1e9, .synchronised = true };
	m->calls = (struct kvt_calls){ .context = m,
				       .tsc = fake_tsc,
				       .clock = fake_clock,
				       .open = fake_open,
				       .ioctl = fake_ioctl,
				       .close = fake_close,
				       .map = fake_map,
				       .unmap = fake_unmap };
	m->answers = (struct kvt_answers){ .cpuid = fake_cpuid,
					   .ntp = fake_ntp,
					   .processes = fake_processes,
					   .query = fake_query,
					   .user = m };
	m->hpet[0] = (uint64_t)PERIOD_FS << 32;
	m->hpet[2] = 1;
	m->root = kvt_root_new_memory("test");
	kvt_root_add(m->root, "/dev/hpet", "", 0, NULL);
	if (clock_name != NULL) {
		kvt_root_add(m->root, "/sys/class/ptp/ptp0/clock_name", clock_name,
			     strlen(clock_name), NULL);
	}
}

static void machine_end(struct machine *m)
{
	kvt_root_free(m->root);
}

static const struct kvt_witness *named(const GPtrArray *list, const char *start)
{
	for (guint i = 0; i < list->len; i++) {
		const struct kvt_witness *witness = list->pdata[i];

		if (g_str_has_prefix(witness->name, start))
			return witness;
	}
	return NULL;
}

static GPtrArray *compare(struct machine *m, double seconds)
{
	GPtrArray *list = kvt_witness_list(m->root, &m->calls, &m->answers);

	kvt_witness_begin(list);
	m->now_ns += seconds * 1e9;
	kvt_witness_end(list, KHZ);
	return list;
}

static void assert_within(const struct kvt_witness *witness, double ppm)
{
	g_assert_nonnull(witness);
	g_assert_true(witness->rate.known);
	g_assert_cmpfloat(fabs(witness->rate.ppm - ppm), <=, witness->rate.bound_ppm + 0.7);
	g_assert_cmpfloat(witness->rate.bound_ppm, <, 20);
}

/* ---- clocks ---- */

static void test_hpet_finds_the_rate(void)
{
	static const double ppms[] = { 0, 35, -35, 812, -3000 };

	for (guint i = 0; i < G_N_ELEMENTS(ppms) * 2; i++) {
		struct machine m;
		g_autoptr(GPtrArray) list = NULL;

		machine_begin(&m, NULL);
		m.wide = i % 2 == 0;
		m.hpet[0] |= m.wide ? 1u << 13 : 0;
		m.tsc_ppm = ppms[i / 2];
		list = compare(&m, 0.25);
		g_assert_cmpint(named(list, "hpet")->kind, ==, KVT_WITNESS_OWN);
		/* a TSC that is fast makes the witness slow */
		assert_within(named(list, "hpet"), (1 / (1 + ppms[i / 2] / 1e6) - 1) * 1e6);
		machine_end(&m);
	}
}

static void test_hpet_that_cannot_be_read_is_none(void)
{
	for (int i = 0; i < 4; i++) {
		struct machine m;
		g_autoptr(GPtrArray) list = NULL;

		machine_begin(&m, NULL);
		m.no_hpet = i == 0;
		m.no_map = i == 1;
		if (i == 2)
			m.hpet[2] = 0; /* stands still */
		if (i == 3)
			m.hpet[0] = 0; /* no period */
		list = compare(&m, 0.25);
		g_assert_cmpint(named(list, "hpet")->kind, ==, KVT_WITNESS_NONE);
		g_assert_false(named(list, "hpet")->rate.known);
		g_assert_nonnull(named(list, "hpet")->why);
		machine_end(&m);
	}
}

static void test_who_a_phc_speaks_for(void)
{
	static const struct {
		const char *driver;
		bool guest;
		const char *phc2sys;
		enum kvt_witness_kind kind;
	} cases[] = {
		{ "mlx5_ptp", false, NULL, KVT_WITNESS_OWN },
		{ "mlx5_ptp", true, NULL, KVT_WITNESS_OWN },
		{ "ena-ptp-05", true, NULL, KVT_WITNESS_OWN },
		{ "52:54:00:12:34:56", false, NULL, KVT_WITNESS_OWN },
		{ "52:54:00:12:34:56", true, NULL, KVT_WITNESS_HOST },
		{ "KVM virtual PTP", true, NULL, KVT_WITNESS_HOST },
		{ "hyperv", true, NULL, KVT_WITNESS_HOST },
		{ "ptp_vmw", true, NULL, KVT_WITNESS_HOST },
		{ "vmclock", true, NULL, KVT_WITNESS_HOST },
		{ "mlx5_ptp", false, "77 phc2sys -s CLOCK_REALTIME -c eth0\n", KVT_WITNESS_NONE },
		{ "Mock-PTP", false, NULL, KVT_WITNESS_NONE },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct machine m;
		g_autoptr(GPtrArray) list = NULL;

		machine_begin(&m, cases[i].driver);
		m.guest = cases[i].guest;
		m.phc2sys = cases[i].phc2sys;
		m.tsc_ppm = 12;
		list = compare(&m, 0.25);
		g_test_message("%s", named(list, "ptp0")->name);
		g_assert_cmpint(named(list, "ptp0")->kind, ==, cases[i].kind);
		if (cases[i].kind != KVT_WITNESS_NONE)
			assert_within(named(list, "ptp0"), -12);
		machine_end(&m);
	}
}

static void test_guests_hpet_is_the_hosts_clock(void)
{
	struct machine m;
	g_autoptr(GPtrArray) list = NULL;

	machine_begin(&m, NULL);
	m.guest = true;
	list = compare(&m, 0.25);
	g_assert_cmpint(named(list, "hpet")->kind, ==, KVT_WITNESS_HOST);
	machine_end(&m);
}

static void test_recorded_machine_has_no_clock_to_read(void)
{
	struct machine m;
	g_autoptr(GPtrArray) list = NULL;

	machine_begin(&m, "mlx5_ptp");
	list = kvt_witness_list(m.root, &kvt_calls_none, &m.answers);
	g_assert_cmpuint(list->len, ==, 0);
	machine_end(&m);
}

/* ---- NTP ---- */

#define TRACKING(id, name, leap) \
	id "," name ",3,1795132800.0,0.00001,0.0,0.0,7.512,-0.002,0.051,0.01,0.001,64.0," leap

static void test_daemon_with_a_bound_is_a_witness(void)
{
	static const struct {
		const char *chronyd, *ntpd, *tracking, *rv;
		bool unsynchronised, guest;
		enum kvt_witness_kind kind;
		double ppm, bound_ppm;
	} cases[] = {
		{ .chronyd = "1 chronyd\n",
		  .tracking = TRACKING("C0000201", "192.0.2.1", "Normal"),
		  .kind = KVT_WITNESS_OWN,
		  .ppm = -7.512,
		  .bound_ppm = 0.053 },
		{ .chronyd = "1 chronyd\n",
		  .tracking = TRACKING("C0000201", "192.0.2.1", "Normal"),
		  .unsynchronised = true },
		{ .chronyd = "1 chronyd\n",
		  .tracking = TRACKING("00000000", "", "Not synchronised") },
		{ .chronyd = "1 chronyd\n", .tracking = TRACKING("7F7F0101", "", "Normal") },
		{ .chronyd = "1 chronyd\n", .tracking = TRACKING("50484330", "PHC0", "Normal") },
		{ .chronyd = "1 chronyd\n",
		  .tracking = TRACKING("50484330", "PHC0", "Normal"),
		  .guest = true,
		  .kind = KVT_WITNESS_HOST,
		  .ppm = -7.512,
		  .bound_ppm = 0.053 },
		{ .chronyd = "1 chronyd\n", .tracking = "garbage" },
		{ .chronyd = "1 chronyd\n" },
		{ .ntpd = "1 ntpd\n",
		  .rv = "stratum=3, offset=0.1, refid=192.0.2.1, frequency=-11.25, clk_wander=0.02",
		  .kind = KVT_WITNESS_OWN,
		  .ppm = -11.25,
		  .bound_ppm = 0.06 },
		{ .ntpd = "1 ntpd\n", .rv = "stratum=3, offset=0.1, refid=192.0.2.1" },
		{ .ntpd = "1 ntpd\n", .rv = "stratum=16, frequency=1, clk_wander=1" },
		{ .ntpd = "1 ntpd\n",
		  .rv = "stratum=6, refid=LOCAL(0), frequency=1.0, clk_wander=0.1" },
		{ .chronyd = NULL }, /* whoever it is: no bound */
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct kvt_witness ntp;
		struct machine m;

		machine_begin(&m, NULL);
		m.synchronised = !cases[i].unsynchronised;
		m.chronyd = cases[i].chronyd;
		m.ntpd = cases[i].ntpd;
		m.tracking = cases[i].tracking;
		m.rv = cases[i].rv;
		kvt_witness_ntp(&m.answers, cases[i].guest, &ntp);
		g_test_message("%u: %s: %s", i, ntp.name, ntp.why);
		g_assert_cmpint(ntp.kind, ==, cases[i].kind);
		g_assert_cmpint(ntp.rate.known, ==, cases[i].kind != KVT_WITNESS_NONE);
		g_assert_cmpfloat_with_epsilon(ntp.rate.ppm, cases[i].ppm, 1e-9);
		g_assert_cmpfloat_with_epsilon(ntp.rate.bound_ppm, cases[i].bound_ppm, 1e-9);
		g_assert_nonnull(ntp.why);
		kvt_witness_clear(&ntp);
		machine_end(&m);
	}
}

/* ---- trust ---- */

static struct kvt_facts *good_facts(void)
{
	static const char *const sources[] = { "tsc", "hpet", NULL };
	struct kvt_facts *facts = kvt_facts_new("test");

	kvt_facts_set_int(facts, KVT_HOST, "cpu.count", 2, "test");
	kvt_facts_set_bool(facts, KVT_HOST, "tsc.invariant", true, "test");
	kvt_facts_set_list(facts, KVT_HOST, "clocksource.available", sources, "test");
	kvt_facts_set_real(facts, KVT_HOST, "tsc.warp_ns", 0, "test");
	kvt_facts_set_text(facts, KVT_HOST, "tsc.witness", "hpet", "test");
	kvt_facts_set_real(facts, KVT_HOST, "tsc.witness_ppm", -12, "test");
	kvt_facts_set_real(facts, KVT_HOST, "tsc.witness_bound_ppm", 4, "test");
	kvt_facts_set_real(facts, KVT_HOST, "tsc.off_ppm", 8, "test");
	return facts;
}

static void assert_trust(struct kvt_facts *facts, enum kvt_fact_state state, bool trusted,
			 const char *because)
{
	const struct kvt_reader reader = { .facts = facts, .who = KVT_HOST };
	const struct kvt_fact *fact;

	kvt_judge_trust(&reader);
	fact = kvt_facts_get(facts, KVT_HOST, "tsc.trusted");
	g_assert_cmpint(fact->state, ==, state);
	g_assert_cmpint(fact->flag, ==, trusted);
	g_assert_nonnull(strstr(fact->source, because));
	kvt_facts_free(facts);
}

static void test_trust_wants_everything(void)
{
	struct kvt_facts *facts = good_facts();

	assert_trust(facts, KVT_KNOWN, true, "borne out");
	facts = good_facts();
	kvt_facts_set_text(facts, KVT_HOST, "tsc.witness", "none", "test");
	assert_trust(facts, KVT_UNKNOWN, false, "independent");
	facts = good_facts();
	kvt_facts_set_real(facts, KVT_HOST, "tsc.witness_bound_ppm", 600, "test");
	assert_trust(facts, KVT_UNKNOWN, false, "coarse");
	facts = good_facts();
	kvt_facts_set_bool(facts, KVT_HOST, "tsc.invariant", false, "test");
	assert_trust(facts, KVT_UNKNOWN, false, "invariant");
	facts = good_facts();
	kvt_facts_set_unknown(facts, KVT_HOST, "tsc.warp_ns", false, "test");
	assert_trust(facts, KVT_UNKNOWN, false, "not compared");
	facts = good_facts();
	kvt_facts_set_unknown(facts, KVT_HOST, "tsc.warp_ns", false, "test");
	kvt_facts_set_int(facts, KVT_HOST, "cpu.count", 1, "test");
	assert_trust(facts, KVT_KNOWN, true, "borne out");
}

static void test_anything_against_is_a_no(void)
{
	static const char *const without[] = { "hpet", "acpi_pm", NULL };
	struct kvt_facts *facts = good_facts();

	kvt_facts_set_real(facts, KVT_HOST, "tsc.warp_ns", 40, "test");
	assert_trust(facts, KVT_KNOWN, false, "steps back");
	facts = good_facts();
	kvt_facts_set_real(facts, KVT_HOST, "tsc.off_ppm", 500, "test");
	assert_trust(facts, KVT_KNOWN, false, "rate");
	facts = good_facts();
	kvt_facts_set_list(facts, KVT_HOST, "clocksource.available", without, "test");
	assert_trust(facts, KVT_KNOWN, false, "does not offer");
	facts = good_facts();
	kvt_facts_add_word(facts, KVT_HOST, "log.clocksource_unstable", "tsc", "test");
	assert_trust(facts, KVT_KNOWN, false, "demoted");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/witness/hpet-rate", test_hpet_finds_the_rate);
	g_test_add_func("/witness/hpet-unreadable", test_hpet_that_cannot_be_read_is_none);
	g_test_add_func("/witness/phc-kinds", test_who_a_phc_speaks_for);
	g_test_add_func("/witness/hpet-of-a-guest", test_guests_hpet_is_the_hosts_clock);
	g_test_add_func("/witness/recorded", test_recorded_machine_has_no_clock_to_read);
	g_test_add_func("/witness/daemon", test_daemon_with_a_bound_is_a_witness);
	g_test_add_func("/witness/trust-wants-everything", test_trust_wants_everything);
	g_test_add_func("/witness/trust-no", test_anything_against_is_a_no);
	return g_test_run();
}
