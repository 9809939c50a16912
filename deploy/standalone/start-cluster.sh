#!/usr/bin/env bash
# Starts a standalone Master and Workers on this machine and prints the master's URL.
#   deploy/standalone/start-cluster.sh [--host H] [--port P] [--workers N] [--cores C] [--memory M] [--dir DIR]
#                                      [--gpus-per-worker G [--discovery SCRIPT]] [--properties FILE]
# SCRIPT is ../gpu-discovery.sh unless named; it learns its Worker by POWERSWEEP_WORKER_INDEX and POWERSWEEP_WORKER_COUNT.
# FILE holds settings for Master and Workers, e.g. the one make-secret.sh writes. Without it the cluster gets a secret of
# its own, and bin/powersweep --master URL finds it. Everything is kept in DIR (default: $POWERSWEEP_CLUSTER, or
# powersweep-cluster-UID below TMPDIR), which only its owner may enter; stop-cluster.sh DIR ends the processes.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
source "$here/private.sh"
host=127.0.0.1 port=7077 workers=2 cores=1 memory=2g dir=$(default_cluster_directory) gpus=0 discovery=$here/../gpu-discovery.sh properties=
while (($#)); do
  (($# > 1)) || { echo "start-cluster.sh: $1 needs a value (see the head of this file)" >&2; exit 2; }
  case $1 in
    --host) host=$2 ;;
    --port) port=$2 ;;
    --workers) workers=$2 ;;
    --cores) cores=$2 ;;
    --memory) memory=$2 ;;
    --dir) dir=$2 ;;
    --gpus-per-worker) gpus=$2 ;;
    --discovery) discovery=$2 ;;
    --properties) properties=$2 ;;
    *) echo "start-cluster.sh: unknown option $1 (see the head of this file)" >&2; exit 2 ;;
  esac
  shift 2
done
[[ -z $properties || -r $properties ]] || { echo "start-cluster.sh: --properties $properties cannot be read" >&2; exit 2; }
private_directory "$dir"
dir=$(cd "$dir" && pwd)
if running=$(ours "$dir/master.pid"); then
  echo "start-cluster.sh: a cluster of $dir is running (pid $running); stop-cluster.sh $dir ends it" >&2
  exit 1
fi
umask 077
export SPARK_LOCAL_IP=$host

start() { # NAME COMMAND…: a daemon of its own session, so that it outlives this shell
  local name=$1
  shift
  rm -f "$dir/$name.log" "$dir/$name.pid"
  setsid "$here/spark-class" "$@" >"$dir/$name.log" 2>&1 </dev/null &
  remember $! "$dir/$name.pid"
}
wait_for() { # NAME PATTERN
  for _ in $(seq 300); do
    grep -q "$2" "$dir/$1.log" 2>/dev/null && return
    ours "$dir/$1.pid" >/dev/null || break
    sleep 0.2
  done
  echo "start-cluster.sh: $1 did not come up; see $dir/$1.log" >&2
  tail -n 5 "$dir/$1.log" >&2
  exit 1
}

# Settings hold a secret: nobody sees them in a list of processes. A file that is there keeps its mode, hence the removal.
rm -f "$dir"/{secret,master,submit}.conf "$dir"/worker-*.conf
if [[ -z $properties ]]; then
  "$here/make-secret.sh" "$dir/secret.conf"
  properties=$dir/secret.conf
  { echo "# spark://$host:$port"; cat "$properties"; } >"$dir/submit.conf"
fi
# What FILE does not decide: Spark takes submissions without a password on a port of its own, and its pages end
# applications, unless these are off.
settings() {
  cat "$properties"
  echo
  for setting in spark.master.rest.enabled spark.ui.killEnabled; do
    grep -q "^[[:space:]]*${setting//./\\.}" "$properties" || echo "$setting false"
  done
}

settings >"$dir/master.conf"
start master org.apache.spark.deploy.master.Master --host "$host" --port "$port" --webui-port 0 \
  --properties-file "$dir/master.conf"
wait_for master 'New state: ALIVE'
for ((w = 1; w <= workers; w++)); do
  conf=$dir/worker-$w.conf
  settings >"$conf"
  if ((gpus > 0)); then
    printf 'spark.worker.resource.gpu.amount %s\nspark.worker.resource.gpu.discoveryScript %s\n' "$gpus" "$discovery" >>"$conf"
    export POWERSWEEP_WORKER_INDEX=$((w - 1)) POWERSWEEP_WORKER_COUNT=$workers
  fi
  start "worker-$w" org.apache.spark.deploy.worker.Worker --host "$host" --port 0 --webui-port 0 -c "$cores" -m "$memory" \
    -d "$dir/work-$w" --properties-file "$conf" "spark://$host:$port"
done
for ((w = 1; w <= workers; w++)); do wait_for "worker-$w" 'Successfully registered with master'; done
if [[ -e $dir/submit.conf && $dir != "$(default_cluster_directory)" ]]; then
  echo "start-cluster.sh: submit with POWERSWEEP_CLUSTER=$dir, or --properties-file $dir/submit.conf of spark-submit" >&2
fi
echo "spark://$host:$port"
