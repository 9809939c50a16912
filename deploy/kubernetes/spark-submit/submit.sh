#!/usr/bin/env bash
# Submits a sweep to Kubernetes in cluster mode with a plain spark-submit.
#   deploy/kubernetes/spark-submit/submit.sh --master k8s://https://HOST:6443 [--gpu] [--properties FILE] SPEC.yaml OUTPUT \
#     [NAME=VALUE …]
# OUTPUT is the sweep's directory as pods see it: file:///results/sweeps/NAME on the shared volume, s3a://… or hdfs://….
# NAME=VALUE are further Spark settings; those that others may not read come from FILE, of mode 0600.
# Submitting the same again goes on where the sweep stopped.
# Needs kubectl, and `kubectl apply -k deploy/kubernetes/spark-submit` once. SPARK_HOME, if set, is a Spark 4.2 to submit
# with instead of the jars that come with PowerSweep.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
conf=$here/../../conf
fail() { echo "submit.sh: $*" >&2; exit 2; }
source "$conf/settings.sh"
master='' kind=cpu pod=executor-pod.yaml set=() properties=''
while [[ ${1:-} == --* ]]; do
  case $1 in
    --master) [[ $# -gt 1 ]] || fail "--master needs a value, e.g. k8s://https://10.0.0.1:6443"; master=$2; shift 2 ;;
    --gpu) kind=gpu pod=executor-pod-gpu.yaml set=(--set resources.gpus=1); shift ;;
    --properties) [[ $# -gt 1 ]] || fail "--properties needs a file"; properties=$2; shift 2 ;;
    *) fail "unknown option $1 (see the head of this file)" ;;
  esac
done
[[ $# -ge 2 ]] || fail "a specification and an output directory are needed (see the head of this file)"
[[ $master == k8s://* ]] || fail "--master ${master:-(none)} must begin with k8s://"
specification=$1 output=$2
shift 2
[[ -r $specification ]] || fail "$specification cannot be read"
[[ $output == *:* ]] || fail "$output names no file system: write file:///results/…, s3a://… or hdfs://…"
submit=("$here/../../standalone/spark-class" org.apache.spark.deploy.SparkSubmit)
if [[ -n ${SPARK_HOME:-} ]]; then
  submit=("$SPARK_HOME/bin/spark-submit")
  [[ -x ${submit[0]} ]] || fail "SPARK_HOME = $SPARK_HOME has no bin/spark-submit"
fi

for setting in "$@"; do public_setting "$setting"; done
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
cat "$here/../../conf/sweep.conf" "$here/../../conf/secure.conf" "$here/$kind.conf" >"$settings"
{
  if [[ -n $properties ]]; then private_settings "$properties"; fi
  # The last line of a name wins.
  for setting in "$@"; do setting_line "$setting"; done
} >>"$settings"

kubectl --namespace powersweep create configmap powersweep-specification --from-file=sweep.yaml="$specification" \
  --dry-run=client --output yaml | kubectl apply --filename -
"${submit[@]}" --master "$master" --deploy-mode cluster --name "sweep-$(basename "$output")" \
  --properties-file "$settings" \
  --conf "spark.kubernetes.driver.podTemplateFile=$here/driver-pod.yaml" \
  --conf "spark.kubernetes.executor.podTemplateFile=$here/$pod" \
  --class dev.powersweep.orchestrator.cli.PowerSweep \
  local:///opt/powersweep/powersweep.jar run /etc/powersweep/sweep.yaml --output "$output" "${set[@]}"
