"""Reports POWERSWEEP_STEPS steps, a thousand every tenth of a second, and prints how far it fell behind."""

import os
import time

PACE = 10_000  # steps a second
steps = int(os.environ["POWERSWEEP_STEPS"])
begin = time.monotonic()
with open(os.environ["POWERSWEEP_FRAMES"], "a", encoding="utf-8") as out:
    for first in range(1, steps + 1, PACE // 10):
        last = min(first + PACE // 10 - 1, steps)
        for step in range(first, last + 1):
            out.write('{"frame": "step", "step": %d, "loss": %.4f, "gradientNorm": 1.5}\n' % (step, 3 + 1 / step))
        out.flush()
        time.sleep(max(0, begin + last / PACE - time.monotonic()))
    out.write('{"frame": "evaluation", "loss": 3.0}\n')
print("behind by %.3f s of %.1f s" % (time.monotonic() - begin - steps / PACE, steps / PACE))
