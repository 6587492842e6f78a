/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every fact that can be known, in one list: from it come the parser of the rule files, the
 * documentation and `kvmtime check --facts`. A name keeps its meaning for ever.
 *
 *   X(name, type, subjects, unit, what it says)
 *
 * type      BOOL INT REAL TEXT VERSION LIST
 * subjects  MACHINE = host and guest: a machine's own facts, whatever its role; VM = a definition;
 *           GUEST = what only a host can know of its guest; HOST = what only a host can have
 * unit      of INT and REAL, else ""
 */
#ifndef KVT_CHECK_FACT_LIST_H
#define KVT_CHECK_FACT_LIST_H

#define KVT_FACTS_IDENTITY(X)                                                                      \
	X("kernel.release", TEXT, MACHINE, "", "kernel release as uname -r prints it")             \
	X("kernel.version", VERSION, MACHINE, "", "numeric part of the kernel release")            \
	X("kernel.family", TEXT, MACHINE, "",                                                      \
	  "whose kernel: el4 to el10, sles, debian, ubuntu, fedora, amzn, other")                  \
	X("kernel.el_minor", INT, MACHINE, "", "minor release of an Enterprise Linux kernel")      \
	X("kernel.arch", TEXT, MACHINE, "", "architecture as uname -m prints it")                  \
	X("kernel.rt", BOOL, MACHINE, "", "a PREEMPT_RT kernel")                                   \
	X("os.id", TEXT, MACHINE, "", "ID of os-release, or told from a release file")             \
	X("os.version", VERSION, MACHINE, "", "version of the operating system")                   \
	X("os.name", TEXT, MACHINE, "", "name of the operating system for people")                 \
	X("identity.hostname", TEXT, MACHINE, "", "the machine's own name")                        \
	X("identity.uuid", TEXT, MACHINE, "", "UUID of the machine's board, of a recording")       \
	X("identity.collected", TEXT, MACHINE, "", "when a sosreport was made, in its own words")  \
	X("identity.host_known", BOOL, MACHINE, "", "the facts of this guest's host stand beside") \
	X("virt.guest", BOOL, MACHINE, "", "the machine is a virtual one")                         \
	X("virt.hypervisor", TEXT, MACHINE, "",                                                    \
	  "kvm, xen, hyperv, vmware, tcg, bhyve, other, or none")                                  \
	X("virt.signature", TEXT, MACHINE, "", "the hypervisor's CPUID signature")                 \
	X("virt.vmm", TEXT, MACHINE, "", "who made the virtual hardware, e.g. qemu, firecracker")  \
	X("virt.platform", TEXT, MACHINE, "", "cloud: aws, google, azure, openstack, ... or none") \
	X("virt.container", BOOL, MACHINE, "", "read from inside a container")                     \
	X("xen.independent_wallclock", INT, MACHINE, "", "the switch of old Xen PV kernels")

#define KVT_FACTS_CPU(X)                                                                        \
	X("cpu.vendor", TEXT, MACHINE, "", "CPU vendor string")                                 \
	X("cpu.family", INT, MACHINE, "", "CPU family")                                         \
	X("cpu.model", INT, MACHINE, "", "CPU model")                                           \
	X("cpu.name", TEXT, MACHINE, "", "CPU model name")                                      \
	X("cpu.count", INT, MACHINE, "", "CPUs online")                                         \
	X("cpu.packages", INT, MACHINE, "", "CPU packages (sockets)")                           \
	X("tsc.constant", BOOL, MACHINE, "", "every CPU has the flag constant_tsc")             \
	X("tsc.nonstop", BOOL, MACHINE, "", "every CPU has the flag nonstop_tsc")               \
	X("tsc.invariant", BOOL, MACHINE, "", "CPUID 80000007h EDX bit 8, or both flags above") \
	X("tsc.reliable", BOOL, MACHINE, "", "the kernel has set tsc_reliable")                 \
	X("tsc.known_freq", BOOL, MACHINE, "", "the TSC rate was told, not calibrated")         \
	X("tsc.adjust", BOOL, MACHINE, "", "the IA32_TSC_ADJUST register exists")               \
	X("tsc.scaling", BOOL, MACHINE, "", "the CPU can scale a guest's TSC")                  \
	X("tsc.khz", INT, MACHINE, "kHz", "TSC rate that the kernel uses")                      \
	X("kvmclock.offered", BOOL, MACHINE, "", "the hypervisor's CPUID offers kvm-clock")     \
	X("kvmclock.new_msrs", BOOL, MACHINE, "", "CPUID offers kvm-clock's new registers")     \
	X("kvmclock.stable_promise", BOOL, MACHINE, "", "CPUID lets the stable bit be trusted") \
	X("steal.offered", BOOL, MACHINE, "", "CPUID offers steal time")                        \
	X("steal.percent", REAL, MACHINE, "%", "CPU time stolen since boot")                    \
	X("cpuidle.driver", TEXT, MACHINE, "", "idle driver")                                   \
	X("cpuidle.deep", LIST, MACHINE, "", "enabled idle states deeper than C1")              \
	X("cpufreq.governors", LIST, MACHINE, "", "frequency governors in use")                 \
	X("cpufreq.fixed", BOOL, MACHINE, "", "no CPU may change its frequency")

