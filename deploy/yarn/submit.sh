#!/usr/bin/env bash
# Submits a sweep to YARN in cluster mode.
#   deploy/yarn/submit.sh [--gpu] [--queue NAME] [--properties FILE] SPEC.yaml OUTPUT [NAME=VALUE …]
# OUTPUT is the sweep's directory on HDFS or another Hadoop file system; NAME=VALUE are further Spark settings;
# those that others may not read come from FILE, of mode 0600.
# Submitting the same again goes on where the sweep stopped.
#   HADOOP_CONF_DIR        the cluster's configuration
#   SPARK_HOME             submit with this Spark 4.2 instead of the jars that come with PowerSweep
#   POWERSWEEP_YARN_FILES  where prepare.sh put JDK and jars (default hdfs:///apps/powersweep)
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
conf=$here/../conf
fail() { echo "submit.sh: $*" >&2; exit 2; }
source "$conf/settings.sh"
kind=cpu queue=() discovery='' set=() properties=''
while [[ ${1:-} == --* ]]; do
  case $1 in
    --gpu) kind=gpu discovery=,$here/../gpu-discovery.sh set=(--set resources.gpus=1); shift ;;
    --queue) [[ $# -gt 1 ]] || fail "--queue needs a value"; queue=(--queue "$2"); shift 2 ;;
    --properties) [[ $# -gt 1 ]] || fail "--properties needs a file"; properties=$2; shift 2 ;;
    *) fail "unknown option $1 (see the head of this file)" ;;
  esac
done
[[ $# -ge 2 ]] || fail "a specification and an output directory are needed (see the head of this file)"
specification=$1 output=$2
shift 2
[[ -r $specification ]] || fail "$specification cannot be read"
[[ $output == *:* ]] || fail "$output names no file system: write hdfs:///… or s3a://…"
for setting in "$@"; do public_setting "$setting"; done
submit=("$here/../standalone/spark-class" org.apache.spark.deploy.SparkSubmit)
if [[ -n ${SPARK_HOME:-} ]]; then
  submit=("$SPARK_HOME/bin/spark-submit")
  [[ -x ${submit[0]} ]] || fail "SPARK_HOME = $SPARK_HOME has no bin/spark-submit"
fi
[[ -d ${HADOOP_CONF_DIR:-} ]] || fail "HADOOP_CONF_DIR must be the directory of the cluster's core-site.xml and yarn-site.xml"
jar=$(compgen -G "$here/../../lib/powersweep-*.jar" | head -n 1 || true)
[[ -n $jar ]] || jar=$(compgen -G "$here/../../orchestrator/target/powersweep-*.jar" | head -n 1 || true)
[[ -n $jar ]] || fail "no powersweep jar in lib/ or orchestrator/target/: run ./mvnw -DskipTests package"
store=${POWERSWEEP_YARN_FILES:-hdfs:///apps/powersweep}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat "$here/../conf/sweep.conf" "$here/../conf/secure.conf" "$here/$kind.conf" >"$scratch/settings.conf"
cat >>"$scratch/settings.conf" <<S
spark.eventLog.dir                        $store/spark-events
spark.yarn.archive                        $store/spark-jars.zip
spark.yarn.dist.archives                  $store/jdk.tar.gz#jdk
spark.yarn.appMasterEnv.JAVA_HOME         ./jdk
spark.executorEnv.JAVA_HOME               ./jdk
S
{
  if [[ -n $properties ]]; then private_settings "$properties"; fi
  # The last line of a name wins.
  for setting in "$@"; do setting_line "$setting"; done
} >>"$scratch/settings.conf"
cp "$specification" "$scratch/sweep.yaml"
"${submit[@]}" --master yarn --deploy-mode cluster --name "sweep-$(basename "$output")" "${queue[@]}" \
  --properties-file "$scratch/settings.conf" \
  --files "$scratch/sweep.yaml$discovery" \
  --class dev.powersweep.orchestrator.cli.PowerSweep "$jar" run sweep.yaml --output "$output" "${set[@]}"
