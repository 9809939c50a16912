#!/usr/bin/env bash
# Starts Spark's History Server on the event logs of finished and running sweeps and prints its address.
#   deploy/standalone/start-history-server.sh --events URI [--host H] [--port P] [--dir DIR] [--properties FILE]
# URI is the directory that spark.eventLog.dir names, on any Hadoop file system. PowerSweep's own jar goes on the class
# path, which is how the Sweep tab comes into the pages of old runs. Log and process id are kept in DIR, which only its
# owner may enter; stop-cluster.sh DIR ends it.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
source "$here/private.sh"
host=127.0.0.1 port=18080 dir=$(default_cluster_directory) events='' properties=''
while (($#)); do
  (($# > 1)) || { echo "start-history-server.sh: $1 needs a value (see the head of this file)" >&2; exit 2; }
  case $1 in
    --host) host=$2 ;;
    --port) port=$2 ;;
    --dir) dir=$2 ;;
    --events) events=$2 ;;
    --properties) properties=$2 ;;
    *) echo "start-history-server.sh: unknown option $1 (see the head of this file)" >&2; exit 2 ;;
  esac
  shift 2
done
[[ -n $events ]] || { echo "start-history-server.sh: --events URI is missing (the spark.eventLog.dir of the sweeps)" >&2; exit 2; }
[[ $events == *:* ]] || events=file://$(realpath -m "$events")
private_directory "$dir"
if running=$(ours "$dir/history-server.pid"); then
  echo "start-history-server.sh: one of $dir is running (pid $running); stop-cluster.sh $dir ends it" >&2
  exit 1
fi

umask 077
rm -f "$dir"/history-server.{conf,log,pid}
{
  if [[ -n $properties ]]; then cat "$properties"; fi
  printf '%s\n' "spark.history.fs.logDirectory $events" "spark.history.ui.port $port" \
    'spark.history.fs.update.interval 5s' \
    'spark.ui.filters dev.powersweep.orchestrator.network.HostFilter' 'spark.history.fs.cleaner.enabled true' 'spark.history.fs.cleaner.maxAge 90d'
} >"$dir/history-server.conf"

jar=$(compgen -G "$here/../../lib/powersweep-*.jar" | head -n 1 || true)
[[ -n $jar ]] || jar=$(compgen -G "$here/../../orchestrator/target/powersweep-*.jar" | head -n 1 || true)
export SPARK_DAEMON_CLASSPATH=$jar${SPARK_DAEMON_CLASSPATH:+:$SPARK_DAEMON_CLASSPATH}
# PowerSweep's own settings, which come with its jar, keep libraries quiet; a server's log should not be.
export SPARK_LOCAL_IP=$host POWERSWEEP_LOG_LIBRARIES=${POWERSWEEP_LOG_LIBRARIES:-info}
setsid "$here/spark-class" org.apache.spark.deploy.history.HistoryServer --properties-file "$dir/history-server.conf" \
  >"$dir/history-server.log" 2>&1 </dev/null &
remember $! "$dir/history-server.pid"
for _ in $(seq 900); do
  if grep -q 'Bound HistoryServer to' "$dir/history-server.log"; then
    echo "http://$host:$(sed -n "s/.*Successfully started service 'HistoryServerUI' on port \([0-9]*\).*/\1/p" "$dir/history-server.log" | tail -n 1)"
    exit
  fi
  ours "$dir/history-server.pid" >/dev/null || break
  sleep 0.2
done
echo "start-history-server.sh: it did not come up; see $dir/history-server.log" >&2
tail -n 5 "$dir/history-server.log" >&2
exit 1
