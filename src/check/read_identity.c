/* SPDX-License-Identifier: BSD-2-Clause */
/* Who this machine is: guest or host or both, under which hypervisor, in whose cloud. */
#include <string.h>

#include "check/machine.h"
#include "sys/cpuinfo.h"
#include "sys/error.h"

#define CPUINFO_LIMIT (64u << 20)

struct identity {
	const char *hypervisor; /* NULL = not known */
	const char *source;
	char signature[13];
	bool dom0;
};

static const struct {
	const char *signature;
	const char *hypervisor;
} signatures[] = {
	{ "KVMKVMKVM", "kvm" },
	{ "Microsoft Hv", "hyperv" },
	{ "VMwareVMware", "vmware" },
	{ "XenVMMXenVMM", "xen" },
	{ "TCGTCGTCGTCG", "tcg" },
	{ "bhyve bhyve ", "bhyve" },
	{ "VBoxVBoxVBox", "virtualbox" },
	{ " lrpepyh  vr", "parallels" },
	{ "ACRNACRNACRN", "acrn" },
	{ "QNXQVMBSQG", "qnx" },
	{ "BHYVE", "bhyve" },
};

static const char *by_signature(const char *signature)
{
	for (guint i = 0; i < G_N_ELEMENTS(signatures); i++)
		if (strcmp(signature, signatures[i].signature) == 0)
			return signatures[i].hypervisor;
	return "other";
}

/* EBX, ECX, EDX of a hypervisor's first leaf */
static bool read_signature(const struct kvt_reader *reader, uint32_t leaf, char ret_text[13])
{
	uint32_t regs[4];

	if (reader->answers->cpuid(reader->answers->user, leaf, 0, regs) < 0)
		return false;
	memcpy(ret_text, &regs[1], 12);
	ret_text[12] = '\0';
	for (char *c = ret_text; *c != '\0'; c++)
		if (!g_ascii_isprint(*c))
			return false;
	return ret_text[0] != '\0';
}

/* With Hyper-V enlightenments on, KVM shows that signature first and its own 100h further. */
static void ask_cpuid(const struct kvt_reader *reader, struct identity *id)
{
	uint32_t regs[4];
	char moved[13];

	if (reader->answers->cpuid(reader->answers->user, 1, 0, regs) < 0)
		return;
	id->source = "CPUID 1 ECX bit 31";
	if ((regs[2] >> 31) == 0) {
		id->hypervisor = "none";
		return;
	}
	id->hypervisor = "other";
	if (!read_signature(reader, 0x40000000u, id->signature))
		return;
	id->source = "CPUID 40000000h";
	id->hypervisor = by_signature(id->signature);
	if (strcmp(id->hypervisor, "hyperv") == 0 && read_signature(reader, 0x40000100u, moved) &&
	    (strcmp(moved, "KVMKVMKVM") == 0 || strcmp(moved, "XenVMMXenVMM") == 0)) {
		id->hypervisor = by_signature(moved);
		id->source = "CPUID 40000100h";
		memcpy(id->signature, moved, sizeof(moved));
	}
}

static void ask_xen(const struct kvt_reader *reader, struct identity *id)
{
	g_autofree char *type = kvt_root_line(reader->root, "/sys/hypervisor/type");
	g_autofree char *rights = kvt_read_file(reader, "/proc/xen/capabilities");

	if (rights != NULL && strstr(rights, "control_d") != NULL)
		id->dom0 = true;
	if (type != NULL && strcmp(type, "xen") == 0) {
		id->hypervisor = "xen";
		id->source = "/sys/hypervisor/type";
	} else if (rights != NULL && id->hypervisor == NULL) {
		id->hypervisor = "xen";
		id->source = "/proc/xen/capabilities";
	}
}

/*
 * ---- DMI: the maker of the virtual board, and the cloud ----
 *
 * Sources: the clouds' own pages on telling an instance (AWS "Identify EC2 instances", Google
 * "Detect if a VM is running in Compute Engine": the product name, as a Chromebook's maker is
 * Google too); cloud-init's data sources (Azure's and Oracle's chassis asset tags, Alibaba,
 * Tencent, DigitalOcean, Hetzner, Scaleway, OpenStack); systemd src/basic/virt.c for the
 * hypervisors. A board tells of a hypervisor only where nothing better does.
 */

