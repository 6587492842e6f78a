#!/usr/bin/env bash
# What the emulated timers and the simulator cost.
exec "$(dirname "$0")/../build/bench/devices"
