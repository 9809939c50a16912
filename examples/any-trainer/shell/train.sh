#!/bin/sh
# Fits sin(x) by a series of FEATURES terms with stochastic gradient descent, in awk: the contract in a shell's words.
# A checkpoint is a file of weights; a line in the file of frames tells PowerSweep what became of each step.
set -eu
state="$POWERSWEEP_CHECKPOINTS/state"
exec awk -v n="$POWERSWEEP_FEATURES" -v steps="$POWERSWEEP_STEPS" -v batch="$POWERSWEEP_BATCH_SEQUENCES" \
    -v rate="$POWERSWEEP_LEARNING_RATE" -v seed="$POWERSWEEP_RANDOM_SEED" -v frames="$POWERSWEEP_FRAMES" \
    -v resume="${POWERSWEEP_RESUME_FROM:-}" -v first="$POWERSWEEP_RESUME_STEP" -v state="$state" \
    -v pause="${PAUSE:-0}" '
function say(line) { print line >> frames; fflush(frames) }
function error(x,  i) {
    y = 0
    for (i = 1; i <= n; i++) y += w[i] * cos((i - 1) * x)
    return y - exp(sin(3 * x))
}
function loss_of(count,  i, e, sum) {
    sum = 0
    for (i = 1; i <= count; i++) { e = error(3.14159265 * i / count); sum += e * e }
    return sum / count
}
BEGIN {
    say("{\"frame\": \"model\", \"parameters\": " n "}")
    if (resume != "") { i = 0; while ((getline value < resume) > 0) w[++i] = value }
    for (step = first + 1; step <= steps; step++) {
        srand(seed + step)                                   # the same numbers wherever a run goes on
        for (i = 1; i <= n; i++) g[i] = 0
        loss = 0
        for (b = 1; b <= batch; b++) {
            x = 3.14159265 * rand(); e = error(x); loss += e * e / batch
            for (i = 1; i <= n; i++) g[i] += 2 * e * cos((i - 1) * x) / batch
        }
        for (i = 1; i <= n; i++) w[i] -= rate * g[i]
        say("{\"frame\": \"step\", \"step\": " step ", \"loss\": " loss ", \"learning_rate\": " rate "}")
        if (step % 50 == 0 && step < steps) {
            file = state "-" step
            for (i = 1; i <= n; i++) printf "%.17g\n", w[i] > file
            close(file)
            say("{\"frame\": \"checkpoint\", \"step\": " step ", \"path\": \"" file "\"}")
            if (pause > 0) system("sleep " pause)
        }
    }
    say("{\"frame\": \"evaluation\", \"loss\": " loss_of(500) ", \"tokens\": 500}")
}'
