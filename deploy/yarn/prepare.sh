#!/usr/bin/env bash
# Puts onto HDFS what YARN's containers lack: a JDK 17 and Spark's jars. Once per release.
#   deploy/yarn/prepare.sh JDK_DIRECTORY hdfs:///apps/powersweep
# JDK_DIRECTORY is an unpacked JDK 17 for the nodes' platform. HADOOP_CONF_DIR is the cluster's configuration; SPARK_HOME,
# if set, a Spark 4.2 with YARN support whose jars are taken instead of those that come with PowerSweep.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
fail() { echo "prepare.sh: $*" >&2; exit 2; }
[[ $# == 2 ]] || fail "a JDK's directory and a target are needed (see the head of this file)"
jdk=$1 target=${2%/}
[[ -x $jdk/bin/java && -r $jdk/release ]] || fail "$jdk is no JDK: it has no bin/java or no release file"
grep -Eq '^JAVA_VERSION="(1[7-9]|2[0-9])' "$jdk/release" || fail "$jdk is $(grep JAVA_VERSION "$jdk/release"), but 17 or newer is needed"
[[ -d ${HADOOP_CONF_DIR:-} ]] || fail "HADOOP_CONF_DIR must be the directory of the cluster's core-site.xml"
spark=${SPARK_HOME:-$here/../../spark}
[[ -d $spark/jars || -n ${SPARK_HOME:-} ]] || spark=$here/../../orchestrator/target/spark
[[ -d $spark/jars ]] || fail "no jars in $spark/jars: run ./mvnw -DskipTests package, or set SPARK_HOME to a Spark 4.2"
compgen -G "$spark/jars/spark-yarn_*.jar" >/dev/null || fail "$spark/jars has no spark-yarn jar: use a Spark built with YARN support"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Links of a distribution's package lead out of the JDK, and nodes lack what they lead to; nothing is compiled there.
tar --create --gzip --dereference --file "$scratch/jdk.tar.gz" --directory "$jdk" --owner=0 --group=0 \
  --exclude=./jmods --exclude=./demo --exclude=./man --exclude=src.zip .
(cd "$spark/jars" && "${JAVA_HOME:-$jdk}/bin/jar" --create --no-compress --file "$scratch/spark-jars.zip" ./*.jar)
hdfs() { "$here/../standalone/spark-class" org.apache.hadoop.fs.FsShell "$@"; }
hdfs -mkdir -p "$target" "$target/spark-events"
hdfs -put -f "$scratch/jdk.tar.gz" "$scratch/spark-jars.zip" "$target/"
echo "$target holds jdk.tar.gz and spark-jars.zip; submit with POWERSWEEP_YARN_FILES=$target"
