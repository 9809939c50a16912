#!/usr/bin/env bash
# Writes the settings of an authenticated, encrypted cluster, with a new random secret, to a file that only you can read.
#   deploy/standalone/make-secret.sh FILE
# Copy FILE to every host of a standalone cluster and give it to Master, Workers and spark-submit alike as
# --properties-file (start-cluster.sh --properties FILE). On YARN and Kubernetes Spark makes a secret per application.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
[[ $# == 1 ]] || { echo "make-secret.sh: name the file to write (see the head of this file)" >&2; exit 2; }
[[ ! -e $1 ]] || { echo "make-secret.sh: $1 exists; remove it first if its cluster is to get a new secret" >&2; exit 1; }
umask 077
{
  cat "$here/../conf/secure.conf"
  printf 'spark.authenticate.secret %s\n' "$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')"
} >"$1"
