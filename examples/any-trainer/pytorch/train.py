"""A GPT in PyTorch after nanoGPT's train.py, on the CPU. Lines that PowerSweep needs are marked with  # <-"""

import os

import numpy as np
import powersweep  # <-
import torch
from torch import nn
from torch.nn import functional as F

run = powersweep.run()  # <-
n_layer, n_head, n_embd, block_size = run.layers, run.heads, run.width, run.context  # <-
batch_size, vocab_size = run.batch_sequences, run.vocabulary  # <-
max_iters, learning_rate, warmup_iters = run.steps, run.learning_rate, run.warmup_steps  # <-
train_file, val_file, dtype = run.train_file, run.validation_file, run.token_type  # <-
torch.manual_seed(run.random_seed)  # <-


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.proj = nn.Linear(n_embd, n_embd, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd, bias=False), nn.GELU(), nn.Linear(4 * n_embd, n_embd, bias=False)
        )

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, n_head, C // n_head).transpose(1, 2) for part in self.attn(self.ln_1(x)).split(C, 2))
        scores = (q @ k.transpose(-2, -1)) * k.shape[-1] ** -0.5
        future = torch.ones(T, T, dtype=torch.bool).triu(1)
        y = scores.masked_fill(future, float("-inf")).softmax(-1) @ v
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, n_embd), nn.Embedding(block_size, n_embd)
        self.blocks = nn.ModuleList(Block() for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.shape[1]))
        for block in self.blocks:
            x = block(x)
        logits = self.ln_f(x) @ self.wte.weight.T
        return F.cross_entropy(logits.view(-1, vocab_size), targets.reshape(-1))


def get_batch(file, ix):
    data = np.memmap(file, dtype=dtype, mode="r")
    rows = torch.stack([torch.from_numpy(data[i : i + block_size + 1].astype(np.int64)) for i in ix])
    return rows[:, :-1], rows[:, 1:]


def get_lr(it):
    return learning_rate * min(1.0, it / max(1, warmup_iters))


@torch.no_grad()
def estimate_loss():
    length = os.path.getsize(val_file) // np.dtype(dtype).itemsize
    ix = np.linspace(0, length - block_size - 1, 64).astype(int)
    return model(*get_batch(val_file, ix)).item()


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(run.beta1, run.beta2), weight_decay=0.1)
if run.resume_from:  # <-
    state = torch.load(run.resume_from, weights_only=True)  # <-
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
length = os.path.getsize(train_file) // np.dtype(dtype).itemsize
for it in range(run.resume_step + 1, max_iters + 1):  # <-
    ix = np.random.default_rng([run.random_seed, it]).integers(0, length - block_size - 1, batch_size)
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    loss = model(*get_batch(train_file, ix))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    run.step(it, loss.detach(), learningRate=get_lr(it), gradientNorm=norm)  # <-
    if run.checkpoint_due():  # <-
        path = run.checkpoint_path(it, ".pt")  # <-
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
        run.checkpoint(it, path)  # <-
run.evaluation(loss=estimate_loss())  # <-
