/* SPDX-License-Identifier: BSD-2-Clause */
#include "sys/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "sys/ptp.h"

#define ATTEMPTS     32
#define HPET_SIZE    1024
#define HPET_CAP     0x000 /* 63:32 period in fs, 13 counter of 64 bits */
#define HPET_CONF    0x010 /* 0 counts */
#define HPET_COUNTER 0x0f0
#define HPET_WIDE    (UINT64_C(1) << 13)
#define FS_PER_NS    1000000
#define RTC_SECONDS  "/sys/class/rtc/rtc0/since_epoch"
#define RTC_POLL_US  200

bool kvt_witness_in_guest(const struct kvt_answers *answers)
{
	uint32_t regs[4] = { 0 };

	return answers->cpuid(answers->user, 1, 0, regs) == 0 && (regs[2] >> 31 & 1) != 0;
}

void kvt_witness_clear(struct kvt_witness *witness)
{
	if (witness->memory != NULL)
		witness->calls->unmap(witness->calls->context, witness->memory, HPET_SIZE);
	if (witness->fd >= 0)
		witness->calls->close(witness->calls->context, witness->fd);
	g_free(witness->name);
	g_free(witness->why);
	*witness = (struct kvt_witness){ .fd = -1 };
}

static void witness_free(gpointer data)
{
	kvt_witness_clear(data);
	g_free(data);
}

static struct kvt_witness *add(GPtrArray *list, const struct kvt_calls *calls, const char *name)
{
	struct kvt_witness *witness = g_new0(struct kvt_witness, 1);

	witness->calls = calls;
	witness->fd = -1;
	witness->name = g_strdup(name);
	g_ptr_array_add(list, witness);
	return witness;
}

static void none(struct kvt_witness *witness, const char *why)
{
	g_free(witness->why);
	witness->why = g_strdup(why);
	witness->kind = KVT_WITNESS_NONE;
}

/* ---- HPET: IA-PC HPET Specification 1.0a, 2.3 ---- */

static uint64_t hpet_register(const struct kvt_witness *witness, gsize offset)
{
	return *(const volatile uint64_t *)((const volatile uint8_t *)witness->memory + offset);
}

static void look_at_hpet(struct kvt_witness *witness, bool in_guest)
{
	uint64_t capabilities;

	witness->memory = witness->calls->map(witness->calls->context, witness->fd, HPET_SIZE);
	if (witness->memory == NULL) {
		none(witness, "the kernel does not let it be mapped (hpet_mmap)");
		return;
	}
	capabilities = hpet_register(witness, HPET_CAP);
	witness->period_fs = capabilities >> 32;
	witness->wide = (capabilities & HPET_WIDE) != 0;
	if (witness->period_fs == 0 || witness->period_fs > 100000000 ||
	    (hpet_register(witness, HPET_CONF) & 1) == 0) {
		none(witness, "its counter does not run");
		return;
	}
	witness->kind = in_guest ? KVT_WITNESS_HOST : KVT_WITNESS_OWN;
	witness->why = g_strdup(in_guest ? "emulated: it shows the host's clock"
					 : "a counter with an oscillator of its own");
}

static void add_hpet(GPtrArray *list, const struct kvt_root *root, const struct kvt_calls *calls,
		     bool in_guest)
{
	const int fd = calls->open(calls->context, "/dev/hpet", O_RDONLY);
	struct kvt_witness *witness;

	if (fd < 0 && !kvt_root_exists(root, "/dev/hpet"))
		return;
	witness = add(list, calls, "hpet");
	witness->fd = fd;
	if (fd < 0)
		none(witness, g_strerror(-fd));
	else
		look_at_hpet(witness, in_guest);
}

/* A counter of 32 bits goes round every five minutes: it is read more often than that. */
static bool read_hpet(struct kvt_witness *witness, int64_t *ret_ns)
{
	uint64_t now = hpet_register(witness, HPET_COUNTER);

	if (!witness->wide)
		now = witness->last + (uint32_t)((uint32_t)now - (uint32_t)witness->last);
	witness->last = now;
	*ret_ns = (int64_t)((unsigned __int128)now * witness->period_fs / FS_PER_NS);
	return true;
}

