#!/usr/bin/env python3
"""Training throughput of a small decoder-only transformer in PyTorch.

    peer.py LAYERS,WIDTH,HEADS,CONTEXT,BATCH,VOCABULARY ... --seconds S

For every shape, precision and way of running the step, prints one line of JSON
as soon as it is measured.
"""
import time

START = time.monotonic()

import argparse
import functools
import gc
import inspect
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import traceback
import warnings
from typing import NamedTuple

if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="peer-inductor-")

import torch
import torch.nn as nn
import torch.nn.functional as F

LR = 3e-4
BETA1, BETA2, EPS, DECAY = 0.9, 0.95, 1e-8, 0.1
CLIP = 1.0
POOL = 1 << 20  # tokens in the resident pool
PLAN = 256  # steps whose windows are drawn beforehand
WARM = 6  # steps before anything is captured or timed
WINDOWS = 3

# Most important first.
SINGLE_WAYS = ("eager", "graph", "compile+graph", "compile", "compile-graph")
CELLS_WAYS = ("bmm-graph", "bmm-compile-graph", "vmap-graph")
WAYS = SINGLE_WAYS[:3] + CELLS_WAYS + SINGLE_WAYS[3:]
PRECISIONS = ("bf16", "fp32", "tf32")


class Shape(NamedTuple):
    layers: int
    width: int
    heads: int
    context: int
    batch: int
    vocabulary: int

    def __str__(self):
        return ",".join(map(str, self))


class RowTimeout(BaseException):
    """Not an Exception, so that no compiler takes it for a failure of its own."""


# ---------------------------------------------------------------- parameters


def sizes(shape):
    """Parameter sizes by name, the matrices first."""
    width = shape.width
    matrices = {"wte.weight": (shape.vocabulary, width)}
    others = {"wpe.weight": (shape.context, width)}
    for i in range(shape.layers):
        block = f"blocks.{i}."
        matrices[block + "qkv.weight"] = (3 * width, width)
        matrices[block + "proj.weight"] = (width, width)
        matrices[block + "fc.weight"] = (4 * width, width)
        matrices[block + "out.weight"] = (width, 4 * width)
        for norm in ("ln1", "ln2"):
            others[block + norm + ".weight"] = (width,)
            others[block + norm + ".bias"] = (width,)
    others["ln.weight"] = (width,)
    others["ln.bias"] = (width,)
    return {**matrices, **others}


def count(shape):
    return sum(math.prod(size) for size in sizes(shape).values())


@functools.lru_cache(maxsize=64)
def initial(shape, cell):
    """Initial parameters of one cell, on the host."""
    generator = torch.Generator().manual_seed(100 + cell)
    state = {}
    for name, size in sizes(shape).items():
        if len(size) == 1:
            state[name] = torch.ones(size) if name.endswith("weight") else torch.zeros(size)
        else:
            residual = name.endswith(("proj.weight", "out.weight"))
            std = 0.02 / math.sqrt(2 * shape.layers) if residual else 0.02
            state[name] = torch.randn(size, generator=generator) * std
    return state


# ---------------------------------------------------------------- data


class Data:
    """Windows gathered from a pool of random tokens that stays on the device."""

    def __init__(self, shape, cells, device, only=None):
        generator = torch.Generator().manual_seed(1)
        pool = torch.randint(shape.vocabulary, (POOL,), generator=generator)
        starts = torch.randint(POOL - shape.context, (PLAN, cells * shape.batch), generator=generator)
        if only is not None:
            starts = starts[:, only * shape.batch : (only + 1) * shape.batch].contiguous()
        self.pool = pool.to(device)
        self.starts = starts.to(device)
        self.span = torch.arange(shape.context + 1, device=device)
        self.at = torch.zeros(1, dtype=torch.long, device=device)
        self.steps = 0

    def gather(self, starts):
        window = self.pool[starts[:, None] + self.span]
        return window[:, :-1], window[:, 1:]

    def by_host(self):
        starts = self.starts[self.steps % PLAN]
        self.steps += 1
        return self.gather(starts)

    def by_device(self):
        """The step is counted on the device, so that a captured graph moves on."""
        starts = self.starts.index_select(0, self.at)[0]
        self.at.add_(1).remainder_(PLAN)
        return self.gather(starts)


