/**
 * Scaling laws: arrays in, fits out. No input or output, no framework; results depend on the data, the options and the seed
 * alone.
 *
 * <pre>{@code
 * Observations runs = Observations.builder()
 *         .parameters(n)      // double[]: model sizes
 *         .tokens(d)          // double[]: tokens seen
 *         .loss(loss)         // double[]: nats per token
 *         .build();           // throws FitRefusal with a reason and one sentence
 *
 * FitResult fit = Fitter.fit(Laws.byName("chinchilla"), runs, FitOptions.defaults().bootstrap(4000).seed(7));
 *
 * Estimate alpha = fit.parameters().get("alpha");        // value, low, high, unit
 * double a = fit.value("a");                             // derived: N_opt ∝ C^a
 * boolean proven = fit.convergence().certified();
 * Prediction next = fit.predict(Point.nd(1e9, 2e10));    // value, confidence and prediction band
 *
 * Comparison rivals = Fitter.compare(List.of(Laws.byName("chinchilla"), Laws.byName("chinchilla-tied")), runs, options);
 * }</pre>
 *
 * <p>Packages, in the order in which they may import each other: {@code runs} (observations), {@code linear}, {@code optimise}
 * (objectives, Newton, global search), {@code result} (what a fit answers, and its options), {@code law} (one file a law),
 * {@code uncertainty} (fits of parametric laws: bootstrap, profiles, identifiability, hold-out), {@code isoflop}, {@code batch}
 * and {@code surface} (laws fitted in stages), {@code comparison}, {@code allocation}, and this package, the entry point: {@link
 * dev.powersweep.fitting.Fitter} and the registry {@link dev.powersweep.fitting.Laws}.
 *
 * <p>A law that predicts a column in closed form extends {@link dev.powersweep.fitting.law.ParametricLaw}, or {@link
 * dev.powersweep.fitting.law.PowerSumLaw} if it is a sum of powers; any other implements {@link
 * dev.powersweep.fitting.law.StagedLaw}. Either is listed in {@link dev.powersweep.fitting.Laws}.
 */
package dev.powersweep.fitting;