#define KVT_FACTS_CLOCK(X)                                                                          \
	X("clocksource.current", TEXT, MACHINE, "", "clock source in use")                          \
	X("clocksource.available", LIST, MACHINE, "", "clock sources that the kernel offers")       \
	X("clocksource.kernel_prefers_tsc", BOOL, MACHINE, "",                                      \
	  "this kernel rates an invariant TSC above kvm-clock (5.1 and later, EL 8)")               \
	X("clocksource.kernel_has_kvmclock", BOOL, MACHINE, "",                                     \
	  "kernels of this release carry kvm-clock")                                                \
	X("pvclock.mapped", BOOL, MACHINE, "", "the kernel's pvclock page is mapped")               \
	X("pvclock.stable", BOOL, MACHINE, "", "the stable bit of the pvclock page")                \
	X("clock.read_ns", REAL, MACHINE, "ns", "cost of one clock_gettime(MONOTONIC)")             \
	X("clock.read_path", TEXT, MACHINE, "", "vdso or syscall")                                  \
	X("tsc.measured_khz", INT, MACHINE, "kHz", "TSC rate against CLOCK_MONOTONIC_RAW")          \
	X("tsc.warp_ns", REAL, MACHINE, "ns", "largest step back seen between two CPUs")            \
	X("tsc.warp_resolution_ns", REAL, MACHINE, "ns", "smallest step that would have shown")     \
	X("tsc.warp_reads", INT, MACHINE, "", "reads that the warp test made")                      \
	X("tsc.witness", TEXT, MACHINE, "", "reference that the TSC rate was judged by, or none")   \
	X("tsc.witness_ppm", REAL, MACHINE, "ppm",                                                  \
	  "the reference's rate against the TSC's; positive = the TSC is slow")                     \
	X("tsc.witness_bound_ppm", REAL, MACHINE, "ppm", "how far that can be off")                 \
	X("tsc.off_ppm", REAL, MACHINE, "ppm",                                                      \
	  "how far the TSC's rate surely is from the reference's or the host's clock; 0 = agrees")  \
	X("tsc.trusted", BOOL, MACHINE, "",                                                         \
	  "invariant, in step on all CPUs, not demoted, and borne out by an independent reference") \
	X("rtc.present", BOOL, MACHINE, "", "a real-time clock is there")                           \
	X("rtc.offset_s", REAL, MACHINE, "s", "RTC minus system clock; positive = RTC ahead")       \
	X("rtc.local", BOOL, MACHINE, "", "the RTC is kept in local time")                          \
	X("ptp.clocks", LIST, MACHINE, "", "PTP hardware clocks by name")                           \
	X("ptp.kvm", BOOL, MACHINE, "", "the KVM virtual PTP clock is there")