/* ---- PHC ---- */

/* Drivers whose clock is the host's: Linux drivers/ptp/ptp_kvm_common.c, ptp_vmw.c, ptp_vmclock.c,
 * drivers/hv/hv_util.c, drivers/virtio/virtio_rtc_ptp.c. */
static bool is_hosts_clock(const char *name)
{
	static const char *const words[] = { "KVM virtual", "ptp_vmw", "vmclock",
					     "hyperv",      "Virtio",  "virtio" };

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(name, words[i]) != NULL)
			return true;
	return false;
}

/* Hardware that no hypervisor emulates, so that a guest's is a real one. */
static bool is_never_emulated(const char *name)
{
	return g_str_has_prefix(name, "mlx") || g_str_has_prefix(name, "ena");
}

static void look_at_phc(struct kvt_witness *witness, const char *driver, bool in_guest,
			bool steered)
{
	if (driver == NULL)
		none(witness, "its driver is not known");
	else if (strstr(driver, "ock-PTP") != NULL || strstr(driver, "mock") != NULL)
		none(witness, "it is made of this machine's own clock");
	else if (strstr(driver, "KVM virtual") != NULL) {
		witness->kind = KVT_WITNESS_HOST;
		witness->why = g_strdup(
			"it is the host's clock, and KVM answers only if that counts the TSC");
	} else if (is_hosts_clock(driver)) {
		witness->kind = KVT_WITNESS_HOST;
		witness->why = g_strdup("it is the host's clock");
	} else if (steered)
		none(witness, "phc2sys runs, and may make it follow this machine's clock");
	else if (in_guest && !is_never_emulated(driver)) {
		witness->kind = KVT_WITNESS_HOST;
		witness->why = g_strdup("a card that the host may emulate with its own clock");
	} else {
		witness->kind = KVT_WITNESS_OWN;
		witness->why = g_strdup("a card's clock with an oscillator of its own");
	}
}

static void add_phcs(GPtrArray *list, const struct kvt_root *root, const struct kvt_calls *calls,
		     const struct kvt_answers *answers, bool in_guest)
{
	static const char *const phc2sys[] = { "phc2sys", NULL };
	g_autofree char *steering = answers->processes(answers->user, phc2sys);
	g_autoptr(GPtrArray) phcs = kvt_phc_list(root, calls);

	for (guint i = 0; i < phcs->len; i++) {
		const struct kvt_phc *phc = phcs->pdata[i];
		g_autofree char *name =
			g_strdup_printf("%s (%s)", phc->path + strlen("/dev/"),
					phc->clock_name != NULL ? phc->clock_name : "?");
		struct kvt_witness *witness = add(list, calls, name);

		look_at_phc(witness, phc->clock_name, in_guest,
			    steering == NULL || steering[0] != '\0');
		if (witness->kind == KVT_WITNESS_NONE)
			continue;
		witness->phc = true;
		witness->fd = calls->open(calls->context, phc->path, O_RDONLY);
		if (witness->fd < 0)
			none(witness, g_strerror(-witness->fd));
	}
}

/* The ioctls would give it against the kernel's clock, which NTP slews; the counter is wanted. */
static bool read_phc(const struct kvt_witness *witness, int64_t *ret_ns)
{
	return witness->calls->clock(witness->calls->context,
				     (clockid_t)(~(unsigned)witness->fd << 3 | 3), ret_ns) == 0;
}

/* ---- all of them ---- */

GPtrArray *kvt_witness_list(const struct kvt_root *root, const struct kvt_calls *calls,
			    const struct kvt_answers *answers)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(witness_free);
	const bool in_guest = kvt_witness_in_guest(answers);

	if (calls == &kvt_calls_none)
		return list;
	add_hpet(list, root, calls, in_guest);
	add_phcs(list, root, calls, answers, in_guest);
	return list;
}

