"""A character model in NumPy: one hidden layer over the last CONTEXT tokens. By docs/any-trainer.md, without powersweep.py."""

import json
import os

import numpy as np

ENV = os.environ
WIDTH, CONTEXT = int(ENV["POWERSWEEP_HIDDEN"]), int(ENV["POWERSWEEP_CONTEXT"])
VOCABULARY, STEPS = int(ENV["POWERSWEEP_VOCABULARY"]), int(ENV["POWERSWEEP_STEPS"])
BATCH, RATE = int(ENV["POWERSWEEP_BATCH_TOKENS"]), float(ENV["POWERSWEEP_LEARNING_RATE"])
EMBEDDING = 8


def say(frame, **values):
    with open(ENV["POWERSWEEP_FRAMES"], "a", encoding="utf-8") as out:
        out.write(json.dumps({"frame": frame, **values}) + "\n")


def tokens(name):
    return np.memmap(ENV[name], dtype=np.dtype(ENV["POWERSWEEP_TOKEN_TYPE"]), mode="r")


def windows(data, at):
    return np.stack([data[i : i + CONTEXT] for i in at]).astype(int), data[at + CONTEXT].astype(int)


def forward(model, inputs, targets):
    embedded = model["embedding"][inputs].reshape(len(inputs), -1)
    hidden = np.tanh(embedded @ model["in"])
    logits = hidden @ model["out"]
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    losses = -np.log(shares[np.arange(len(targets)), targets] + 1e-30)
    return losses, embedded, hidden, shares


def gradients(model, inputs, targets):
    losses, embedded, hidden, shares = forward(model, inputs, targets)
    shares[np.arange(len(targets)), targets] -= 1
    shares /= len(targets)
    back = (shares @ model["out"].T) * (1 - hidden**2)
    embedding = np.zeros_like(model["embedding"])
    np.add.at(embedding, inputs.reshape(-1), (back @ model["in"].T).reshape(-1, EMBEDDING))
    return losses.mean(), {"embedding": embedding, "in": embedded.T @ back, "out": hidden.T @ shares}


seed = int(ENV["POWERSWEEP_RANDOM_SEED"])
start = np.random.default_rng(seed)
model = {
    "embedding": start.normal(0, 0.3, (VOCABULARY, EMBEDDING)),
    "in": start.normal(0, (CONTEXT * EMBEDDING) ** -0.5, (CONTEXT * EMBEDDING, WIDTH)),
    "out": start.normal(0, WIDTH**-0.5, (WIDTH, VOCABULARY)),
}
first = int(ENV["POWERSWEEP_RESUME_STEP"])
if first:
    with np.load(ENV["POWERSWEEP_RESUME_FROM"]) as stored:
        model = {name: stored[name] for name in stored.files}
say("model", parameters=model["in"].size + model["out"].size, totalParameters=sum(w.size for w in model.values()))
train, held_out = tokens("POWERSWEEP_TRAIN_FILE"), tokens("POWERSWEEP_VALIDATION_FILE")
for step in range(first + 1, STEPS + 1):
    random = np.random.default_rng([seed, step])
    loss, slopes = gradients(model, *windows(train, random.integers(0, len(train) - CONTEXT - 1, BATCH)))
    norm = float(np.sqrt(sum((slope**2).sum() for slope in slopes.values())))
    for name, slope in slopes.items():
        model[name] -= RATE * slope
    say("step", step=step, loss=float(loss), learning_rate=RATE, gradient_norm=norm)
    if step % 100 == 0 and step < STEPS:
        path = os.path.join(ENV["POWERSWEEP_CHECKPOINTS"], f"step-{step}.npz")
        np.savez(path, **model)
        say("checkpoint", step=step, path=path)
at = np.linspace(0, len(held_out) - CONTEXT - 2, 2000).astype(int)
losses = forward(model, *windows(held_out, at))[0]
say("evaluation", loss=float(losses.mean()), standard_error=float(losses.std() / len(losses) ** 0.5), tokens=len(losses))
