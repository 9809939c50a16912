#!/usr/bin/env bash
# Ends the processes that start-cluster.sh and start-history-server.sh started: stop-cluster.sh [DIR]
set -euo pipefail
dir=${1:-${TMPDIR:-/tmp}/powersweep-cluster}
for file in "$dir"/history-server.pid "$dir"/worker-*.pid "$dir"/master.pid; do
  [[ -s $file ]] || continue
  pid=$(<"$file")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$file"
done