#define KVT_FACTS_CMDLINE(X)                                                                   \
	X("cmdline.clocksource", TEXT, MACHINE, "", "clocksource= on the kernel command line") \
	X("cmdline.clock", TEXT, MACHINE, "", "clock= on the kernel command line")             \
	X("cmdline.tsc", LIST, MACHINE, "", "values of tsc= on the kernel command line")       \
	X("cmdline.notsc", BOOL, MACHINE, "", "the word notsc")                                \
	X("cmdline.no-kvmclock", BOOL, MACHINE, "", "the word no-kvmclock")                    \
	X("cmdline.no-kvmclock-vsyscall", BOOL, MACHINE, "", "the word no-kvmclock-vsyscall")  \
	X("cmdline.no-steal-acc", BOOL, MACHINE, "", "the word no-steal-acc")                  \
	X("cmdline.divider", TEXT, MACHINE, "", "divider=")                                    \
	X("cmdline.lpj", TEXT, MACHINE, "", "lpj=")                                            \
	X("cmdline.clocksource_failover", TEXT, MACHINE, "", "clocksource_failover")           \
	X("cmdline.emergency", BOOL, MACHINE, "", "the word emergency")                        \
	X("cmdline.idle", TEXT, MACHINE, "", "idle=")                                          \
	X("cmdline.processor.max_cstate", INT, MACHINE, "", "processor.max_cstate=")           \
	X("cmdline.intel_idle.max_cstate", INT, MACHINE, "", "intel_idle.max_cstate=")         \
	X("cmdline.noapictimer", BOOL, MACHINE, "", "the word noapictimer")                    \
	X("cmdline.nohz", TEXT, MACHINE, "", "nohz=")                                          \
	X("cmdline.highres", TEXT, MACHINE, "", "highres=")                                    \
	X("cmdline.hpet", TEXT, MACHINE, "", "hpet=")                                          \
	X("cmdline.nomodule", BOOL, MACHINE, "", "the word nomodule")

#define KVT_FACTS_NTP(X)                                                                          \
	X("ntp.synchronised", BOOL, MACHINE, "", "the kernel was told that the clock is right")   \
	X("ntp.offset_s", REAL, MACHINE, "s", "what is left to correct; positive = clock behind") \
	X("ntp.maxerror_s", REAL, MACHINE, "s", "maximum error that the kernel holds")            \
	X("ntp.frequency_ppm", REAL, MACHINE, "ppm", "rate correction of the kernel's clock")     \
	X("ntp.daemons", LIST, MACHINE, "", "time daemons that run")                              \
	X("ntp.daemon_count", INT, MACHINE, "", "how many time daemons run")                      \
	X("ntp.daemon_offset_s", REAL, MACHINE, "s", "daemon's offset; positive = clock behind")  \
	X("ntp.daemon_synchronised", BOOL, MACHINE, "", "the daemon follows a source")            \
	X("ntp.daemon_source", TEXT, MACHINE, "", "the kind of source that the daemon follows")   \
	X("ntp.servers", INT, MACHINE, "", "server, pool and peer lines of the configuration")    \
	X("ntp.pools", INT, MACHINE, "", "pool lines: each stands for several servers")           \
	X("ntp.local_clock", BOOL, MACHINE, "", "ntpd is given the undisciplined local clock")    \
	X("ntp.true_option", BOOL, MACHINE, "", "a server line carries the option true")          \
	X("ntp.panic_off", BOOL, MACHINE, "", "ntpd does not give up on a large offset")          \
	X("ntp.slew_only", BOOL, MACHINE, "", "ntpd runs with -x")                                \
	X("chrony.makestep", TEXT, MACHINE, "", "the makestep line: threshold and limit")         \
	X("chrony.makestep_limit", INT, MACHINE, "", "updates that may step; -1 = every one")     \
	X("chrony.refclock_phc", LIST, MACHINE, "", "devices of the refclock PHC lines")          \
	X("agent.running", BOOL, MACHINE, "", "the QEMU guest agent runs")                        \
	X("agent.set_time_blocked", BOOL, MACHINE, "", "its configuration forbids guest-set-time")

#define KVT_FACTS_KVM(X)                                                                    \
	X("kvm.present", BOOL, MACHINE, "", "this machine can run KVM guests of its own")   \
	X("kvm.modules", LIST, MACHINE, "", "KVM modules that are loaded or built in")      \
	X("kvm.in_use", BOOL, MACHINE, "", "a KVM module is in use: a VM is open")          \
	X("kvm.ignore_msrs", BOOL, MACHINE, "", "module parameter kvm.ignore_msrs")         \
	X("kvm.kvmclock_periodic_sync", BOOL, MACHINE, "", "module parameter")              \
	X("kvm.min_timer_period_us", INT, MACHINE, "us", "module parameter")                \
	X("kvm.tsc_tolerance_ppm", INT, MACHINE, "ppm", "module parameter")                 \
	X("kvm.tsc_scaling", BOOL, MACHINE, "", "module parameter kvm_amd.tsc_scaling")     \
	X("libvirt_guests.on_shutdown", TEXT, MACHINE, "", "ON_SHUTDOWN of libvirt-guests") \
	X("libvirt_guests.sync_time", BOOL, MACHINE, "", "SYNC_TIME of libvirt-guests")     \
	X("tuned.profile", TEXT, MACHINE, "", "active tuned profile")

