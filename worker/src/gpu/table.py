#!/usr/bin/env python3
"""Tables in Markdown of what measure.sh measured: table.py results.jsonl"""
import collections
import json
import sys

rows = []
for line in open(sys.argv[1]):
    if line.startswith("{"):
        rows.append(json.loads(line))


def of(part):
    return [row for row in rows if row.get("part") == part]


for row in of("device")[:1]:
    print(row["device"], "\n")
peers = [row for row in rows if "way" in row and "tokens_per_s" in row]
for row in [row for row in rows if "torch" in row and "way" not in row][:1]:
    print(f"PyTorch {row['torch']}, driver {row.get('driver')}\n")

print("| model | precision | loss, nats | gradient norm, relative | \\|G_small\\|², relative |\n|---|---|---:|---:|---:|")
for row in of("oracle"):
    if "loss" in row:
        print(f"| {row['model']} | {row['precision']} | {row['loss']:.1e} | {row['gradientNorm']:.1e} "
              f"| {row['gradientSquareSmall']:.1e} |")
replays = of("replay")
print(f"\n{sum(row.get('holds', False) for row in replays)} of {len(replays)} recordings hold; largest distance in float32 "
      f"{max((row.get('single', 9) for row in replays), default=9):.1e}, in bfloat16 "
      f"{max((row.get('bfloat16', 9) for row in replays), default=9):.1e}")
bits = of("bits")
equal = [value for row in bits for key, value in row.items() if key.endswith("Equal")]
print(f"{sum(equal)} of {len(equal)} comparisons of bits are equal\n")
for row in of("sanitizer"):
    print(row["tool"], row["exit"], row["summary"])

names = {"bfloat16": "bf16", "float32": "fp32", "tf32": "tf32"}
ours = collections.OrderedDict()
for row in of("throughput"):
    if "tokensPerSecond" in row:
        ours[row["model"], names[row["precision"]], row["cells"]] = row
print("\n| model | precision | cells | engine, tokens/s | ms a step | MiB | PyTorch, tokens/s | way | ratio |")
print("|---|---|---:|---:|---:|---:|---:|---|---:|")
for (model, precision, cells), row in ours.items():
    same = [p for p in peers if (p["shape"], p["precision"], p["cells"]) == (model, precision, cells)]
    best = max(same, key=lambda p: p["tokens_per_s"], default=None)
    theirs = "| | |"
    if best:
        ratio = row["tokensPerSecond"] / best["tokens_per_s"]
        theirs = f"| {best['tokens_per_s']:,.0f} | {best['way']} | {ratio:.2f}"
    else:
        theirs = "| | |"
    print(f"| {model} | {precision} | {cells} | {row['tokensPerSecond']:,.0f} | {row['millisecondsPerStep']:.3f} "
          f"| {row['mebibytes']:,} {theirs} |")
print("\n| model | precision | cells | PyTorch's way | tokens/s | ms a step |\n|---|---|---:|---|---:|---:|")
for p in peers:
    print(f"| {p['shape']} | {p['precision']} | {p['cells']} | {p['way']} | {p['tokens_per_s']:,.0f} | {p['ms_per_step']:.3f} |")
for row in rows:
    if "failed" in row or "error" in row:
        print("failed:", json.dumps(row)[:300])
