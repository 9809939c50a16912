#!/usr/bin/env bash
# Puts onto HDFS what YARN's containers lack: a JDK 17 and Spark's jars. Once per release.
#   deploy/yarn/prepare.sh JDK_DIRECTORY hdfs:///apps/powersweep
# JDK_DIRECTORY is an unpacked JDK 17 for the nodes' platform; SPARK_HOME a Spark 4.2 with YARN support.
set -euo pipefail
fail() { echo "prepare.sh: $*" >&2; exit 2; }
[[ $# == 2 ]] || fail "a JDK's directory and a target are needed (see the head of this file)"
jdk=$1 target=${2%/}
[[ -x $jdk/bin/java && -r $jdk/release ]] || fail "$jdk is no JDK: it has no bin/java or no release file"
grep -Eq '^JAVA_VERSION="(1[7-9]|2[0-9])' "$jdk/release" || fail "$jdk is $(grep JAVA_VERSION "$jdk/release"), but 17 or newer is needed"
[[ -d ${SPARK_HOME:-}/jars ]] || fail "SPARK_HOME must be a Spark 4.2 with YARN support"
compgen -G "$SPARK_HOME/jars/spark-yarn_*.jar" >/dev/null || fail "$SPARK_HOME/jars has no spark-yarn jar: use a Spark built with YARN support"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tar --create --gzip --file "$scratch/jdk.tar.gz" --directory "$jdk" --owner=0 --group=0 .
(cd "$SPARK_HOME/jars" && "${JAVA_HOME:-$jdk}/bin/jar" --create --no-compress --file "$scratch/spark-jars.zip" ./*.jar)
hdfs dfs -mkdir -p "$target" "$target/spark-events"
hdfs dfs -put -f "$scratch/jdk.tar.gz" "$scratch/spark-jars.zip" "$target/"
echo "$target holds jdk.tar.gz and spark-jars.zip; submit with POWERSWEEP_YARN_FILES=$target"
