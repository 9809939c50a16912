"""Speaks PowerSweep's contract with training programs (docs/any-trainer.md). No dependencies; Python 3.8 or newer.

    import powersweep
    run = powersweep.run()                      # outside of a sweep: run.active is False, and all calls do nothing
    for step in range(run.resume_step + 1, run.steps + 1):
        loss = train_one_step(lr=run.learning_rate)
        run.step(step, loss, learningRate=lr)   # numbers, or anything that float() takes, such as a tensor
        if run.checkpoint_due():
            path = run.checkpoint_path(step)    # a fresh name
            torch.save(state, path)
            run.checkpoint(step, path)
    run.evaluation(loss=validation_loss)
    run.finished()
"""

import json
import os
import re
import signal
import time

CONTRACT = 1
FLUSH_SECONDS = 0.5
FLUSH_ROWS = 4096


def _name(field):
    return "POWERSWEEP_" + re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", field).upper()


class Run:
    """One assignment. Its values are attributes: run.width, run.steps, run.learning_rate, run.my_argument."""

    def __init__(self, environment=os.environ):
        self._env = environment
        path = environment.get("POWERSWEEP_FRAMES")
        # Launchers start several processes; one of them tells.
        self._rank = int(environment.get("RANK", "0") or 0)
        self._out = open(path, "a", encoding="utf-8") if path and self._rank == 0 else None
        self.active = path is not None
        self.stop_requested = False
        self._rows = []
        self._flushed = self._checkpointed = time.monotonic()
        if self.active:
            signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, *_):
        self.stop_requested = True

    def get(self, name, default=None):
        """The value of POWERSWEEP_NAME as a number where it is one; names with or without underscores."""
        text = self._env.get(_name(name))
        if text is None or text == "":
            return default
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        value = self.get(name)
        if value is None and name not in ("resume_from", "resumeFrom"):
            if name in ("resume_step", "resumeStep"):
                return 0
            raise AttributeError("%s is not set" % _name(name))
        return value

    def _write(self, frame, **values):
        if self._out is None:
            return
        self._out.write(json.dumps(dict({"frame": frame}, **values)) + "\n")
        self._out.flush()

    def step(self, step, loss, **values):
        """One step: loss, and as far as they are known learningRate, gradientNorm, gradientSquareSmall,
        gradientSquareBig, seconds. Values are turned into numbers later, so a GPU need not wait for them."""
        if self._out is None:
            return
        self._rows.append((step, dict(values, loss=loss)))
        if len(self._rows) >= FLUSH_ROWS or time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self):
        rows, self._rows = self._rows, []
        self._flushed = time.monotonic()
        if self._out is None:
            return
        for step, values in rows:
            line = {"frame": "step", "step": step}
            line.update((name, None if value is None else float(value)) for name, value in values.items())
            self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    def evaluation(self, loss, step=None, set="validation", **values):
        """A mean loss on held-out data; standardError, tokens, bitsPerByte, seconds as far as they are known."""
        self.flush()
        values = {name: float(value) for name, value in values.items()}
        self._write("evaluation", loss=float(loss), set=set, **({} if step is None else {"step": step}), **values)

    def model(self, parameters=None, totalParameters=None, flopsPerToken=None):
        """The model's size: parameters is N, without embeddings, norms and biases."""
        self._write("model", parameters=parameters, totalParameters=totalParameters, flopsPerToken=flopsPerToken)

    def checkpoint_due(self):
        """Whether POWERSWEEP_CHECKPOINT_SECONDS have passed since the last one, or the program is asked to stop."""
        if not self.active or self.stop_requested:
            return self.active
        seconds = self.get("checkpoint_seconds", 0)
        return seconds > 0 and time.monotonic() - self._checkpointed >= seconds

    def checkpoint_path(self, step, suffix=""):
        """A name that no other checkpoint of this attempt has."""
        return os.path.join(self._env.get("POWERSWEEP_CHECKPOINTS", "."), "step-%d%s" % (step, suffix))

    def checkpoint(self, step, path):
        """Names a file or folder that is complete; steps before it have been reported."""
        self.flush()
        self._write("checkpoint", step=step, path=os.path.abspath(path))
        self._checkpointed = time.monotonic()
        if self.stop_requested:
            self.interrupted()

    def finished(self, stoppedEarly=False):
        self.flush()
        self._write("finished", stoppedEarly=stoppedEarly)

    def failed(self, message):
        self.flush()
        self._write("failed", message=str(message))

    def interrupted(self):
        """Ends the program, which was asked to stop."""
        self.flush()
        self._write("interrupted")
        raise SystemExit(143)


def run():
    return Run()
