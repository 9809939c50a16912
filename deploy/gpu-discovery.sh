#!/usr/bin/env bash
# Tells Spark which GPUs an executor or a Worker may hand out: {"name":"gpu","addresses":["GPU-…","GPU-…"]}
#
#   POWERSWEEP_WORKER_COUNT  Workers on this host (default 1); each gets every count-th GPU, so that no two share one
#   POWERSWEEP_WORKER_INDEX  this Worker's number, from 0 (default 0)
#   CUDA_VISIBLE_DEVICES     where it is set (YARN, containers), only these are offered
#
# Addresses are UUIDs, because nvidia-smi counts by bus and CUDA by speed unless told otherwise. A GPU that is cut into
# MIG devices offers those in its place.
set -euo pipefail
fail() { echo "gpu-discovery.sh: $*" >&2; exit 1; }

count=${POWERSWEEP_WORKER_COUNT:-1} index=${POWERSWEEP_WORKER_INDEX:-0}
[[ $count =~ ^[1-9][0-9]*$ ]] || fail "POWERSWEEP_WORKER_COUNT = $count must be a whole number from 1"
[[ $index =~ ^(0|[1-9][0-9]*)$ && $index -lt $count ]] ||
  fail "POWERSWEEP_WORKER_INDEX = $index must be a whole number from 0 to $((count - 1)) (POWERSWEEP_WORKER_COUNT - 1)"

devices=()
if [[ -n ${CUDA_VISIBLE_DEVICES+set} ]]; then
  [[ -z $CUDA_VISIBLE_DEVICES ]] || IFS=, read -ra devices <<<"$CUDA_VISIBLE_DEVICES"
else
  command -v nvidia-smi >/dev/null || fail "no nvidia-smi on PATH: install NVIDIA's driver, or run without GPUs"
  listing=$(timeout 30 nvidia-smi -L) || fail "nvidia-smi -L failed: $listing"
  card=
  while IFS= read -r line; do
    [[ $line =~ UUID:\ ((GPU|MIG)-[A-Za-z0-9/-]+)\) ]] || continue
    uuid=${BASH_REMATCH[1]}
    if [[ $uuid == GPU-* ]]; then
      devices+=("$uuid")
      card=${#devices[@]}
    else
      # Its card, named on a line before, cannot be used whole.
      if [[ -n $card ]]; then unset "devices[card - 1]" && card=; fi
      devices+=("$uuid")
    fi
  done <<<"$listing"
  devices=("${devices[@]}")
fi

addresses=
for ((i = index; i < ${#devices[@]}; i += count)); do
  [[ ${devices[i]} =~ ^[A-Za-z0-9/-]+$ ]] || fail "device '${devices[i]}' is no index or UUID"
  addresses+="${addresses:+,}\"${devices[i]}\""
done
[[ -n $addresses ]] || fail "Worker $index of $count on $(uname -n) has no GPU left: ${#devices[@]} found"
printf '{"name":"gpu","addresses":[%s]}\n' "$addresses"
