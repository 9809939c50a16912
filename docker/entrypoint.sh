#!/usr/bin/env bash
# The image's roles: master | worker MASTER_URL | history | powersweep COMMAND … | driver/executor (Spark on Kubernetes)
#   POWERSWEEP_HOST    address that Master or Worker bind to and are known by (default: this container's name)
#   POWERSWEEP_EVENTS  directory of event logs that the History Server reads
#   POWERSWEEP_UI_HOSTS  names, separated by commas, under which the History Server's pages may be asked for
#   POWERSWEEP_CONF    settings for Master, Worker and History Server, e.g. a mounted secret
set -euo pipefail
spark=(/opt/spark/bin/spark-class)
host=${POWERSWEEP_HOST:-$(hostname -f 2>/dev/null || hostname)}
conf=()
if [[ -n ${POWERSWEEP_CONF:-} ]]; then conf=(--properties-file "$POWERSWEEP_CONF"); fi
# What POWERSWEEP_CONF does not decide: Spark takes submissions without a password on a port of its own, and its pages end
# applications, unless these are off.
closed() {
  local setting
  for setting in spark.master.rest.enabled spark.ui.killEnabled; do
    if [[ -z ${POWERSWEEP_CONF:-} ]] || ! grep -q "^[[:space:]]*${setting//./\\.}" "$POWERSWEEP_CONF"; then
      SPARK_DAEMON_JAVA_OPTS="-D$setting=false ${SPARK_DAEMON_JAVA_OPTS:-}"
    fi
  done
  export SPARK_DAEMON_JAVA_OPTS
}
role=${1:-powersweep}
case $role in
  master)
    closed
    echo 8080 >/tmp/powersweep-port
    exec "${spark[@]}" org.apache.spark.deploy.master.Master --host "$host" --port 7077 --webui-port 8080 "${conf[@]}"
    ;;
  worker)
    [[ $# -ge 2 ]] || { echo "entrypoint.sh: worker needs the master's URL, e.g. spark://master:7077" >&2; exit 2; }
    closed
    echo 8081 >/tmp/powersweep-port
    exec "${spark[@]}" org.apache.spark.deploy.worker.Worker --host "$host" --webui-port 8081 "${conf[@]}" "${@:2}"
    ;;
  history)
    [[ -n ${POWERSWEEP_EVENTS:-} ]] || { echo "entrypoint.sh: POWERSWEEP_EVENTS must name the directory of event logs" >&2; exit 2; }
    echo 18080 >/tmp/powersweep-port
    export SPARK_DAEMON_CLASSPATH=/opt/powersweep/powersweep.jar
    export SPARK_HISTORY_OPTS="-Dspark.history.fs.logDirectory=$POWERSWEEP_EVENTS \
-Dspark.ui.filters=dev.powersweep.orchestrator.network.HostFilter ${SPARK_HISTORY_OPTS:-}"
    exec "${spark[@]}" org.apache.spark.deploy.history.HistoryServer "${conf[@]}"
    ;;
  powersweep) exec /opt/powersweep/bin/powersweep "${@:2}" ;;
  *) exec /opt/entrypoint.sh "$@" ;;
esac
