#!/bin/sh
# A cell of three seconds and some: its steps at once, then nothing until its end.
step=1
while [ $step -le "$POWERSWEEP_STEPS" ]; do
  echo "{\"frame\": \"step\", \"step\": $step, \"loss\": 4.$((100 - step))}"
  step=$((step + 1))
done >> "$POWERSWEEP_FRAMES"
sleep 3
echo '{"frame": "evaluation", "loss": 3.5}' >> "$POWERSWEEP_FRAMES"