# ---------------------------------------------------------------- the model


def attend_plain(q, k, v, mask):
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5 + mask
    return torch.softmax(scores, -1).to(v.dtype) @ v


def attend_sdpa(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


HAS_SDPA = hasattr(F, "scaled_dot_product_attention")
ATTEND = {"sdpa": attend_sdpa, "plain": attend_plain}
DEFAULT_ATTENTION = "sdpa" if HAS_SDPA else "plain"


def causal_mask(shape, device, attention):
    if attention == "sdpa":
        return None
    return torch.full((shape.context, shape.context), -math.inf, device=device).triu(1)


class Block(nn.Module):
    def __init__(self, shape, attention, mask):
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attend = ATTEND[attention]
        self.mask = mask
        self.ln1 = nn.LayerNorm(width, device="meta")
        self.qkv = nn.Linear(width, 3 * width, bias=False, device="meta")
        self.proj = nn.Linear(width, width, bias=False, device="meta")
        self.ln2 = nn.LayerNorm(width, device="meta")
        self.fc = nn.Linear(width, 4 * width, bias=False, device="meta")
        self.out = nn.Linear(4 * width, width, bias=False, device="meta")

    def forward(self, h, batch, context):
        width = h.shape[-1]
        qkv = self.qkv(self.ln1(h)).view(batch, context, 3 * width)
        q, k, v = (
            part.view(batch, context, self.heads, width // self.heads).transpose(1, 2)
            for part in qkv.split(width, dim=2)
        )
        a = self.attend(q, k, v, self.mask).transpose(1, 2).reshape(batch * context, width)
        h = h + self.proj(a)
        return h + self.out(F.gelu(self.fc(self.ln2(h))))


class GPT(nn.Module):
    """One cell; the loss is computed inside forward. Activations are [tokens, width].
    The parameters are left for the caller to fill."""

    def __init__(self, shape, device, attention=DEFAULT_ATTENTION):
        super().__init__()
        mask = causal_mask(shape, device, attention)
        self.wte = nn.Embedding(shape.vocabulary, shape.width, device="meta")
        self.wpe = nn.Embedding(shape.context, shape.width, device="meta")
        self.blocks = nn.ModuleList(Block(shape, attention, mask) for _ in range(shape.layers))
        self.ln = nn.LayerNorm(shape.width, device="meta")
        self.to_empty(device=device)

    def forward(self, x, y):
        batch, context = x.shape
        h = (self.wte(x) + self.wpe.weight).view(batch * context, -1)
        for block in self.blocks:
            h = block(h, batch, context)
        logits = F.linear(self.ln(h), self.wte.weight)
        return F.cross_entropy(logits, y.reshape(-1))


def autocast(device, precision):
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=precision == "bf16", cache_enabled=False
    )


def adamw(params, device, capturable):
    options = dict(fused=True, capturable=capturable) if device.type == "cuda" else {}
    return torch.optim.AdamW(params, lr=LR, betas=(BETA1, BETA2), eps=EPS, weight_decay=DECAY, **options)


FOREACH = (
    {"foreach": True} if "foreach" in inspect.signature(nn.utils.clip_grad_norm_).parameters else {}
)


def compiled(function, mode=None):
    return torch.compile(function, dynamic=False, mode=mode)


# ---------------------------------------------------------------- one cell


class Single:
    def __init__(self, shape, precision, device, capturable=False, compile=False, mode=None, data=None, cell=0):
        self.device, self.precision = device, precision
        self.trees = mode == "reduce-overhead"
        self.data = data or Data(shape, 1, device)
        self.model = GPT(shape, device)
        self.model.load_state_dict(initial(shape, cell))
        self.params = list(self.model.parameters())
        self.optimizer = adamw(self.params, device, capturable)
        self.forward = compiled(self.model, mode) if compile else self.model
        self.losses = None

    def clip(self):
        nn.utils.clip_grad_norm_(self.params, CLIP, **FOREACH)

    def step(self):
        if self.trees:
            torch.compiler.cudagraph_mark_step_begin()
        x, y = self.data.by_host()
        with autocast(self.device, self.precision):
            loss = self.forward(x, y)
        loss.backward()
        self.clip()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.losses = loss.detach().clone() if self.trees else loss.detach()

    def static_step(self):
        """The step for capture: no host state, and gradients taken by
        autograd.grad, so that no accumulation node remembers another stream."""
        x, y = self.data.by_device()
        with autocast(self.device, self.precision):
            loss = self.forward(x, y)
        for p, g in zip(self.params, torch.autograd.grad(loss, self.params)):
            p.grad = g.contiguous()
        self.clip()
        self.optimizer.step()
        self.losses = loss.detach()


# ---------------------------------------------------------------- many cells, vmap

try:
    from torch.func import functional_call, grad_and_value, vmap
except ImportError:
    try:
        from functorch import grad_and_value, vmap
        from torch.nn.utils.stateless import functional_call
    except ImportError:
        vmap = None


class Vmap:
    def __init__(self, shape, cells, precision, device, attention=DEFAULT_ATTENTION):
        self.shape, self.cells = shape, cells
        self.data = Data(shape, cells, device)
        model = GPT(shape, device, attention)
        # As torch.func.stack_module_state, without building every module. The
        # stacked parameters need no grad of their own: grad_and_value asks for it.
        self.params = {
            name: torch.stack([initial(shape, cell)[name] for cell in range(cells)]).to(device)
            for name in sizes(shape)
        }
        for p in self.params.values():
            p.grad = torch.zeros_like(p)
        self.optimizer = adamw(list(self.params.values()), device, True)

        def loss(params, x, y):
            with autocast(device, precision):
                return functional_call(model, params, (x, y))

        self.function = vmap(grad_and_value(loss), in_dims=(0, 0, 0))
        self.losses = None

    def static_step(self):
        shape = self.shape
        x, y = (t.view(self.cells, shape.batch, shape.context) for t in self.data.by_device())
        grads, losses = self.function(self.params, x, y)
        with torch.no_grad():
            norms = torch.stack(
                [torch.linalg.vector_norm(g, dim=tuple(range(1, g.dim()))) for g in grads.values()]
            )
            scale = (CLIP / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
            for name, p in self.params.items():
                g = grads[name]
                torch.mul(g, scale.view(-1, *[1] * (g.dim() - 1)), out=p.grad)
            self.optimizer.step()
        self.losses = losses.detach()


# ---------------------------------------------------------------- many cells, batched by hand


def batched_loss(shape, cells, low, attention, mask):
    """Loss of all cells: every weight has a leading cell dimension."""
    layers, width, heads, context, batch, vocabulary = shape
    tokens = batch * context
    attend = ATTEND[attention]

    def normed(h, w, name):
        n = F.layer_norm(h, (width,))
        return torch.addcmul(w[name + ".bias"].unsqueeze(1), n, w[name + ".weight"].unsqueeze(1)).to(low)

    def loss(w, table, x, y, offsets):
        h = table.index_select(0, (x + offsets).reshape(-1)).view(cells, batch, context, width)
        h = (h + w["wpe.weight"].unsqueeze(1)).view(cells, tokens, width)
        for i in range(layers):
            block = f"blocks.{i}."
            qkv = torch.bmm(normed(h, w, block + "ln1"), w[block + "qkv.weight"])
            q, k, v = [
                part.view(cells * batch, context, heads, width // heads).transpose(1, 2)
                for part in qkv.view(cells * batch, context, 3 * width).split(width, dim=2)
            ]
            a = attend(q, k, v, mask).transpose(1, 2).reshape(cells, tokens, width)
            h = h + torch.bmm(a, w[block + "proj.weight"])
            m = F.gelu(torch.bmm(normed(h, w, block + "ln2"), w[block + "fc.weight"]))
            h = h + torch.bmm(m, w[block + "out.weight"])
        logits = torch.bmm(normed(h, w, "ln"), w["wte.weight"].transpose(1, 2))
        each = F.cross_entropy(logits.view(-1, vocabulary).float(), y.reshape(-1), reduction="none")
        return each.view(cells, tokens).mean(1)

    return loss


def clip_scales(g, order):
    """Clipping factor per cell of gradients in rows; order[c] are the rows of cell c."""
    rows = torch.linalg.vector_norm(g, dim=1)
    norms = torch.linalg.vector_norm(rows[order], dim=1)
    return (CLIP / (norms + 1e-6)).clamp(max=1.0)


def update_by_hand(p, g, m, v, low, t, order, cell_of_row):
    """Clipping, AdamW and the low-precision copy in one function, for the compiler."""
    g = g * clip_scales(g, order)[cell_of_row].unsqueeze(1)
    t.add_(1)
    m.mul_(BETA1).add_(g, alpha=1 - BETA1)
    v.mul_(BETA2).add_(g * g, alpha=1 - BETA2)
    step = LR / (1 - torch.pow(BETA1, t))
    root = torch.sqrt(1 - torch.pow(BETA2, t))
    p.mul_(1 - LR * DECAY).sub_(step * m / (v.sqrt() / root + EPS))
    if low is not None:
        low.copy_(p)


class Batched:
    """All parameters of all cells lie in one flat buffer, each parameter a
    contiguous [cells, ...] piece of it. Every size has the width as a factor, so
    the buffer is also rows of that width, each row of one cell."""

    def __init__(self, shape, cells, precision, device, hand=False, compile=False):
        self.shape, self.cells = shape, cells
        self.data = Data(shape, cells, device)
        total = cells * count(shape)
        low_dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.flat = torch.empty(total, device=device)
        self.grad = torch.zeros(total, device=device)
        self.low = torch.empty(total, device=device, dtype=low_dtype) if precision == "bf16" else None
        self.views, self.grad_views, self.leaves = {}, {}, {}
        owners = []
        at = 0
        for name, size in sizes(shape).items():
            flip = name.startswith("blocks.") and len(size) == 2  # kept as [in, out]
            size = tuple(reversed(size)) if flip else size
            length = cells * math.prod(size)
            piece = slice(at, at + length)
            at += length
            view = self.flat[piece].view(cells, *size)
            for cell in range(cells):
                source = initial(shape, cell)[name]
                view[cell].copy_(source.t() if flip else source)
            self.views[name] = view
            self.grad_views[name] = self.grad[piece].view(cells, *size)
            matrix = flip or name == "wte.weight"
            used = view if self.low is None or not matrix else self.low[piece].view(cells, *size)
            self.leaves[name] = used.detach().requires_grad_()
            rows = length // cells // shape.width
            owners.append(torch.arange(cells).repeat_interleave(rows))
        # The embedding is looked up in full precision, as autocast does.
        self.table = self.views["wte.weight"].view(-1, shape.width).detach().requires_grad_()
        self.grad_table = self.grad_views["wte.weight"].view(-1, shape.width)
        self.offsets = (torch.arange(cells, device=device) * shape.vocabulary).view(-1, 1, 1)
        owner = torch.cat(owners)
        self.owner = owner.to(device)
        self.ones = torch.ones(cells, device=device)
        self.order = torch.sort(owner, stable=True)[1].view(cells, -1).to(device)
        if self.low is not None:
            self.low.copy_(self.flat)

        attention = DEFAULT_ATTENTION
        mask = causal_mask(shape, device, attention)
        self.loss = batched_loss(shape, cells, low_dtype, attention, mask)
        self.hand = hand
        if hand:
            moments = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
            buffers = (self.flat, self.grad, *moments, self.low)
            self.state = [None if b is None else b.view(-1, shape.width) for b in buffers]
            self.t = torch.zeros((), device=device)
            self.update = update_by_hand
        else:
            self.flat.grad = self.grad
            self.optimizer = adamw([self.flat], device, True)
        if compile:
            self.loss = compiled(self.loss)
            if hand:
                self.update = compiled(self.update)
        self.losses = None

    def collect(self, grads):
        """Gradients into the flat buffer."""
        *grads, looked_up = grads
        pairs = [(self.grad_table, looked_up)]
        for name, g in zip(self.leaves, grads):
            if name == "wte.weight":
                unembedding = g
            else:
                pairs.append((self.grad_views[name], g))
        groups = {}
        for to, g in pairs:
            together = hasattr(torch, "_foreach_copy_") and g.is_contiguous()
            if together:
                groups.setdefault(g.dtype, []).append((to, g))
            else:
                to.copy_(g)
        for group in groups.values():
            torch._foreach_copy_([to for to, _ in group], [g for _, g in group])
        self.grad_views["wte.weight"].add_(unembedding)

    def static_step(self):
        shape = self.shape
        x, y = (t.view(self.cells, shape.batch, shape.context) for t in self.data.by_device())
        losses = self.loss(self.leaves, self.table, x, y, self.offsets)
        grads = torch.autograd.grad(losses, [*self.leaves.values(), self.table], self.ones)
        with torch.no_grad():
            self.collect(grads)
            if self.hand:
                self.update(*self.state, self.t, self.order, self.owner)
            else:
                g = self.grad.view(-1, shape.width)
                g.mul_(clip_scales(g, self.order)[self.owner].unsqueeze(1))
                self.optimizer.step()
                if self.low is not None:
                    self.low.copy_(self.flat)
        self.losses = losses.detach()


# ---------------------------------------------------------------- measuring


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def captured(step, device):
    """Warms the step up and captures it whole; returns what replays it."""
    if device.type != "cuda":
        for _ in range(WARM):
            step()
        return step
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    gc.collect()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        step()
    for _ in range(2):
        graph.replay()
    return graph.replay


def timed(run, steps, device):
    synchronize(device)
    begin = time.perf_counter()
    for _ in range(steps):
        run()
    synchronize(device)
    return time.perf_counter() - begin


def seconds_per_step(run, device, enough):
    """Doubles the steps until they take long enough to be believed."""
    steps = 2
    while True:
        taken = timed(run, steps, device)
        if taken >= enough or steps >= 1 << 16:
            return taken / steps
        steps = min(1 << 16, max(2 * steps, math.ceil(1.2 * steps * enough / max(taken, 1e-9))))


class Row(NamedTuple):
    shape: Shape
    precision: str
    way: str
    cells: int

    def key(self):
        return {"shape": str(self.shape), "way": self.way, "precision": self.precision, "cells": self.cells}


def build(row, device, attention):
    """Returns the program and the function that warms it up and gives the step to time."""
    shape, precision, way, cells = row
    if way in ("eager", "compile", "compile-graph"):
        mode = "reduce-overhead" if way == "compile-graph" else None
        program = Single(shape, precision, device, compile=way != "eager", mode=mode)

        def warm():
            for _ in range(WARM):
                program.step()
            return program.step

        return program, warm
    if way in ("graph", "compile+graph"):
        program = Single(shape, precision, device, capturable=True, compile=way != "graph")
    elif way == "vmap-graph":
        program = Vmap(shape, cells, precision, device, attention)
    elif way == "bmm-graph":
        program = Batched(shape, cells, precision, device)
    elif way == "bmm-compile-graph":
        program = Batched(shape, cells, precision, device, hand=True, compile=True)
    else:
        raise ValueError("unknown way " + way)
    return program, lambda: captured(program.static_step, device)


def measure(row, device, seconds, deadline, attention=DEFAULT_ATTENTION, beat=0.0):
    """Measures one row; gives up after the first look where it cannot beat a rate."""
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    program, warm = build(row, device, attention)
    synchronize(device)
    begin = time.perf_counter()
    run = warm()
    synchronize(device)
    warm_up = time.perf_counter() - begin

    tokens = row.cells * row.shape.batch * row.shape.context
    each = seconds_per_step(run, device, min(0.2, seconds / 4))
    if tokens / each < beat:
        return {"tokens_per_s": tokens / each}
    steps = max(3, round(seconds / each))
    windows = []
    for _ in range(WINDOWS):
        windows.append(timed(run, steps, device) / steps)
        if time.monotonic() > deadline:
            break
    each = statistics.median(windows)
    loss = float(program.losses.float().mean())
    extra = {}
    if row.way == "compile-graph":
        extra["cudagraph_skips"] = cudagraph_skips()
    return {
        "tokens_per_s": tokens / each,
        "ms_per_step": round(each * 1e3, 4),
        "windows_ms": [round(w * 1e3, 4) for w in windows],
        "steps": steps,
        "warm_up_s": round(warm_up, 2),
        "max_memory_mib": round(torch.cuda.max_memory_allocated() / 2**20) if cuda else None,
        "final_loss": round(loss, 4) if math.isfinite(loss) else str(loss),
        **extra,
    }


def cudagraph_skips():
    """How often the compiler declined to use a graph, so far in this process."""
    try:
        from torch._dynamo.utils import counters

        return counters["inductor"]["cudagraph_skips"]
    except Exception:
        return None


def tidy(device):
    """Lets go of everything the last row held."""
    gc.collect()
    if "torch._inductor.cudagraph_trees" in sys.modules:
        try:
            sys.modules["torch._inductor.cudagraph_trees"].reset_cudagraph_trees()
        except Exception:
            pass
    if "torch._dynamo" in sys.modules:
        try:
            torch._dynamo.reset()
        except Exception:
            pass
    gc.collect()
    if device.type == "cuda":
        try:
            torch.cuda.synchronize()
            torch._C._cuda_clearCublasWorkspaces()
        except Exception:
            pass
        try:
            torch.cuda.empty_cache()
        except Exception:
            pass


def explain(error):
    """One line for an error and what it hid (a failed capture hides its cause)."""
    parts = []
    while error is not None and len(parts) < 3:
        text = " ".join(str(error).split())
        parts.append(f"{type(error).__name__}: {text[:300]}")
        error = error.__cause__ or error.__context__
    return " <- ".join(parts)


def measure_vmap(row, device, seconds, deadline):
    """Both forms of attention; the faster is reported."""
    best, seen = None, {}
    for attention in ("sdpa", "plain") if HAS_SDPA else ("plain",):
        try:
            result = measure(row, device, seconds, deadline, attention, best["tokens_per_s"] if best else 0.0)
            seen[attention] = round(result["tokens_per_s"], 1)
            if best is None or result["tokens_per_s"] > best["tokens_per_s"] and "ms_per_step" in result:
                best = {**result, "attention": attention}
        except RowTimeout:
            if best is None:
                raise
            seen[attention] = "timeout"
            break
        except Exception as error:
            traceback.print_exc()
            seen[attention] = explain(error)
        tidy(device)
        if time.monotonic() > deadline and best:
            break
    if best is None:
        raise RuntimeError(json.dumps(seen))
    return {**best, "tried": seen}


def emit(record):
    print(json.dumps(record), flush=True)


def set_precision(precision):
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


def run_row(row, device, name, seconds, deadline, limit):
    record = {**row.key()}
    begin = time.perf_counter()

    def ring(signum, frame):
        raise RowTimeout(f"no result within {limit} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(max(1, int(limit)))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            set_precision(row.precision)
            if device.type == "cuda":
                # Parameters, gradients and two moments must fit, at the least.
                need, have = 16 * row.cells * count(row.shape), torch.cuda.mem_get_info()[1]
                if need > have:
                    raise MemoryError(f"{need >> 20} MiB of training state, {have >> 20} MiB of memory")
            if row.way == "vmap-graph":
                result = measure_vmap(row, device, seconds, deadline)
            else:
                result = measure(row, device, seconds, deadline)
        result["tokens_per_s"] = round(result["tokens_per_s"], 1)
        record.update(result)
    except (Exception, RowTimeout) as error:
        signal.alarm(0)
        traceback.print_exc()
        record["error"] = explain(error)
    finally:
        signal.alarm(0)
    notes = []
    for warning in caught:
        text = " ".join(str(warning.message).split())[:160]
        if "capturable=True" not in text and text not in notes:
            notes.append(text)
    if notes:
        record["warnings"] = notes[:4]
    record["row_s"] = round(time.perf_counter() - begin, 2)
    record["torch"] = torch.__version__
    record["gpu"] = name
    emit(record)


def healthy(device):
    """Whether the device still works: an error, or a failed capture, may have spoilt it."""
    if device.type != "cuda":
        return True
    try:
        torch.cuda.synchronize()
        torch.randn(8, device=device).sum().item()
        return not torch.cuda.is_current_stream_capturing()
    except Exception:
        return False


def driver_version():
    try:
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.split("\n")[0].strip()
    except Exception:
        try:
            with open("/proc/driver/nvidia/version") as file:
                return file.readline().strip()
        except OSError:
            return None


def introduce(device, name):
    record = {"gpu": name, "driver": driver_version(), "torch": torch.__version__, "cuda": torch.version.cuda}
    if device.type == "cuda":
        try:
            record["capability"] = list(torch.cuda.get_device_capability())
            record["memory_mib"] = torch.cuda.get_device_properties(0).total_memory >> 20
            record["cudnn"] = torch.backends.cudnn.version()
        except Exception as error:
            record["note"] = explain(error)
    try:
        import triton

        record["triton"] = triton.__version__
    except Exception as error:
        record["triton"] = explain(error)
    # Triton builds small host libraries: without these the compile rows fail.
    compilers = [os.environ.get("CC"), "gcc", "clang", "cc"]
    record["host_compiler"] = next((c for c in compilers if c and shutil.which(c)), None)
    record["python_headers"] = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
    record["python"] = sys.version.split()[0]
    record["start_s"] = round(time.monotonic() - START, 2)
    emit(record)


# ---------------------------------------------------------------- checking


def check():
    """Few steps of a tiny shape on the CPU: every way against independent models."""
    global LR, CLIP
    LR, CLIP = 3e-3, 0.5
    steps, cells = 3, 3
    device = torch.device("cpu")
    shape = Shape(2, 32, 4, 16, 3, 50)
    failures = 0

    def losses(program, step, steps=steps):
        seen = []
        for _ in range(steps):
            step()
            seen.append(program.losses.float().reshape(-1))
        return torch.stack(seen)

    def one_by_one(precision, static, **options):
        columns, models = [], []
        for cell in range(cells):
            data = Data(shape, cells, device, only=cell)
            program = Single(shape, precision, device, data=data, cell=cell, **options)
            columns.append(losses(program, program.static_step if static else program.step))
            models.append(program)
        return torch.cat(columns, 1), models

    def many(make):
        program = make()
        return losses(program, program.static_step), program

    can_compile = hasattr(torch, "compile")
    for precision, tolerance in (("fp32", 1e-4), ("bf16", 3e-2)):
        expected, _ = one_by_one(precision, False)
        _, models = one_by_one(precision, True)
        emit({"check": "independent models", "precision": precision, "loss": [round(float(v), 5) for v in expected.mean(1)]})

        def compare(program):
            """Largest differences of parameters and clipped gradients after the last step."""
            worst = {"max_parameter_difference": 0.0}
            for cell, model in enumerate(models):
                for name, want in model.model.named_parameters():
                    if isinstance(program, Batched):
                        pair = program.views[name][cell], program.grad_views[name][cell]
                        if name.startswith("blocks.") and want.dim() == 2:
                            pair = [t.t() for t in pair]
                    else:
                        pair = program.params[name][cell], program.params[name].grad[cell]
                    pairs = {"max_parameter_difference": (pair[0], want.detach())}
                    if not getattr(program, "hand", False):  # there the clipped one is never stored
                        pairs["max_gradient_difference"] = (pair[1], want.grad)
                    for key, (got, wanted) in pairs.items():
                        worst[key] = max(worst.get(key, 0.0), float((got - wanted).abs().max()))
            return worst

        trials = {
            "graph": lambda: one_by_one(precision, True),
            "bmm-graph": lambda: many(lambda: Batched(shape, cells, precision, device)),
            "bmm by hand": lambda: many(lambda: Batched(shape, cells, precision, device, hand=True)),
            "vmap-graph plain": lambda: many(lambda: Vmap(shape, cells, precision, device, "plain")),
        }
        if HAS_SDPA:
            trials["vmap-graph sdpa"] = lambda: many(lambda: Vmap(shape, cells, precision, device, "sdpa"))
        if can_compile:
            trials["compile"] = lambda: one_by_one(precision, False, compile=True)
            trials["compile+graph"] = lambda: one_by_one(precision, True, compile=True)
            trials["bmm-compile-graph"] = lambda: many(
                lambda: Batched(shape, cells, precision, device, hand=True, compile=True)
            )
        for name, trial in trials.items():
            record = {"check": name, "precision": precision}
            try:
                got, program = trial()
                difference = float((got - expected).abs().max())
                record["max_loss_difference"] = difference
                if not isinstance(program, list):
                    record.update(compare(program))
                record["ok"] = max(v for k, v in record.items() if k.startswith("max_")) <= tolerance
            except Exception as error:
                traceback.print_exc()
                record.update(ok=False, error=explain(error))
            failures += not record["ok"]
            emit(record)
            tidy(device)
    emit({"check": "all", "failures": failures, "torch": torch.__version__, "sdpa": HAS_SDPA, "compile": can_compile})
    return 1 if failures else 0


# ---------------------------------------------------------------- main


def listed(text, known=None):
    values = [value for value in text.split(",") if value]
    for value in values:
        if known and value not in known:
            raise argparse.ArgumentTypeError(f"{value!r} is not one of {', '.join(known)}")
    return values


def parse_shape(text):
    values = [int(value) for value in text.split(",")]
    if len(values) != len(Shape._fields) or min(values) < 1 or values[1] % values[2]:
        raise argparse.ArgumentTypeError("want " + ",".join(Shape._fields) + ", the width a multiple of the heads")
    return Shape(*values)


def plan(options):
    rows = []
    for shape in options.shapes:
        for precision in options.precisions:
            for way in options.ways:
                for cells in options.cells if way in CELLS_WAYS else [1]:
                    rows.append(Row(shape, precision, way, cells))
    ranks = lambda row: (PRECISIONS.index(row.precision), WAYS.index(row.way))
    if options.order == "shape":
        return sorted(rows, key=lambda row: (options.shapes.index(row.shape), *ranks(row)))
    return sorted(rows, key=lambda row: (*ranks(row), options.shapes.index(row.shape)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", type=parse_shape, metavar="SHAPE")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one of the three windows")
    parser.add_argument("--ways", type=lambda t: listed(t, WAYS), default=list(WAYS))
    parser.add_argument("--precisions", type=lambda t: listed(t, PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--cells", type=lambda t: [int(v) for v in listed(t)], default=[4, 16, 64])
    parser.add_argument("--budget", type=float, default=math.inf, help="seconds after which rows are skipped")
    parser.add_argument("--row-limit", type=float, default=120.0, help="seconds after which a row is given up")
    parser.add_argument("--order", choices=("shape", "precision"), default="shape", help="what rows are sorted by first")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--check", action="store_true", help="compare the ways with each other on the CPU")
    parser.add_argument("--from", type=int, default=0, dest="first", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.check:
        return check()
    if not options.shapes:
        parser.error("no shape given")

    deadline = START + options.budget
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        emit({"error": "no CUDA device", "torch": torch.__version__, "driver": driver_version()})
        return 1
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    if options.first == 0:
        introduce(device, name)

    for at, row in enumerate(plan(options)):
        if at < options.first:
            continue
        left = deadline - time.monotonic()
        if left <= 0:
            emit({"skipped": "budget", **row.key()})
            continue
        limit = min(options.row_limit, left + 30)
        run_row(row, device, name, options.seconds, deadline, limit)
        tidy(device)
        if not healthy(device):
            # The process cannot use the device any more: go on in a fresh one.
            print("starting afresh after row", at, file=sys.stderr, flush=True)
            sys.stdout.flush()
            again = [sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--from", str(at + 1)]
            if math.isfinite(options.budget):
                again += ["--budget", str(max(0.0, deadline - time.monotonic()))]
            os.execv(sys.executable, again)
    return 0


if __name__ == "__main__":
    code = main()
    cache = os.environ["TORCHINDUCTOR_CACHE_DIR"]
    if os.path.basename(cache).startswith("peer-inductor-"):
        shutil.rmtree(cache, ignore_errors=True)
    sys.exit(code)
