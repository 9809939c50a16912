#!/usr/bin/env bash
# shell-loop.sh SPEC.yaml FOLDER [PAIRS] [SLOTS]: what a sweep costs beside a plain shell loop over its cells.
#
# Runs, PAIRS times (2) and in turn, the sweep on SLOTS (2) local slots and `xargs -P SLOTS java -jar trainer train` over
# the same cells with the same shard, in the order of their names. Prints a line for each: seconds on the clock and
# of the processors; of the sweep also what it says of itself, and how well it was predicted. Other work on the machine
# shows in the clock, less so in the processor seconds.
set -euo pipefail
spec=$(readlink -f "$1"); folder=$(mkdir -p "$2" && readlink -f "$2"); pairs=${3:-2}; slots=${4:-2}
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.."
trainer=$(compgen -G 'worker/target/powersweep-worker-*-trainer.jar' | head -n 1)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
TIMEFORMAT='%R %U %S'

timed() { # NAME LOG COMMAND…
  local name=$1 log=$2; shift 2
  { time "$@" >"$log" 2>&1; } 2>"$log.time"
  awk -v name="$name" '{printf "%-12s %7.1f s on the clock, %7.1f s of processors\n", name, $1, $2 + $3}' "$log.time"
}

loop() {
  find "$folder/cells" -name '*.json' -print0 | sort -z |
    xargs -0 -P "$slots" -I{} sh -c '"$1" -jar "$2" train "$3" --shards "$4" --checkpoints "$5" >"$3.frames" 2>"$3.log"' \
      loop "$java" "$trainer" {} "$1" "$2"
}

for ((pair = 1; pair <= pairs; pair++)); do
  sweep=$folder/sweep-$pair
  rm -rf "$sweep" "$folder/checkpoints"
  timed "sweep $pair" "$folder/sweep-$pair.log" bin/powersweep run "$spec" --output "$sweep" --master "local[$slots]"
  grep -h makespan "$folder/sweep-$pair.log" | sed 's/^/             /'
  if ((pair == 1)); then
    rm -rf "$folder/cells"; mkdir -p "$folder/cells"
    bin/powersweep query "$sweep" "select concat(name, ' ', cell_json) as line from cells" | tail -n +2 |
      nl -n rz | while read -r number name json; do printf '%s\n' "$json" >"$folder/cells/$number-$name.json"; done
  fi
  timed "loop $pair" "$folder/loop-$pair.log" loop "$(echo "$sweep"/corpus/*)" "$folder/checkpoints"
  bin/powersweep query "$sweep" "select count(*) as cells, round(sum(predicted_seconds), 1) as predicted,
    round(sum(seconds + overhead_seconds), 1) as actual, round(sum(seconds), 1) as training,
    round(sum(predicted_seconds) / sum(seconds + overhead_seconds), 3) as ratio,
    round(avg(abs(ln(predicted_seconds / (seconds + overhead_seconds)))), 3) as mean_abs_log,
    round(avg(overhead_seconds), 3) as overhead from cells where state = 'FINISHED'"
done
bin/powersweep query "$folder/sweep-$pairs" "select name, round(predicted_seconds, 2) as predicted,
  round(seconds, 2) as seconds, round(overhead_seconds, 2) as overhead,
  round(predicted_seconds / (seconds + overhead_seconds), 2) as ratio
  from cells where state = 'FINISHED' order by seconds desc"
