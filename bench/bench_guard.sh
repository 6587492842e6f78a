#!/usr/bin/env bash
# kvmtimed's CPU for an exchange and its memory, beside a loop of virsh domtime against the same
# libvirtd and the same real guests; its CPU with 1,000 fake guests asked once a second; a scrape with
# 10,000 of them. Usage: bench_guard.sh [LIBVIRT-GUESTS] [FAKE-GUESTS]
set -u
cd "$(dirname "$0")/.." || exit 1
export KVT_SOURCE=$PWD KVT_BUILD=$PWD/build KVT_PARTNERS=${KVT_PARTNERS:-$PWD/build/partners}
. tests/partners/guest.sh
. tests/partners/libvirt.sh
guests=${1:-20}
fakes=${2:-1000}
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; libvirt_stop "$tmp/v"; rm -rf "$tmp"' EXIT
ulimit -n "$(ulimit -Hn)"
hertz=$(getconf CLK_TCK)

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
children_ticks() { awk '{ print $16 + $17 }' "/proc/$$/stat"; }
rss_mb() { awk '/VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
start() { # CONFIGURATION: sets daemon and port
	build/kvmtimed --config "$1" --state "$tmp/state" 2>"$tmp/log" &
	daemon=$!
	pids+=("$daemon")
	until grep -q 'metrics on port' "$tmp/log"; do sleep 0.1; done
	port=$(sed -n 's/.*metrics on port \([0-9]*\).*/\1/p' "$tmp/log")
}
fetch() {
	/usr/bin/python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1], timeout=60).read().decode())' "$port"
}
answered() { fetch | sed -n 's/^kvmtime_guests{status="ok"} //p'; }
wait_for() { # N guests that answer
	local tries
	for ((tries = 0; tries < 3000; tries++)); do
		[ "$(answered)" -ge "$1" ] && return 0
		sleep 0.2
	done
	echo "bench guard: $(answered) of $1 guests answer" >&2
	return 1
}

with_libvirt() {
	local n begin end loops exchanges ours theirs
	libvirt_start "$tmp/v" || return
	guest_append=(no_timer_check clocksource=hpet)
	for n in $(seq "$guests"); do
		guest_xml "g$n" "$tmp/v/g$n.log" | sed 's/>256</>192</' >"$tmp/v/g$n.xml"
		virsh -q -c "$libvirt_uri" create "$tmp/v/g$n.xml" || return
	done
	printf '[guard]\ninterval=1\npolicy=watch\n[find]\nlibvirt=%s\nqemu=no\nproxmox=no\n[metrics]\nlisten=127.0.0.1:0\nfindings=no\n' \
		"$libvirt_uri" >"$tmp/conf"
	start "$tmp/conf"
	wait_for "$guests" || return
	begin=$(ticks "$daemon")
	sleep 60
	end=$(ticks "$daemon")
	# one check a second of each guest, of two exchanges
	exchanges=$((guests * 60 * 2))
	printf '%s guests of one libvirtd, CPU of the asking process alone\n' "$guests"
	printf '%-28s %10s %14s %10s\n' way exchanges 'CPU/exchange' memory
	ours=$(awk -v t=$((end - begin)) -v n=$exchanges -v hz="$hertz" 'BEGIN { print t / hz / n * 1e3 }')
	printf '%-28s %10d %11.3f ms %7s MB\n' kvmtimed "$exchanges" "$ours" "$(rss_mb "$daemon")"
	kill "$daemon" && wait "$daemon"
	loops=3
	begin=$(children_ticks)
	for _ in $(seq $loops); do
		for n in $(seq "$guests"); do virsh -q -c "$libvirt_uri" domtime "g$n" >/dev/null; done
	done
	end=$(children_ticks)
	theirs=$(awk -v t=$((end - begin)) -v n=$((loops * guests)) -v hz="$hertz" 'BEGIN { print t / hz / n * 1e3 }')
	printf '%-28s %10d %11.3f ms %10s\n' 'virsh domtime in a loop' $((loops * guests)) "$theirs" -
	awk -v a="$theirs" -v b="$ours" 'BEGIN { printf "ratio %.1f (limit: at least 20)\n\n", a / (b > 0 ? b : 0.001) }'
	libvirt_stop "$tmp/v"
}

configuration() { # N INTERVAL [agents]
	local n
	printf '[guard]\ninterval=%s\n[find]\nlibvirt=none\nqemu=no\nproxmox=no\n[metrics]\nlisten=127.0.0.1:0\nfindings=no\n' "$2"
	for n in $(seq 0 $(($1 - 1))); do
		printf '[socket vm%s]\nagent=%s/%s.qga\n' "$n" "$tmp/fleet" "$n"
		[ -n "${3-}" ] || printf 'qmp=%s/%s.qmp\n' "$tmp/fleet" "$n"
	done
}
fleet() { # N [agents]
	mkdir -p "$tmp/fleet"
	: >"$tmp/ready"
	build/tests/partners/fake-fleet "$tmp/fleet" "$@" >"$tmp/ready" &
	fleet=$!
	pids+=("$fleet")
	until grep -q ready "$tmp/ready"; do sleep 0.1; done
}
asked_once_a_second() {
	local begin end
	fleet "$fakes"
	configuration "$fakes" 1 >"$tmp/conf"
	start "$tmp/conf"
	wait_for "$fakes" || return
	for _ in 1 2 3 4 5; do
		begin=$(ticks "$daemon")
		sleep 10
		end=$(ticks "$daemon")
		echo $((end - begin))
	done | sort -n | awk -v hz="$hertz" -v n="$fakes" -v rss="$(rss_mb "$daemon")" '
		{ t[NR] = $1 / hz * 10 }
		END { printf "%d fake guests, each asked once a second: %.1f %% of a core (min), %.1f %% (median of %d); limit 5 %%\n", n, t[1], t[int((NR + 1) / 2)], NR
		      printf "memory %s MB; limit 64 MB\n\n", rss }'
	kill "$daemon" "$fleet"
	wait "$daemon" "$fleet" 2>/dev/null
}
scrapes() { # N
	local n=$1
	fleet "$n" agents
	configuration "$n" 60 agents >"$tmp/conf"
	start "$tmp/conf"
	wait_for "$n" || return
	/usr/bin/python3 - "$port" "$n" <<'EOT'
import socket, statistics, sys, time
took = []
for _ in range(15):
    time.sleep(0.5)
    begin = time.perf_counter()
    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    s.sendall(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    size = 0
    while True:
        part = s.recv(1 << 20)
        if not part:
            break
        size += len(part)
    took.append((time.perf_counter() - begin) * 1e3)
print('a scrape with %s guests, %.1f MB: %.0f ms (min), %.0f ms (median of %d); limit 100 ms' %
      (sys.argv[2], size / 1e6, min(took), statistics.median(took), len(took)))
EOT
	echo "memory $(rss_mb "$daemon") MB"
	kill "$daemon" "$fleet"
}

why=$(guest_missing)
[ -n "$why" ] || why=$(libvirt_missing)
if [ "$guests" = 0 ]; then :; elif [ -n "$why" ]; then echo "bench guard: $why"; else with_libvirt; fi
[ "$fakes" = 0 ] || asked_once_a_second
scrapes 10000
