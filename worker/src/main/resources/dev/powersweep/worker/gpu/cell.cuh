// What kernels know of the cells that share a launch.
//
// A launch serves "cells" models of one shape and batch. Vectors of parameters lie [cell][stride], those of gradients
// [slice][stride]: a slice is one micro-batch of one cell, slice = cell · parts + part, and has a gradient of its own,
// since the noise scale needs their norms. Activations lie [slice][rows][width], rows = tokens of a slice in one pass,
// so that the rows of a cell follow each other. All numbers that differ between cells stand in the structures below;
// nothing a cell computes depends on another's.
#pragma once
#include "numbers.cuh"

/** What stays the same from step to step. As CellRule.java writes it. */
struct CellRule {
  float attentionScale;
  float logitScale;
  /** Dropout: an element is kept when the upper 24 bits of its hash are below this. */
  unsigned keepBelow;
  /** Factor of a kept element. */
  float keepScale;
  float beta1, complement1, beta2, complement2, epsilon;
  /** Consecutive steps above the bound that end the cell. */
  int divergenceWindow;
  /** Largest norm of the gradient; 0 for no clipping. */
  double clip;
  /** Nats per token. */
  double lossBound;
  /** The cell's training tokens in the pool: a ring of so many. */
  long long ringStart, ringLength;
};

/** What the host decides of one step. As StepPlan.java writes it into a ring, [slot][cell]. */
struct StepPlan {
  unsigned long long dropoutKey;
  /** Divided by 1 − β1ᵗ; of hidden matrices, whose rate μP scales, and of the others. */
  float hiddenRate, rate;
  /** Factor of a decayed parameter. */
  float keep;
  /** 1/√(1 − β2ᵗ). */
  float inverseSecondCorrection;
};

enum StepOutcome { GOES_ON = 0, NOT_FINITE = 1, ABOVE_BOUND = 2, WAITS = 3 };

/** Where a cell stands. As CellStanding.java reads and writes it between steps. */
struct CellStanding {
  /** Made so far; the next step's plan is in slot steps mod slots. */
  long long steps;
  int stepsAboveBound;
  /** A StepOutcome; a cell that has stopped or waits takes no steps. */
  int outcome;
  /** Of the step in progress. */
  StepPlan plan;
  float gradientScale;
  int unused;
};

/** What one step measured; a ring of results, [slot][cell]. As StepResult.java reads it. */
struct StepResult {
  /** From 1. */
  long long step;
  long long outcome;
  /** Nats per token. */
  double loss;
  /** |G_small|², NaN where a cell has one part; |G_big|². */
  double gradientSquareSmall, gradientSquareBig;
};

/** SplitMix64, as RandomStream.java. */
__device__ __forceinline__ unsigned long long mixedBits(unsigned long long key, unsigned long long counter) {
  unsigned long long z = key + 0x9E3779B97F4A7C15ull * (counter + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

/** Which elements of one site survive, as DropoutMask.java: elements are numbered through the batch of a cell. */
struct Mask {
  unsigned key;
  unsigned firstElement;
  unsigned keepBelow;
  float keepScale;

  __device__ __forceinline__ float factor(unsigned element) const {
    unsigned h = (firstElement + element) * 0x9E3779B1u + key;
    h ^= h >> 16;
    h *= 0x7FEB352Du;
    h ^= h >> 15;
    h *= 0x846CA68Bu;
    h ^= h >> 16;
    return h >> 8 < keepBelow ? keepScale : 0.0f;
  }
};

/**
 * The mask of one row.
 *
 * @param standings null for no dropout
 * @param site 0 is the embedding, s ≥ 1 the branch that is added to make the residual stream's s-th state
 * @param batchRow number of the row in the cell's batch
 */
__device__ __forceinline__ Mask maskOfRow(
    const CellRule* rules, const CellStanding* standings, int cell, int site, unsigned batchRow, int width) {
  Mask mask = {0, 0, 1u << 24, 1.0f};
  if (standings) {
    unsigned long long key = mixedBits(standings[cell].plan.dropoutKey, site);
    mask = {(unsigned)(key ^ key >> 32), batchRow * (unsigned)width, rules[cell].keepBelow, rules[cell].keepScale};
  }
  return mask;
}
