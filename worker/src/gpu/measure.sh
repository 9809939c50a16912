#!/usr/bin/env bash
# Measures an NVIDIA card with what pack.sh packed, in about five minutes: whether the engine computes there what it
# computes on a CPU, and its speed beside PyTorch's, where python3 has it. Rows of JSON go to OUT/results.jsonl, each as
# soon as it is known; table.py makes tables of them.
#
#   bash measure.sh OUT
set -uo pipefail
cd "$(dirname "$0")"
out=${1:?a folder for results}
mkdir -p "$out"
results=$out/results.jsonl
begin=$(date +%s)
say() { echo "[$(($(date +%s) - begin)) s] $*"; }
nvidia-smi --query-gpu=name,compute_cap,driver_version,clocks.max.sm --format=csv,noheader

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xJf jre.tar.xz
for library in nvrtc cublasLt; do
  found=$(find / -name "lib$library.so.1[23]" -not -path '/proc/*' 2> /dev/null | sort | tail -1)
  POWERSWEEP_CUDA_LIBRARIES=${POWERSWEEP_CUDA_LIBRARIES:-}:$(dirname "${found:-/}")
done
export POWERSWEEP_CUDA_LIBRARIES
java=("$work/jre/bin/java" -Xmx16g -XX:-UsePerfData "-Dpowersweep.cubins=$work/cubins" -cp "$(echo lib/*.jar | tr ' ' :)"
  dev.powersweep.worker.bench.gpu.GpuMeasurement)
# part SECONDS ARGUMENT…: rows to the results, all else to a log
part() { timeout "$1" "${java[@]}" "${@:2}" 2>> "$out/log.txt" | grep '^{' >> "$results"; }

kernels=(gelu_float classify_float embed addNormalise_float adamw attentionDots_float rotate_float sortRows)
for width in 4 8 12 16 32 40 64 72 136; do kernels+=("plainForward_float_$width"); done
for width in 16 32 48 64 128; do kernels+=("flashForward_$width"); done
part 90 compile "${kernels[@]}"
say compiled

# Right before fast. What only the CPU is needed for runs beside it: PyTorch's compiler, which fills its cache.
tiny=2,64,4,128,16,512 small=4,128,4,128,16,512 wide=4,256,4,256,16,512 middle=6,384,6,256,32,2048
large=12,768,12,1024,32,50304
peer=()
if python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2> /dev/null; then
  export TORCHINDUCTOR_CACHE_DIR=$work/inductor
  peer=(python3 peer.py --precisions bf16)
  for shape in $tiny $small $wide $middle $large; do
    cells=16
    [ $shape = $large ] && cells=
    timeout 65 "${peer[@]}" $shape --seconds 0.01 --cells "$cells" --ways compile+graph,bmm-compile-graph --budget 60 \
      > /dev/null 2>&1 &
  done
fi
part 60 replay recordings/*.gz &
part 60 oracle oracle.json &
part 60 bits 1,4,16 $tiny $wide &
sanitised=2,32,2,40,4,61
if command -v compute-sanitizer > /dev/null; then
  for tool in memcheck racecheck; do
    timeout 65 compute-sanitizer --tool $tool --kernel-name-exclude kernel_substring=cutlass --error-exitcode 9 \
      "${java[@]}" throughput 0 2 float32,bfloat16 $sanitised > "$out/$tool.txt" 2>&1
    echo "{\"part\":\"sanitizer\",\"tool\":\"$tool\",\"exit\":$?,\"summary\":\"$(grep -o 'SUMMARY: .*' "$out/$tool.txt" | tail -1)\"}" \
      >> "$results"
  done &
fi
wait
say "compared with the CPU"

part 50 throughput 0.25 1,4,16,64 bfloat16 $tiny $small $wide
part 25 throughput 0.25 1,16 bfloat16 $middle
part 25 throughput 0.5 1 bfloat16 $large
part 30 throughput 0.2 1,16 tf32,float32 $tiny $small
say "engine's speed"
if [ ${#peer[@]} -gt 0 ]; then
  timeout 95 "${peer[@]}" $tiny $small $wide --seconds 0.25 --cells 16 --budget 90 \
    --ways eager,graph,compile+graph,bmm-compile-graph,vmap-graph >> "$results" 2>> "$out/log.txt"
  timeout 50 "${peer[@]}" $middle $large --seconds 0.4 --cells "" --budget 45 --ways graph,compile+graph \
    >> "$results" 2>> "$out/log.txt"
  say "PyTorch's speed"
fi
part 30 profile 1 bfloat16 $tiny $wide $large
say done