/* Facts that messages of the kernel log give: see data/messages. The value is a capture. */
#define KVT_FACTS_LOG(X)                                                                           \
	X("log.read", BOOL, MACHINE, "", "a kernel log could be read")                             \
	X("log.boots", INT, MACHINE, "", "boots that the log holds; the last one is judged")       \
	X("log.clocksource_unstable", LIST, MACHINE, "",                                           \
	  "clock sources that the watchdog demoted")                                               \
	X("log.unstable_kept", LIST, MACHINE, "", "EL 6: sources found unstable, not acted on")    \
	X("log.tsc_unstable_reason", LIST, MACHINE, "", "why the kernel gave the TSC up")          \
	X("log.demoted_in_use", LIST, MACHINE, "", "demoted sources that were in use")             \
	X("log.tsc_broken_bios", BOOL, MACHINE, "", "TSC found unstable after boot")               \
	X("log.tsc_warp", LIST, MACHINE, "", "warp between CPUs: cycles, or 'random'")             \
	X("log.tsc_cpus_differ", LIST, MACHINE, "", "CPUs whose TSC is ahead of or behind others") \
	X("log.tsc_adjust", BOOL, MACHINE, "", "firmware wrote the TSC of some CPUs")              \
	X("log.tsc_p0", BOOL, MACHINE, "", "the TSC does not count at P0 frequency")               \
	X("log.calibration_failed", BOOL, MACHINE, "", "no timer could calibrate the TSC")         \
	X("log.readback_delay", LIST, MACHINE, "", "clock sources whose reads took too long")      \
	X("log.override_refused", LIST, MACHINE, "", "requested clock sources that were refused")  \
	X("log.kvmclock_msrs", TEXT, MACHINE, "", "kvm-clock's registers")                         \
	X("log.demotion_open", BOOL, MACHINE, "", "a demotion, and no word of the source in use")  \
	X("log.switched_to", TEXT, MACHINE, "", "the clock source that was switched to last")      \
	X("log.lost_ticks", BOOL, MACHINE, "", "a tick-counting kernel lost ticks")                \
	X("log.lost_rtc", BOOL, MACHINE, "", "RTC interrupts were lost")                           \
	X("log.soft_lockup", BOOL, MACHINE, "", "a CPU stood still for long")                      \
	X("log.pm_timer_bad", BOOL, MACHINE, "", "the ACPI PM timer was rejected")                 \
	X("log.pairing_failed", TEXT, MACHINE, "", "the clock pairing hypercall failed")           \
	X("log.kvm_unstable_tsc", BOOL, MACHINE, "", "KVM: a VM was made on an unstable TSC")      \
	X("log.kvm_timer_limited", BOOL, MACHINE, "", "KVM limited a guest's timer period")        \
	X("log.kvm_tsc_rate_refused", BOOL, MACHINE, "", "KVM could not give a TSC rate")          \
	X("log.kvm_needs_constant_tsc", BOOL, MACHINE, "", "an RT host refuses KVM")               \
	X("log.time_jump", BOOL, MACHINE, "", "a daemon saw the clock jump")                       \
	X("log.ntp_frequency", BOOL, MACHINE, "", "the rate error passed the daemon's limit")      \
	X("log.ntp_panic", BOOL, MACHINE, "", "ntpd gave up on a large offset")                    \
	X("log.ntp_no_source", BOOL, MACHINE, "", "the time daemon found no source")               \
	X("log.clock_wrong_s", REAL, MACHINE, "s", "offset that chronyd found")                    \
	X("log.gtod_timer", TEXT, MACHINE, "", "time source of kernels without sysfs entry")       \
	X("log.tsc_mhz", REAL, MACHINE, "MHz", "TSC rate found at boot")                           \
	X("log.tsc_refined_mhz", REAL, MACHINE, "MHz", "TSC rate after the long calibration")      \
	X("log.tsc_refined_apart_ppm", REAL, MACHINE, "ppm", "how far the two rates lie apart")    \
	X("log.vmclock_unusable", BOOL, MACHINE, "", "the vmclock device is unusable")             \
	X("log.rtc_unusable", BOOL, MACHINE, "", "no clock could be read at boot")