bool kvt_witness_read(struct kvt_witness *witness, int64_t *ret_ns)
{
	if (witness->kind == KVT_WITNESS_NONE)
		return false;
	return witness->phc ? read_phc(witness, ret_ns) : read_hpet(witness, ret_ns);
}

static bool read_narrowest(struct kvt_witness *witness, uint64_t *ret_tsc, int64_t *ret_ns,
			   uint64_t *ret_width)
{
	const struct kvt_calls *calls = witness->calls;
	uint64_t narrowest = UINT64_MAX;

	for (int i = 0; i < ATTEMPTS; i++) {
		const uint64_t before = calls->tsc(calls->context);
		int64_t now_ns;
		uint64_t after;

		if (!kvt_witness_read(witness, &now_ns))
			continue;
		after = calls->tsc(calls->context);
		if (before == 0 || after < before || after - before >= narrowest)
			continue;
		narrowest = after - before;
		*ret_tsc = before + narrowest / 2;
		*ret_ns = now_ns;
		*ret_width = narrowest;
	}
	return narrowest != UINT64_MAX;
}

void kvt_witness_begin(GPtrArray *witnesses)
{
	for (guint i = 0; i < witnesses->len; i++) {
		struct kvt_witness *witness = witnesses->pdata[i];

		witness->begun = read_narrowest(witness, &witness->first_tsc, &witness->first_ns,
						&witness->first_window);
	}
}

static void end_one(struct kvt_witness *witness, double khz)
{
	uint64_t tsc, width;
	int64_t now_ns;
	double cycles, tsc_ns;

	if (!witness->begun || !read_narrowest(witness, &tsc, &now_ns, &width) ||
	    tsc <= witness->first_tsc || !(khz > 0))
		return;
	cycles = (double)(tsc - witness->first_tsc);
	tsc_ns = cycles / khz * 1e6;
	witness->rate.known = true;
	witness->rate.seconds = tsc_ns / 1e9;
	witness->rate.ppm = ((double)(now_ns - witness->first_ns) / tsc_ns - 1) * 1e6;
	witness->rate.bound_ppm =
		((double)(width + witness->first_window) / 2 / cycles + 0.5 / khz) * 1e6;
}

void kvt_witness_end(GPtrArray *witnesses, double khz)
{
	for (guint i = 0; i < witnesses->len; i++)
		end_one(witnesses->pdata[i], khz);
}

/* ---- NTP ---- */

static void be_ntp(struct kvt_witness *witness, const char *name, const char *question, double ppm,
		   double bound_ppm, bool of_host)
{
	if (!isfinite(ppm) || !isfinite(bound_ppm) || !(bound_ppm > 0)) {
		none(witness, "the time daemon states no bound for the rate that it found");
		return;
	}
	g_free(witness->name);
	witness->name = g_strdup(name);
	witness->kind = of_host ? KVT_WITNESS_HOST : KVT_WITNESS_OWN;
	witness->rate =
		(struct kvt_witness_rate){ .known = true, .ppm = ppm, .bound_ppm = bound_ppm };
	g_free(witness->why);
	witness->why =
		g_strdup_printf("%s, the daemon follows %s", question,
				of_host ? "the host's clock" : "a source outside this machine");
}

/*
 * chronyc -c tracking, from 0: reference id, its name, ..., 7 frequency, 8 residual frequency,
 * 9 skew, ..., 13 leap status. A positive frequency is a clock that would be fast by itself.
 * Source: chrony 4.3 client.c process_cmd_tracking, chronyc(1).
 */
static void ask_chrony(const struct kvt_answers *answers, bool in_guest,
		       struct kvt_witness *witness)
{
	g_autofree char *answer = answers->query(answers->user, "chronyc-tracking");
	g_auto(GStrv) values = g_strsplit(answer != NULL ? g_strstrip(answer) : "", ",", -1);

