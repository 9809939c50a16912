#!/usr/bin/env bash
# Ends the processes that start-cluster.sh and start-history-server.sh started: stop-cluster.sh [[--dir] DIR]
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
source "$here/private.sh"
if [[ ${1:-} == --dir ]]; then shift; fi
if [[ $# -gt 1 || ${1:-} == -* ]]; then
  echo "stop-cluster.sh: '$*' is not understood; the directory of the cluster is all it takes: stop-cluster.sh [--dir] DIR" >&2
  exit 2
fi
dir=${1:-$(default_cluster_directory)}
[[ -e $dir || -L $dir ]] || exit 0
private_directory "$dir"
for file in "$dir"/history-server.pid "$dir"/worker-*.pid "$dir"/master.pid; do
  if pid=$(ours "$file"); then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do
      ours "$file" >/dev/null || break
      sleep 0.1
    done
    if pid=$(ours "$file"); then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$file"
done
# The secret ends with its cluster.
rm -f "$dir"/{secret,master,submit}.conf "$dir"/worker-*.conf