/* What the guest agent told the host: src/guests fills them. */
#define KVT_FACTS_AGENT(X)                                                                    \
	X("agent.status", TEXT, GUEST, "",                                                    \
	  "how the guest agent answered: ok, no-agent, hung, busy, refused, frozen, ...")     \
	X("agent.offset_s", REAL, GUEST, "s", "guest's clock minus host's; positive = ahead") \
	X("agent.files", TEXT, GUEST, "", "files that the agent gives: given, some, none")

/* Facts of a VM definition: src/vmdef fills them. */
#define KVT_FACTS_VM(X)                                                                         \
	X("name", TEXT, VM, "", "the VM's name")                                                \
	X("uuid", TEXT, VM, "", "the VM's UUID")                                                \
	X("format", TEXT, VM, "", "format of the definition: libvirt, qemu, xl, proxmox, ...")  \
	X("hypervisor", TEXT, VM, "",                                                           \
	  "kvm, tcg, xen-hvm, xen-pv, xen-pvh, firecracker, cloud-hypervisor")                  \
	X("arch", TEXT, VM, "", "the guest's architecture, x86_64 if nothing is said")          \
	X("machine", TEXT, VM, "", "machine type")                                              \
	X("os.family", TEXT, VM, "",                                                            \
	  "linux, linux-ticks, windows, windows-nt5, solaris, bsd, dos, other")                 \
	X("os.counts_ticks", BOOL, VM, "",                                                      \
	  "the system counts timer ticks; absent if it is not named")                           \
	X("agent.channel", BOOL, VM, "", "there is a channel for the guest agent")              \
	X("clock.offset", TEXT, VM, "", "utc, localtime, timezone, variable or absolute")       \
	X("clock.adjustment_s", INT, VM, "s", "distance of the RTC from its basis")             \
	X("clock.adjustment_is_zone", BOOL, VM, "", "that distance could be a time zone's")     \
	X("timer.rtc.effective_policy", TEXT, VM, "",                                           \
	  "slew or discard: what becomes of lost RTC ticks")                                    \
	X("timer.rtc.track", TEXT, VM, "", "host, vm or rt: the clock that the RTC follows")    \
	X("timer.pit.policy", TEXT, VM, "", "tick policy of the PIT as it is written")          \
	X("timer.pit.effective_policy", TEXT, VM, "",                                           \
	  "reinject, discard or none: what becomes of lost PIT ticks")                          \
	X("timer.hpet.present", BOOL, VM, "", "the VM has an HPET")                             \
	X("timer.kvmclock.present", BOOL, VM, "", "the guest is offered kvm-clock")             \
	X("timer.hypervclock.present", BOOL, VM, "",                                            \
	  "the guest is offered the Hyper-V reference clock")                                   \
	X("timer.tsc.invariant", BOOL, VM, "", "the guest is told that its TSC is invariant")   \
	X("timer.tsc.frequency_hz", INT, VM, "Hz", "TSC rate that the definition asks for")     \
	X("cpu.kvm_hidden", BOOL, VM, "", "the KVM signature is hidden from the guest")         \
	X("hv.flags", LIST, VM, "", "Hyper-V enlightenments that are on")                       \
	X("hv.missing", LIST, VM, "",                                                           \
	  "Hyper-V enlightenments that others need and that are not on")                        \
	X("migration", TEXT, VM, "", "possible, or blocked by QEMU")                            \
	X("guest.sources", LIST, VM, "", "what the guest can read time from, best first")       \
	X("guest.cmdline_clocksource", TEXT, VM, "", "clocksource= of the guest kernel")        \
	X("refused", TEXT, VM, "", "why the hypervisor refuses the definition")                 \
	X("ignored", LIST, VM, "", "settings that are taken without a word and have no effect") \
	X("qemu.version", VERSION, VM, "", "QEMU release that the definition was judged for")   \
	X("qemu.removed_options", LIST, VM, "",                                                 \
	  "options that this QEMU release does not know any more")                              \
	X("qemu.deprecated_options", LIST, VM, "", "options that are going to be removed")      \
	X("xen.tsc_mode", TEXT, VM, "", "auto, native, emulate or paravirt")                    \
	X("xen.timer_mode", TEXT, VM, "", "what becomes of a Xen HVM guest's missed ticks")     \
	X("xen.nomigrate", BOOL, VM, "", "the domain promises never to be migrated")            \
	X("snapshot.clock_realtime", BOOL, VM, "",                                              \
	  "a restored snapshot advances kvm-clock by the time that passed")

