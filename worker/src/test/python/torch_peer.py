#!/usr/bin/env python3
"""Trains a cell in PyTorch from the weights and the batches that the trainer exports, and compares the two runs.

    java -jar powersweep-trainer.jar export cell.json weights.npz --batches batches.npz --shards DIR
    java -jar powersweep-trainer.jar train cell.json --shards DIR > frames.jsonl
    torch_peer.py train cell.json weights.npz batches.npz losses.json [--double] [--evaluate-every N]
    torch_peer.py compare frames.jsonl losses.json [overlay.png]

The model and the training rule are written here a second time, from the papers and the trainer's documentation; only
PyTorch's autograd and its AdamW do the work. Dropout must be 0: the trainer draws its masks from streams of its own.
Needs torch >= 1.12 and numpy; the picture needs matplotlib. A check, no part of the product.
"""
import argparse
import json
import math
import sys
import time

import numpy
import torch
import torch.nn.functional as F

NORM_EPSILON = 1e-5
ROTARY_BASE = 10_000.0


class Model:
    """Pre-norm decoder-only Transformer without linear biases; matrices are [inputs, outputs]."""

    def __init__(self, cell, weights, dtype):
        shape = cell["model"]
        self.shape = shape
        self.parameters = {
            name: torch.tensor(weights[name], dtype=dtype, requires_grad=True) for name in weights.files
        }
        width, head = shape["width"], shape["width"] // shape["heads"]
        base = cell["training"].get("mupBaseWidth")
        self.width_ratio = width / base if base else 1.0
        self.logit_scale = 1 / self.width_ratio
        self.attention_scale = 8 / head if base else 1 / math.sqrt(head)
        positions = torch.arange(shape["context"], dtype=dtype)
        frequencies = ROTARY_BASE ** (-torch.arange(head // 2, dtype=dtype) * 2 / head)
        angles = positions[:, None] * frequencies
        self.cosine, self.sine = torch.cos(angles), torch.sin(angles)
        self.masked = torch.ones(shape["context"], shape["context"], dtype=torch.bool).triu(1)

    def norm(self, x, name):
        gain = self.parameters[name + ".gain"]
        if self.shape["normalization"] == "RMS_NORM":
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + NORM_EPSILON) * gain
        return F.layer_norm(x, x.shape[-1:], gain, self.parameters[name + ".bias"], NORM_EPSILON)

    def rotate(self, x):
        first, second = x.chunk(2, -1)
        return torch.cat([first * self.cosine - second * self.sine, second * self.cosine + first * self.sine], -1)

    def attention(self, x, block):
        sequences, context, width = x.shape
        packed = (x @ self.parameters[block + "attention.qkv"]).split(width, -1)
        q, k, v = (part.view(sequences, context, self.shape["heads"], -1).transpose(1, 2) for part in packed)
        if self.shape["positions"] == "ROTARY":
            q, k = self.rotate(q), self.rotate(k)
        scores = (q @ k.transpose(-1, -2) * self.attention_scale).masked_fill(self.masked, -math.inf)
        attended = (scores.softmax(-1) @ v).transpose(1, 2).reshape(sequences, context, width)
        return attended @ self.parameters[block + "attention.out"]

    def feed_forward(self, x, block):
        hidden = x @ self.parameters[block + "feedForward.up"]
        hidden = F.relu(hidden) ** 2 if self.shape["activation"] == "SQUARED_RELU" else F.gelu(hidden, approximate="tanh")
        return hidden @ self.parameters[block + "feedForward.down"]

    def losses(self, windows):
        """Each token's loss in nats for windows [sequences, context + 1]."""
        inputs, targets = windows[:, :-1], windows[:, 1:]
        x = self.parameters["tokenEmbedding"][inputs]
        if self.shape["positions"] == "LEARNED":
            x = x + self.parameters["positionEmbedding"]
        for layer in range(self.shape["layers"]):
            block = f"block.{layer}."
            x = x + self.attention(self.norm(x, block + "attentionNorm"), block)
            x = x + self.feed_forward(self.norm(x, block + "feedForwardNorm"), block)
        unembedding = self.parameters["tokenEmbedding" if self.shape["embeddings"] == "TIED" else "unembedding"]
        logits = self.norm(x, "finalNorm") @ unembedding.T * self.logit_scale
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)

    def evaluate(self, windows):
        with torch.no_grad():
            return sum(self.losses(part).sum().item() for part in windows.split(16)) / windows[:, 1:].numel()


def rate_factor(rule, step, steps):
    """Share of the peak learning rate at a step, from 1."""
    warmup = rule["warmupSteps"]
    factor = step / warmup if step < warmup else 1.0
    progress = min(1, max(0, (step - warmup) / max(1, steps - warmup)))
    schedule = rule["schedule"]
    if schedule["kind"] == "cosine":
        last = schedule["finalFraction"]
        return factor * (last + (1 - last) * (1 + math.cos(math.pi * progress)) / 2)
    if schedule["kind"] == "linear":
        return factor * (1 - (1 - schedule["finalFraction"]) * progress)
    if schedule["kind"] == "constant":
        return factor
    raise SystemExit(f"this check does not know the schedule {schedule['kind']}")