	if (g_strv_length(values) < 14)
		none(witness, "chronyd gave no answer");
	else if (strcmp(values[13], "Not synchronised") == 0)
		none(witness, "chronyd is not synchronised");
	else if (g_str_has_prefix(values[0], "7F7F")) /* 127.127.1.1: the local directive */
		none(witness, "chronyd follows this machine's own clock");
	else if (g_str_has_prefix(values[1], "PHC") && !in_guest)
		none(witness, "chronyd follows a PHC, which is a witness by itself");
	else
		be_ntp(witness, "NTP (chronyd)", "chronyc -c tracking",
		       -g_ascii_strtod(values[7], NULL),
		       fabs(g_ascii_strtod(values[8], NULL)) + g_ascii_strtod(values[9], NULL),
		       g_str_has_prefix(values[1], "PHC"));
}

static double number_after(const char *text, const char *word)
{
	const char *found = text != NULL ? strstr(text, word) : NULL;

	return found != NULL ? g_ascii_strtod(found + strlen(word), NULL) : NAN;
}

/* A positive frequency is added to a clock that would be slow by itself. */
static void ask_ntpd(const struct kvt_answers *answers, struct kvt_witness *witness)
{
	g_autofree char *answer = answers->query(answers->user, "ntpq-rv");
	const double stratum = number_after(answer, "stratum=");

	if (answer == NULL || isnan(stratum))
		none(witness, "ntpd gave no answer");
	else if (stratum >= 16)
		none(witness, "ntpd is not synchronised");
	else if (strstr(answer, "refid=LOC") != NULL || strstr(answer, "refid=127.127.1.") != NULL)
		none(witness, "ntpd follows this machine's own clock");
	else
		be_ntp(witness, "NTP (ntpd)", "ntpq -c rv", number_after(answer, "frequency="),
		       3 * number_after(answer, "clk_wander="), false);
}

void kvt_witness_ntp(const struct kvt_answers *answers, bool in_guest,
		     struct kvt_witness *ret_witness)
{
	static const char *const chronyd[] = { "chronyd", NULL }, *const ntpd[] = { "ntpd", NULL };
	g_autofree char *chrony = answers->processes(answers->user, chronyd);
	g_autofree char *ntp = answers->processes(answers->user, ntpd);
	struct kvt_ntp_state state;

	*ret_witness = (struct kvt_witness){ .fd = -1, .name = g_strdup("NTP") };
	if (answers->ntp(answers->user, &state) < 0)
		none(ret_witness, "whether the clock is synchronised is not known");
	else if (!state.synchronised)
		none(ret_witness, "the clock is not synchronised");
	else if (chrony != NULL && chrony[0] != '\0')
		ask_chrony(answers, in_guest, ret_witness);
	else if (ntp != NULL && ntp[0] != '\0')
		ask_ntpd(answers, ret_witness);
	else
		none(ret_witness, "who synchronises the clock states no bound for its rate");
}

/* ---- RTC ---- */

static bool rtc_second(const struct kvt_root *root, int64_t *ret_s)
{
	g_autofree char *line = kvt_root_line(root, RTC_SECONDS);
	char *end;

	if (line == NULL || line[0] == '\0')
		return false;
	*ret_s = g_ascii_strtoll(line, &end, 10);
	return *end == '\0';
}

bool kvt_witness_rtc_edge(const struct kvt_root *root, const struct kvt_calls *calls,
			  int64_t until_ns, int64_t *ret_s, uint64_t *ret_tsc, uint64_t *ret_width)
{
	uint64_t before = calls->tsc(calls->context); /* when the old second was read, or earlier */
	int64_t first_s, second, now_ns;

	if (!rtc_second(root, &first_s))
		return false;
	for (;;) {
		const uint64_t start = calls->tsc(calls->context);

		if (!rtc_second(root, &second))
			return false;
		if (second != first_s) {
			*ret_s = second;
			*ret_width = calls->tsc(calls->context) - before;
			*ret_tsc = before + *ret_width / 2;
			return true;
		}
		before = start;
		if (calls->clock(calls->context, CLOCK_MONOTONIC, &now_ns) < 0 ||
		    now_ns >= until_ns)
			return false;
		g_usleep(RTC_POLL_US);
	}
}
