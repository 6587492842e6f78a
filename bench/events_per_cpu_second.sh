#!/usr/bin/env bash
# events_per_cpu_second.sh SYSBENCH-OPTION...: sysbench's events over the CPU time that they took,
# not over the time that passed: what others on the machine take does not count.
set -eu
TIMEFORMAT='cpu %U %S'
{ time sysbench "$@" run; } 2>&1 | awk '
	/total number of events/ { events = $NF }
	/^cpu / { cpu = $2 + $3 }
	END { if (!events || !cpu) exit 1; printf "events per CPU second: %.6f\n", events / cpu }'
