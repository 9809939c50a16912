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
 * Comparison rivals = Comparison.of(List.of(Laws.byName("chinchilla"), Laws.byName("chinchilla-tied")), runs, options);
 * }</pre>
 *
 * <p>Packages, in the order in which data flows: {@code runs} (observations), {@code law} (one file a law), {@code optimise}
 * (objectives, Newton, global search), {@code uncertainty} (bootstrap, profiles, identifiability, hold-out). A law that
 * predicts a column in closed form extends {@link dev.powersweep.fitting.law.ParametricLaw}, or
 * {@link dev.powersweep.fitting.law.PowerSumLaw} if it is a sum of powers, and gets all of this; any other implements
 * {@link dev.powersweep.fitting.law.Law} and builds its {@link dev.powersweep.fitting.FitResult} itself. Either way it is
 * listed in {@link dev.powersweep.fitting.law.Laws}.
 */
package dev.powersweep.fitting;