/* What `kvmtime lab` measured: src/lab fills them; elsewhere lab.measured is absent. */
#define KVT_FACTS_LAB(X)                                                                          \
	X("lab.measured", LIST, HOST | VM, "", "experiments that were measured")                  \
	X("lab.failed", LIST, HOST, "", "experiments that broke off")                             \
	X("lab.controls_missed", LIST, HOST, "", "faults made on purpose that were not noticed")  \
	X("lab.clock.stable", BOOL, HOST, "", "a guest's clock page has the stable bit")          \
	X("lab.clock.bound_ns", REAL, HOST, "ns", "how exactly the offset can be measured")       \
	X("lab.clock.bound_good", BOOL, HOST, "", "the offset can be measured to 100 ns")         \
	X("lab.clock.agrees", BOOL, HOST, "", "KVM's own answer and the page agree to 1 ns")      \
	X("lab.clock.rate_ppb", REAL, HOST, "ppb", "rate of a guest's clock; positive = fast")    \
	X("lab.clock.rate_good", BOOL, HOST, "", "that rate is right to 1 ppm")                   \
	X("lab.clock.step_ns", REAL, HOST, "ns", "step that an update of the master clock makes") \
	X("lab.clock.step_good", BOOL, HOST, "", "that step is below 0.1 ms")                     \
	X("lab.clock.vcpus_ns", REAL, HOST, "ns", "difference of two vCPUs' clock pages")         \
	X("lab.clock.vcpus_agree", BOOL, HOST, "", "two vCPUs have the same clock")               \
	X("lab.clock.wall_ns", REAL, HOST, "ns", "a new guest's date minus the host's")           \
	X("lab.clock.wall_good", BOOL, HOST, "", "that difference is below a second")             \
	X("lab.pause.told", BOOL, HOST, "", "a guest is told that it was paused, once")           \
	X("lab.pause.kept", BOOL, HOST, "",                                                       \
	  "a pause does to a guest's clock what its VMM asked for")                               \
	X("lab.steal.right", BOOL, HOST, "", "steal time is what the scheduler counted")          \
	X("lab.steal.difference_ns", REAL, HOST, "ns", "steal time minus the scheduler's count")  \
	X("lab.migrate.right", BOOL, HOST, "", "a restore done right keeps the time")             \
	X("lab.migrate.jump_ns", REAL, HOST, "ns", "jump of a clock restored in the right way")   \
	X("lab.ticks.broken", LIST, HOST, "", "tick policies that did not keep their promise")    \
	X("lab.timers.late", LIST, HOST, "", "timers whose interrupts come late")                 \
	X("lab.other", LIST, HOST, "", "further numbers that are not as they should be")          \
	X("lab.rtc.wrong_behind", LIST, VM, "",                                                   \
	  "routes (pic, ioapic) behind which RTC ticks were lost or invented")                    \
	X("lab.rtc.pic_ticks", REAL, VM, "ticks", "RTC ticks lost by a stop, behind the PIC")     \
	X("lab.rtc.ioapic_ticks", REAL, VM, "ticks", "the same behind the IOAPIC")                \
	X("lab.pit.wrong_behind", LIST, VM, "",                                                   \
	  "routes behind which PIT ticks were lost or invented")                                  \
	X("lab.pit.pic_ticks", REAL, VM, "ticks", "PIT ticks lost by a stop, behind the PIC")     \
	X("lab.pit.ioapic_ticks", REAL, VM, "ticks", "the same behind the IOAPIC")

#define KVT_FACTS(X)          \
	KVT_FACTS_IDENTITY(X) \
	KVT_FACTS_CPU(X)      \
	KVT_FACTS_CLOCK(X)    \
	KVT_FACTS_CMDLINE(X)  \
	KVT_FACTS_NTP(X)      \
	KVT_FACTS_KVM(X)      \
	KVT_FACTS_LOG(X)      \
	KVT_FACTS_AGENT(X)    \
	KVT_FACTS_VM(X)       \
	KVT_FACTS_LAB(X)

#endif
