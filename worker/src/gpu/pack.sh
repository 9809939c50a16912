#!/usr/bin/env bash
# Packs what measure.sh needs into a folder of about 30 MB, for a machine with a card and perhaps neither Java nor a network:
# a Java runtime, the engine, the CPU engine's records of small models, and recordings of the kernels' tests.
#
#   worker/src/gpu/pack.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?a folder to pack into}"
to=$(cd "$1" && pwd)
cd "$here/../../.."
rm -rf "$to"/lib "$to"/recordings "$to"/jre
POWERSWEEP_RECORDINGS=$to/recordings ./mvnw -q -B -pl worker -am package -Dtest=EmulatedKernelsTest \
  -Dsurefire.failIfNoSpecifiedTests=false
./mvnw -q -B -pl worker dependency:copy-dependencies -DoutputDirectory="$to/lib" \
  -DincludeArtifactIds=jackson-core,jackson-databind,jackson-annotations,jackson-datatype-jdk8,log4j-api,jna
cp worker/target/powersweep-worker-*-SNAPSHOT.jar "$to/lib/worker.jar"
java --add-modules jdk.incubator.vector -cp "$(echo worker/target/powersweep-worker-*-trainer.jar)" \
  dev.powersweep.worker.bench.gpu.GpuMeasurement write-oracle "$to/oracle.json"
jlink --add-modules java.base,java.logging,java.management,java.xml,jdk.unsupported --strip-debug --no-header-files \
  --no-man-pages --output "$to/jre"
tar -C "$to" -cJf "$to/jre.tar.xz" jre
rm -rf "$to/jre"
cp "$here/measure.sh" "$here/peer.py" "$to"
du -sh "$to"
