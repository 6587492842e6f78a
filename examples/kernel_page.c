/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the record of the paravirtual clock that this machine's hypervisor keeps for its kernel,
 * and the time that it gives now. In a KVM guest, without privilege: the kernel maps the page into
 * every process for the vDSO.
 *
 *     cc -o kernel_page kernel_page.c $(pkg-config --cflags --libs kvmtime)
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <kvmtime/pvclock.h>

/* Linux 6.13 and later have the page in [vvar_vclock], older ones as page 1 or 2 of [vvar]. */
static const unsigned char *find_mapping(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const unsigned char *found = NULL;
	char line[512];
	uintptr_t start;

	while (maps != NULL && found == NULL && fgets(line, sizeof(line), maps) != NULL)
		if (strstr(line, name) != NULL && sscanf(line, "%" SCNxPTR, &start) == 1)
			found = (const unsigned char *)start;
	if (maps != NULL)
		fclose(maps);
	return found;
}

/* A [vvar] page that this machine has no use for raises SIGBUS: let the kernel look at it. */
static int readable(const void *page)
{
	int ends[2], good;

	if (pipe(ends) < 0)
		return 0;
	good = write(ends[1], page, sizeof(struct pvclock_vcpu_time_info)) > 0;
	close(ends[0]);
	close(ends[1]);
	return good;
}

static int print_record(const unsigned char *page)
{
	const volatile struct pvclock_vcpu_time_info *live = (const volatile void *)page;
	struct pvclock_vcpu_time_info record;
	uint64_t ns;

	if (!readable(page) || kvt_pvclock_snapshot(live, &record) < 0 ||
	    kvt_pvclock_decode(&record, sizeof(record), &record) < 0)
		return 0; /* no record here */
	if (record.version == 0 || kvt_pvclock_read(live, &ns) < 0)
		return 0;
	printf("version %" PRIu32 ", tsc_timestamp %" PRIu64 ", system_time %" PRIu64
	       " ns, mul %" PRIu32 ", shift %d, flags 0x%x\n",
	       record.version, record.tsc_timestamp, record.system_time, record.tsc_to_system_mul,
	       record.tsc_shift, record.flags);
	printf("now %" PRIu64 " ns since the hypervisor's epoch\n", ns);
	return 1;
}

int main(void)
{
	const unsigned char *page = find_mapping("[vvar_vclock]");
	const long size = sysconf(_SC_PAGESIZE);

	if (page != NULL && print_record(page))
		return 0;
	page = find_mapping("[vvar]");
	for (int i = 1; page != NULL && i <= 2; i++)
		if (print_record(page + i * size))
			return 0;
	puts("No pvclock page here: not a KVM guest, or its kernel does not use the clock.");
	return 3;
}