static const struct {
	const char *file; /* below /sys/class/dmi/id */
	const char *prefix;
	const char *hypervisor, *vmm, *platform;
} boards[] = {
	{ "sys_vendor", "Amazon EC2", "kvm", "nitro", "aws" },
	{ "bios_version", "4.2.amazon", "xen", "xen", "aws" },
	{ "product_name", "Google Compute Engine", "kvm", "google", "google" },
	{ "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77", "hyperv", "hyper-v", "azure" },
	{ "sys_vendor", "Alibaba Cloud", "kvm", "qemu", "alibaba" },
	{ "sys_vendor", "Tencent Cloud", "kvm", "qemu", "tencent" },
	{ "chassis_asset_tag", "OracleCloud.com", "kvm", "qemu", "oracle" },
	{ "sys_vendor", "DigitalOcean", "kvm", "qemu", "digitalocean" },
	{ "sys_vendor", "Hetzner", "kvm", "qemu", "hetzner" },
	{ "sys_vendor", "Scaleway", "kvm", "qemu", "scaleway" },
	{ "product_name", "OpenStack", "kvm", "qemu", "openstack" },
	{ "sys_vendor", "OpenStack", "kvm", "qemu", "openstack" },
	{ "sys_vendor", "oVirt", "kvm", "qemu", "ovirt" },
	{ "product_name", "RHEV Hypervisor", "kvm", "qemu", "ovirt" },
	{ "product_name", "KubeVirt", "kvm", "qemu", "kubevirt" },
	{ "product_name", "KVM", "kvm", "qemu", "none" },
	{ "sys_vendor", "QEMU", "kvm", "qemu", "none" },
	{ "bios_vendor", "SeaBIOS", "kvm", "qemu", "none" },
	{ "product_name", "VMware", "vmware", "vmware", "none" },
	{ "product_name", "VirtualBox", "virtualbox", "virtualbox", "none" },
	{ "product_name", "HVM domU", "xen", "xen", "none" },
	{ "product_name", "Virtual Machine", "hyperv", "hyper-v", "none" },
	{ "sys_vendor", "Parallels", "parallels", "parallels", "none" },
	{ "product_name", "BHYVE", "bhyve", "bhyve", "none" },
};

static int find_board(const struct kvt_reader *reader)
{
	for (guint i = 0; i < G_N_ELEMENTS(boards); i++) {
		g_autofree char *path = g_strdup_printf("/sys/class/dmi/id/%s", boards[i].file);
		g_autofree char *text = kvt_root_line(reader->root, path);

		if (text != NULL && g_str_has_prefix(text, boards[i].prefix))
			return (int)i;
	}
	return -1;
}

/* AWS names a bare machine's type so: m5.metal, c7i.metal-24xl. */
static bool is_metal(const struct kvt_reader *reader)
{
	g_autofree char *type = kvt_root_line(reader->root, "/sys/class/dmi/id/product_name");

	return type != NULL && strstr(type, ".metal") != NULL;
}

/* The microVMs have no DMI; their ACPI tables carry the maker's name. */
static const char *acpi_maker(const struct kvt_reader *reader)
{
	g_autofree char *log = NULL;
	const char *line;
	gsize len;

	log = reader->answers->log(reader->answers->user, &len, NULL);
	line = log != NULL ? g_strstr_len(log, MIN((gssize)len, 1 << 20), "ACPI: RSDP") : NULL;
	if (line == NULL)
		return NULL;
	{
		g_autofree char *row = g_strndup(line, strcspn(line, "\n"));

		if (strstr(row, "FIRECK") != NULL)
			return "firecracker";
		if (strstr(row, "CLOUDH") != NULL)
			return "cloud-hypervisor";
		if (strstr(row, "BOCHS") != NULL)
			return "qemu";
	}
	return NULL;
}

static void read_board(const struct kvt_reader *reader, struct identity *id)
{
	const int board = find_board(reader);
	const bool dmi = kvt_root_exists(reader->root, "/sys/class/dmi/id");
	const char *dmi_dir = "/sys/class/dmi/id";
	const char *maker = NULL;

	if (board >= 0) {
		g_autofree char *file = g_strdup_printf("%s/%s", dmi_dir, boards[board].file);
		const char *path = kvt_read_from(reader, file, file);

		if (id->hypervisor == NULL) {
			id->hypervisor = is_metal(reader) ? "none" : boards[board].hypervisor;
			id->source = dmi_dir;
		}
		/* a cloud's bare machine bears its mark too, and coreboot may load SeaBIOS */
		if (strcmp(id->hypervisor, "none") == 0)
			kvt_facts_set_absent(reader->facts, KVT_MACHINE, "virt.vmm", id->source);
		else
			kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.vmm",
					   boards[board].vmm, path);
		kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.platform",
				   boards[board].platform, path);
		return;
	}
	if (id->hypervisor == NULL || strcmp(id->hypervisor, "none") != 0)
		maker = acpi_maker(reader);
	if (maker != NULL)
		kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.vmm", maker,
				   "kernel log: ACPI: RSDP");
	else
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "virt.vmm", false,
				      dmi ? "no known maker in DMI" : "no DMI here");
	if (dmi)
		kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.platform", "none", dmi_dir);
	else
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "virt.platform", false,
				      "no DMI here");
}