def train(arguments):
    with open(arguments.cell, encoding="utf-8") as file:
        cell = json.load(file)
    cell = cell.get("cell", cell)
    rule = cell["training"]
    if rule["dropout"] != 0:
        raise SystemExit("this check needs a cell without dropout")
    dtype = torch.float64 if arguments.double else torch.float32
    batches = numpy.load(arguments.batches)
    model = Model(cell, numpy.load(arguments.weights), dtype)
    groups = []
    for name, tensor in model.parameters.items():
        hidden = ".attention." in name or ".feedForward." in name
        scale = 1 / model.width_ratio if hidden else 1.0
        decay = 0.0 if name.endswith((".gain", ".bias")) else rule["weightDecay"]
        # A tensor with a smaller rate loses the same share a step as the others.
        groups.append({"params": [tensor], "scale": scale, "weight_decay": decay / scale})
    peak = rule["peakLearningRate"]
    optimiser = torch.optim.AdamW(groups, lr=peak, betas=(rule["beta1"], rule["beta2"]), eps=rule["epsilon"])
    held_out = {
        name[len("evaluation."):]: torch.from_numpy(batches[name].astype(numpy.int64))
        for name in batches.files if name.startswith("evaluation.")
    }
    losses, norms, evaluations = [], [], []
    training = batches["training"]
    begin = time.time()
    for step, tokens in enumerate(training, 1):
        loss = model.losses(torch.from_numpy(tokens.astype(numpy.int64))).mean()
        optimiser.zero_grad()
        loss.backward()
        tensors = list(model.parameters.values())
        norm = torch.sqrt(sum(tensor.grad.pow(2).sum() for tensor in tensors)).item()
        if rule["gradientClip"] and norm > rule["gradientClip"]:
            for tensor in tensors:
                tensor.grad.mul_(rule["gradientClip"] / norm)
        for group in optimiser.param_groups:
            group["lr"] = peak * group["scale"] * rate_factor(rule, step, cell["data"]["steps"])
        optimiser.step()
        losses.append(loss.item())
        norms.append(norm)
        if step == len(training) or arguments.evaluate_every and step % arguments.evaluate_every == 0:
            row = {"step": step, **{name: model.evaluate(windows) for name, windows in held_out.items()}}
            evaluations.append(row)
            print(f"{time.time() - begin:8.1f} s", row, file=sys.stderr, flush=True)
            # Again each time, so that a run cut short can be compared as far as it went.
            with open(arguments.losses, "w", encoding="utf-8") as file:
                json.dump({"loss": losses, "gradientNorm": norms, "evaluations": evaluations}, file, indent=1)
                file.write("\n")


def compare(arguments):
    ours, our_evaluations = {}, {}
    with open(arguments.frames, encoding="utf-8") as file:
        for frame in map(json.loads, file):
            if frame.get("frame") == "steps":
                ours.update((frame["firstStep"] + i, loss) for i, loss in enumerate(frame["loss"]))
            elif frame.get("frame") == "evaluation":
                our_evaluations[frame["step"], frame["set"]] = frame["loss"]
    with open(arguments.losses, encoding="utf-8") as file:
        peer = json.load(file)
    steps = range(1, len(peer["loss"]) + 1)
    gaps = [abs(ours[step] - peer["loss"][step - 1]) for step in steps]
    for end in [10, 100, 500, 1000, 2000, 5000, len(gaps)]:
        if end <= len(gaps):
            print(f"steps 1..{end}: largest gap of the training losses {max(gaps[:end]):.2e} nats")
    print(f"last step: {ours[len(gaps)]:.5f} ours, {peer['loss'][-1]:.5f} peer")
    for row in peer["evaluations"]:
        for name, loss in row.items():
            if name != "step" and (row["step"], name) in our_evaluations:
                own = our_evaluations[row["step"], name]
                print(f"step {row['step']}, {name}: {own:.5f} ours, {loss:.5f} peer, gap {abs(own - loss):.2e} nats")
    if arguments.picture:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
        figure, (curves, difference) = pyplot.subplots(2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 1))
        curves.plot(steps, peer["loss"], label="PyTorch", linewidth=2, color="tab:orange")
        curves.plot(steps, [ours[step] for step in steps], label="PowerSweep", linewidth=0.7, color="tab:blue")
        for label, colour, points in [
                ("PyTorch, validation", "tab:red", [(r["step"], r["validation"]) for r in peer["evaluations"]]),
                ("PowerSweep, validation", "black",
                 sorted((step, loss) for (step, name), loss in our_evaluations.items() if name == "validation"))]:
            curves.plot(*zip(*points), marker="o" if colour == "black" else "s", linestyle="none", label=label,
                        color=colour, markersize=4 if colour == "black" else 7)
        curves.set_ylabel("loss, nats/token")
        curves.legend()
        difference.semilogy(steps, [max(gap, 1e-9) for gap in gaps], linewidth=0.7)
        difference.set_ylabel("|difference|, nats")
        difference.set_xlabel("step")
        figure.tight_layout()
        figure.savefig(arguments.picture, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    training = verbs.add_parser("train")
    for name in ["cell", "weights", "batches", "losses"]:
        training.add_argument(name)
    training.add_argument("--double", action="store_true", help="double precision, for golden numbers")
    training.add_argument("--evaluate-every", type=int, default=0, metavar="N", help="steps; the last is always scored")
    training.set_defaults(run=train)
    comparison = verbs.add_parser("compare")
    comparison.add_argument("frames")
    comparison.add_argument("losses")
    comparison.add_argument("picture", nargs="?")
    comparison.set_defaults(run=compare)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
