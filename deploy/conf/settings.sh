#!/usr/bin/env bash
# Functions of the submit scripts: which settings may stand on a command line, which everybody on the machine can read.
set -euo pipefail

# Names, as patterns of bash, whose values are no secrets. Everything else comes from a file (--properties FILE).
public_settings=(
  'spark.app.name' 'spark.cores.max' 'spark.default.parallelism' 'spark.eventLog.dir' 'spark.eventLog.enabled'
  'spark.driver.cores' 'spark.driver.memory' 'spark.driver.memoryOverhead' 'spark.driver.memoryOverheadFactor'
  'spark.executor.cores' 'spark.executor.instances' 'spark.executor.memory' 'spark.executor.memoryOverhead'
  'spark.executor.memoryOverheadFactor' 'spark.executor.heartbeatInterval' 'spark.network.timeout' 'spark.task.cpus'
  'spark.executor.resource.gpu.amount' 'spark.executor.resource.gpu.vendor' 'spark.executor.resource.gpu.discoveryScript'
  'spark.task.resource.gpu.amount' 'spark.dynamicAllocation.enabled' 'spark.dynamicAllocation.minExecutors'
  'spark.dynamicAllocation.maxExecutors' 'spark.dynamicAllocation.shuffleTracking.enabled'
  'spark.powersweep.trainerJar' 'spark.powersweep.uiAddress' 'spark.powersweep.uiHosts'
  'spark.kubernetes.namespace' 'spark.kubernetes.container.image' 'spark.kubernetes.container.image.pullPolicy'
  'spark.kubernetes.driver.request.cores' 'spark.kubernetes.driver.limit.cores'
  'spark.kubernetes.executor.request.cores' 'spark.kubernetes.executor.limit.cores'
  'spark.kubernetes.node.selector.*' 'spark.kubernetes.driver.node.selector.*' 'spark.kubernetes.executor.node.selector.*'
  'spark.kubernetes.driver.label.*' 'spark.kubernetes.executor.label.*'
  'spark.kubernetes.submission.waitAppCompletion' 'spark.kubernetes.authenticate.driver.serviceAccountName'
  'spark.yarn.queue' 'spark.yarn.priority' 'spark.yarn.maxAppAttempts' 'spark.yarn.archive'
  'spark.yarn.submit.waitAppCompletion' 'spark.yarn.am.nodeLabelExpression' 'spark.yarn.executor.nodeLabelExpression'
  'spark.hadoop.fs.s3a.endpoint' 'spark.hadoop.fs.s3a.endpoint.region' 'spark.hadoop.fs.s3a.path.style.access'
  'spark.hadoop.fs.s3a.connection.ssl.enabled' 'spark.hadoop.fs.s3a.connection.maximum'
  'spark.hadoop.fs.s3a.aws.credentials.provider' 'spark.hadoop.fs.s3a.create.conditional.enabled'
  'spark.hadoop.hadoop.security.credential.provider.path' 'spark.hadoop.dfs.replication'
)

# public_setting NAME=VALUE: fails with a sentence unless it may stand on a command line.
public_setting() {
  local name=${1%%=*} value=${1#*=} pattern
  [[ $1 == *=* ]] || fail "$1 is no NAME=VALUE"
  [[ $value != *$'\n'* ]] || fail "the value of $name has more than one line"
  # user:password@host
  [[ ! $value =~ ://[^/]*@ || $name == spark.hadoop.hadoop.security.credential.provider.path ]] ||
    fail "the value of $name has a user or password before its host, which would show in lists of processes"
  for pattern in "${public_settings[@]}"; do
    # shellcheck disable=SC2053 # a pattern
    [[ $name != $pattern ]] || return 0
  done
  fail "$name is not among the settings that may show in lists of processes; put it into a file of mode 0600 and give that by --properties FILE, or keep a secret in a credential provider (docs/security.md)"
}

# private_settings FILE: prints a file of settings that only its owner may read, or fails with a sentence.
private_settings() {
  local mode
  [[ -f $1 && -r $1 ]] || fail "--properties $1 cannot be read"
  mode=$(ls -lL "$1")
  [[ ${mode:4:6} == ------ ]] || fail "others may read $1, which may hold secrets: chmod 600 $1"
  cat "$1"
  echo
}

# setting_line NAME=VALUE: the line of a properties file, where a backslash would begin an escape.
setting_line() {
  local value=${1#*=}
  printf '%s %s\n' "${1%%=*}" "${value//\\/\\\\}"
}