/* What an older kernel, which cannot be asked for CPUID, says by itself. */
static void ask_files(const struct kvt_reader *reader, struct identity *id)
{
	g_autofree char *text =
		kvt_root_read(reader->root, "/proc/cpuinfo", CPUINFO_LIMIT, NULL, NULL);
	struct kvt_cpuinfo info;

	if (text == NULL || id->hypervisor != NULL)
		return;
	kvt_cpuinfo_parse(text, strlen(text), &info);
	id->source = "/proc/cpuinfo";
	if (strstr(info.name, "QEMU") != NULL || strstr(info.name, "KVM") != NULL)
		id->hypervisor = "kvm";
	else if ((info.any & KVT_CPU_HYPERVISOR) != 0)
		id->hypervisor = "other";
	else if (info.has_flags && kvt_root_exists(reader->root, "/sys/class/dmi/id/sys_vendor"))
		id->hypervisor = "none"; /* no flag, and a board that is no known virtual one */
}

/* The log of a record tells what its other files do not. */
static void ask_log(const struct kvt_reader *reader, struct identity *id)
{
	static const struct {
		const char *text, *hypervisor;
	} lines[] = {
		{ "Hypervisor detected: KVM", "kvm" },
		{ "Hypervisor detected: VMware", "vmware" },
		{ "Hypervisor detected: Xen", "xen" },
		{ "Hypervisor detected: Microsoft", "hyperv" },
		{ "Booting paravirtualized kernel on KVM", "kvm" },
		{ "Booting paravirtualized kernel on Xen", "xen" },
		{ "Booting paravirtualized kernel on bare hardware", NULL },
	};
	g_autofree char *log = NULL;
	gsize len;

	if (id->hypervisor != NULL && strcmp(id->hypervisor, "other") != 0)
		return;
	log = reader->answers->log(reader->answers->user, &len, NULL);
	for (guint i = 0; log != NULL && i < G_N_ELEMENTS(lines); i++)
		if (lines[i].hypervisor != NULL &&
		    g_strstr_len(log, MIN((gssize)len, 4 << 20), lines[i].text) != NULL) {
			id->hypervisor = lines[i].hypervisor;
			id->source = "kernel log";
			return;
		}
}

/* lscpu in a sosreport names the hypervisor where nothing else does. */
static void ask_lscpu(const struct kvt_reader *reader, struct identity *id)
{
	static const struct {
		const char *vendor, *hypervisor;
	} vendors[] = {
		{ "KVM", "kvm" },          { "Xen", "xen" },           { "VMware", "vmware" },
		{ "Microsoft", "hyperv" }, { "Oracle", "virtualbox" },
	};
	static const char path[] = "/sos_commands/processor/lscpu";
	g_autofree char *text = id->hypervisor == NULL ? kvt_read_file(reader, path) : NULL;
	const char *line = text != NULL ? strstr(text, "Hypervisor vendor:") : NULL;

	if (line == NULL)
		return;
	line += strlen("Hypervisor vendor:");
	line += strspn(line, " \t");
	id->hypervisor = "other";
	id->source = path;
	for (guint i = 0; i < G_N_ELEMENTS(vendors); i++)
		if (g_str_has_prefix(line, vendors[i].vendor))
			id->hypervisor = vendors[i].hypervisor;
}

/* ---- which one of many ---- */

static void set_name(const struct kvt_reader *reader, const char *fact, const char *const *paths)
{
	for (; *paths != NULL; paths++) {
		g_autofree char *line = kvt_root_line(reader->root, *paths);

		if (line == NULL || line[0] == '\0')
			continue;
		kvt_facts_set_text(reader->facts, KVT_MACHINE, fact, line,
				   kvt_read_from(reader, *paths, *paths));
		return;
	}
	kvt_facts_set_absent(reader->facts, KVT_MACHINE, fact, "not recorded");
}

/* By these a guest is found again in its host's definitions. */
static void read_names(const struct kvt_reader *reader)
{
	static const char *const hosts[] = { "/kvmtime/hostname", "/etc/hostname", NULL };
	static const char *const running[] = { "/proc/sys/kernel/hostname", NULL };
	static const char *const uuids[] = { "/sys/class/dmi/id/product_uuid", NULL };
	static const char *const none[] = { NULL };
	static const char *const dates[] = { "/kvmtime/collected", NULL };
	const bool live = kvt_root_is_live(reader->root);

	set_name(reader, "identity.hostname", live ? running : hosts);
	set_name(reader, "identity.uuid", live ? none : uuids); /* only root may read it */
	set_name(reader, "identity.collected", live ? none : dates);
	kvt_facts_set_bool(reader->facts, KVT_MACHINE, "identity.host_known", false,
			   "read by itself");
}

/* ---- container, KVM of its own ---- */

/*
 * The kernel's own thread 2 is seen from the first process namespace alone. A file /.dockerenv
 * proves nothing: images are also booted as virtual machines.
 */
static void read_container(const struct kvt_reader *reader)
{
	g_autofree char *second = kvt_root_line(reader->root, "/proc/2/comm");
	g_autofree char *manager = kvt_root_line(reader->root, "/run/systemd/container");
	const char *name = "virt.container";

	if (manager != NULL)
		kvt_facts_set_bool(reader->facts, KVT_MACHINE, name, true,
				   "/run/systemd/container");
	else if (second != NULL)
		kvt_facts_set_bool(reader->facts, KVT_MACHINE, name,
				   strcmp(second, "kthreadd") != 0, "/proc/2/comm");
	else if (kvt_root_is_live(reader->root) && kvt_root_exists(reader->root, "/proc/1/comm"))
		kvt_facts_set_bool(reader->facts, KVT_MACHINE, name, true,
				   "no kernel thread 2 in /proc");
	else
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, name, false,
				      "/proc/2/comm was not recorded");
}

static bool has_kvm(const struct kvt_reader *reader)
{
	static const char *const modules[] = { "kvm_intel", "kvm_amd", "kvm_pvm" };
	bool seen = false;

	for (guint i = 0; i < G_N_ELEMENTS(modules); i++) {
		g_autofree char *path = g_strdup_printf("/sys/module/%s", modules[i]);

		if (!kvt_root_exists(reader->root, path))
			continue;
		kvt_facts_add_word(reader->facts, KVT_MACHINE, "kvm.modules", modules[i],
				   "/sys/module");
		seen = true;
	}
	if (!seen && !kvt_read_covers(reader, "/sys/module")) {
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "kvm.modules", false,
				      "not recorded");
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "kvm.present", false,
				      "not recorded");
		return false;
	}
	if (!seen)
		kvt_facts_set_list(reader->facts, KVT_MACHINE, "kvm.modules", NULL, "/sys/module");
	seen |= kvt_root_exists(reader->root, "/dev/kvm");
	kvt_facts_set_bool(reader->facts, KVT_MACHINE, "kvm.present", seen,
			   "/dev/kvm, /sys/module/kvm_*");
	return seen;
}

static void read_xen_switch(const struct kvt_reader *reader)
{
	const char *path = "/proc/sys/xen/independent_wallclock";
	g_autofree char *value = kvt_read_line(reader, path, "xen.independent_wallclock", true);

	if (value != NULL)
		kvt_facts_set_int(reader->facts, KVT_MACHINE, "xen.independent_wallclock",
				  g_ascii_strtoll(value, NULL, 10), path);
}

/* Facts are first stored for both subjects; only those of the roles are ever shown or judged. */
void kvt_read_identity(struct kvt_reader *reader)
{
	struct identity id = { 0 };
	bool guest, kvm;

	reader->who = KVT_MACHINE;
	ask_cpuid(reader, &id);
	ask_xen(reader, &id);
	read_board(reader, &id);
	ask_log(reader, &id);
	ask_lscpu(reader, &id);
	ask_files(reader, &id);
	read_names(reader);
	kvm = has_kvm(reader);
	guest = id.hypervisor != NULL && strcmp(id.hypervisor, "none") != 0 && !id.dom0;
	reader->who = (guest ? KVT_GUEST : 0u) | (!guest || kvm ? KVT_HOST : 0u);
	if (id.hypervisor == NULL)
		reader->who = 0;
	kvt_facts_set_roles(reader->facts, reader->who);
	if (reader->who == 0)
		reader->who = KVT_GUEST; /* judged as "machine" alone */
	if (id.hypervisor != NULL) {
		kvt_facts_set_bool(reader->facts, KVT_MACHINE, "virt.guest", guest, id.source);
		kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.hypervisor", id.hypervisor,
				   id.source);
	} else {
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "virt.guest", false,
				      "no CPUID, DMI or log says so");
		kvt_facts_set_unknown(reader->facts, KVT_MACHINE, "virt.hypervisor", false,
				      "no CPUID, DMI or log says so");
	}
	if (id.signature[0] != '\0')
		kvt_facts_set_text(reader->facts, KVT_MACHINE, "virt.signature", id.signature,
				   "CPUID 40000000h");
	else
		kvt_facts_set_absent(reader->facts, KVT_MACHINE, "virt.signature", "CPUID");
	read_container(reader);
	read_xen_switch(reader);
}
