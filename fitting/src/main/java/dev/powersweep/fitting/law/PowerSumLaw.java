package dev.powersweep.fitting.law;

import dev.powersweep.fitting.linear.Correlation;
import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.optimise.PowerSumModel;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.FitRefusal.Reason;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A law of the form {@code (Σ terms)^γ}: every term a coefficient times powers of columns, γ one unless the law has an outer
 * exponent. Kaplan's, Hoffmann's and Gadre's forms are all of this family.
 *
 * <p>Published parameters come in the order: coefficients of the terms, exponents in order of first use, outer exponent.
 * Coefficients are bounded below by zero, exponents by zero and 20. Internally a coefficient is its term at the
 * geometric middle of the data.
 */
public abstract class PowerSumLaw extends ParametricLaw {
    private final List<Term> terms;
    private final List<String> exponents;
    private final String outer;
    private final List<Parameter> parameters;

    /**
     * @param terms of the sum
     * @param outer name of the outer exponent, empty for none
     */
    protected PowerSumLaw(List<Term> terms, String outer) {
        this.terms = List.copyOf(terms);
        this.outer = outer;
        Set<String> names = new LinkedHashSet<>();
        List<Parameter> all = new ArrayList<>();
        for (Term term : terms) {
            all.add(new Parameter(term.coefficient(), coefficientUnit(term)));
            term.factors().stream()
                    .map(Term.Factor::exponent)
                    .filter(name -> !name.isEmpty())
                    .forEach(names::add);
        }
        exponents = List.copyOf(names);
        exponents.forEach(name -> all.add(new Parameter(name, "1")));
        if (!outer.isEmpty()) {
            all.add(new Parameter(outer, "1"));
        }
        parameters = List.copyOf(all);
    }

    private String coefficientUnit(Term term) {
        if (term.form() == Term.Form.SCALE) {
            return term.factors().get(0).column().unit();
        }
        String unit = outer.isEmpty() ? response().unit() : "1";
        for (Term.Factor factor : term.factors()) {
            String power = factor.exponent().isEmpty() ? "" : "^" + factor.exponent();
            unit += "·" + factor.column().unit() + power;
        }
        return unit;
    }

    @Override
    public List<Parameter> parameters() {
        return parameters;
    }

    @Override
    public Set<Quantity> needs() {
        Set<Quantity> needed = new LinkedHashSet<>();
        terms.forEach(term -> term.factors().forEach(factor -> needed.add(factor.column())));
        needed.add(response());
        return needed;
    }

    /** Columns that enter the law. */
    protected Set<Quantity> regressors() {
        Set<Quantity> needed = new LinkedHashSet<>(needs());
        needed.remove(response());
        return needed;
    }

    /** Columns whose effects the law tells apart, so that no two of them may move together. */
    protected Set<Quantity> separable() {
        return regressors();
    }

    /** Published parameters of those of the plain form; the same by default. */
    protected double[] outward(double[] plain) {
        return plain;
    }

    /** Parameters of the plain form of published ones. */
    protected double[] inward(double[] published) {
        return published;
    }

    @Override
    protected Map<Quantity, Integer> sizesNeeded() {
        boolean constant = terms.stream().anyMatch(term -> term.factors().isEmpty());
        Map<Quantity, Integer> sizes = new EnumMap<>(Quantity.class);
        regressors().forEach(column -> sizes.put(column, constant || terms.size() > 1 ? 3 : 2));
        return sizes;
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        Optional<FitRefusal> refused = super.refusal(runs);
        if (refused.isPresent()) {
            return refused;
        }
        List<Quantity> columns = List.copyOf(separable());
        for (int a = 0; a < columns.size(); a++) {
            for (int b = 0; b < a; b++) {
                if (Math.abs(Correlation.of(runs.log(columns.get(a)), runs.log(columns.get(b)))) > 1 - 1e-7) {
                    return refuse(
                            Reason.COLLINEAR,
                            name() + " cannot tell " + columns.get(b).label() + " and "
                                    + columns.get(a).label()
                                    + " apart: in these runs one is a power of the other; add runs that vary one at a"
                                    + " fixed value of the other.");
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public double predict(double[] parameterValues, Point at) {
        double[] published = inward(parameterValues);
        double sum = 0;
        for (int k = 0; k < terms.size(); k++) {
            Term term = terms.get(k);
            double log = 0;
            for (Term.Factor factor : term.factors()) {
                double power = factor.exponent().isEmpty() ? 1 : published[index(factor.exponent())];
                double size = Math.log(at.get(factor.column()));
                if (term.form() == Term.Form.SCALE) {
                    size -= Math.log(published[k]);
                }
                log -= factor.multiplier() * power * size;
            }
            sum += (term.form() == Term.Form.SCALE ? 1 : published[k]) * Math.exp(log);
        }
        return outer.isEmpty() ? sum : Math.pow(sum, published[parameters.size() - 1]);
    }

    /** Position of an exponent among the parameters. */
    protected int index(String name) {
        int at = exponents.indexOf(name);
        return at >= 0 ? terms.size() + at : parameters.size() - 1;
    }

    @Override
    public BoundLaw bind(Observations runs) {
        return new Bound(runs, -1, 0);
    }

    /** Values of a shape parameter to search, ascending; laws with unusual exponents override it. */
    protected double[] grid(String name, int shapes) {
        int count = shapes == 1 ? 161 : shapes == 2 ? 25 : 13;
        return geometric(0.01, 3, count);
    }

    /** So many values, evenly spaced in their logarithm. */
    protected static double[] geometric(double low, double high, int count) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> low * Math.pow(high / low, i / (count - 1.0)));
        return values;
    }

    private final class Bound implements BoundLaw {
        private final PowerSumModel model;
        private final Box box;
        private final int[] shape;
        private final double[][][] regressor;
        private final double[][] offset;
        /** [term][slot] mean of multiplier·ln column, and [term] that of the fixed factors. */
        private final double[][] centre;

        private final double[] fixedCentre;
        private final int rows;
        private final Observations runs;
        /** Term whose coefficient is held, −1 for none, and the value it is held at. */
        private final int heldTerm;

        private final double heldValue;
        /** ln of the middle response where there is an outer exponent, which would blow coefficients up; else zero. */
        private final double base;

        Bound(Observations runs, int heldTerm, double heldValue) {
            this.runs = runs;
            this.heldTerm = heldTerm;
            this.heldValue = heldValue;
            rows = runs.size();
            int k = terms.size();
            int p = parameters.size();
            int[][] slots = new int[k][];
            regressor = new double[k][][];
            offset = new double[k][];
            centre = new double[k][];
            fixedCentre = new double[k];
            for (int t = 0; t < k; t++) {
                bindTerm(t, slots);
            }
            int outerIndex = outer.isEmpty() ? -1 : p - 1;
            base = outerIndex < 0 || heldTerm >= 0
                    ? 0
                    : Arrays.stream(runs.log(response())).average().orElseThrow();
            model = new PowerSumModel(p, rows, k, slots, regressor, offset, outerIndex, base);
            shape = new int[p - k];
            Arrays.setAll(shape, s -> k + s);
            double[] low = new double[p];
            double[] high = new double[p];
            Arrays.fill(high, 0, k, Double.POSITIVE_INFINITY);
            Arrays.fill(high, k, p, 20);
            if (outerIndex >= 0) {
                low[outerIndex] = 1e-4;
            }
            box = new Box(low, high);
        }

        private void bindTerm(int t, int[][] slots) {
            Term term = terms.get(t);
            // Factors that share an exponent make one regressor.
            Set<String> used = new LinkedHashSet<>();
            term.factors().forEach(factor -> used.add(factor.exponent()));
            boolean fixed = used.remove("");
            slots[t] = new int[used.size()];
            regressor[t] = new double[used.size()][];
            centre[t] = new double[used.size()];
            int s = 0;
            for (String name : used) {
                double[] x = combined(term, name);
                double mean = centre(t, x);
                slots[t][s] = index(name);
                centre[t][s] = mean;
                regressor[t][s] = Arrays.stream(x).map(value -> mean - value).toArray();
                s++;
            }
            if (fixed) {
                double[] x = combined(term, "");
                double mean = centre(t, x);
                fixedCentre[t] = mean;
                offset[t] = Arrays.stream(x).map(value -> mean - value).toArray();
            }
        }

        /** Where a term's coefficient is told: in the middle of the data, or where holding it is holding one number. */
        private double centre(int t, double[] x) {
            if (t != heldTerm) {
                return Arrays.stream(x).average().orElseThrow();
            }
            Term term = terms.get(t);
            return term.form() == Term.Form.SCALE ? term.factors().get(0).multiplier() * Math.log(heldValue) : 0;
        }

        @Override
        public Optional<Pinned> pin(int parameter, double value) {
            boolean[] frozen = new boolean[parameters.size()];
            frozen[parameter] = true;
            if (parameter < terms.size()) {
                Bound held = new Bound(runs, parameter, value);
                return Optional.of(new Pinned(held.model, held.box, frozen, held, parameter, value));
            }
            // Where published exponents are products of the plain ones, only those that are plain can be held.
            double[] probe = new double[parameters.size()];
            Arrays.fill(probe, 2);
            if (outward(probe)[parameter] != 2) {
                return Optional.empty();
            }
            return Optional.of(new Pinned(model, box, frozen, this, parameter, value));
        }

        private double[] combined(Term term, String exponent) {
            double[] sum = new double[rows];
            for (Term.Factor factor : term.factors()) {
                if (factor.exponent().equals(exponent)) {
                    double[] logs = runs.log(factor.column());
                    for (int i = 0; i < rows; i++) {
                        sum[i] += factor.multiplier() * logs[i];
                    }
                }
            }
            return sum;
        }

        @Override
        public LossModel model() {
            return model;
        }

        @Override
        public Box box() {
            return box;
        }

        @Override
        public int[] shape() {
            return shape.clone();
        }

        @Override
        public double[] grid(int shapeSlot) {
            return PowerSumLaw.this.grid(parameters.get(shape[shapeSlot]).name(), shape.length);
        }

        @Override
        public double[] start(double[] shapeValues, double[] logTarget, double[] weights) {
            int k = terms.size();
            double[] theta = new double[parameters.size()];
            System.arraycopy(shapeValues, 0, theta, k, shapeValues.length);
            double[][] powers = new double[k][];
            Arrays.setAll(powers, t -> model.powers(theta, t));
            System.arraycopy(model.start(theta, powers, logTarget, weights), 0, theta, 0, k);
            return theta;
        }

        private int slotIndex(int term, int slot) {
            return model.exponent(term, slot);
        }

        @Override
        public double[] published(double[] theta) {
            double[] values = theta.clone();
            for (int t = 0; t < terms.size(); t++) {
                double log = Math.log(theta[t]) + fixedCentre[t] + base / gamma(theta);
                for (int s = 0; s < centre[t].length; s++) {
                    log += theta[slotIndex(t, s)] * centre[t][s];
                }
                if (terms.get(t).form() == Term.Form.SCALE) {
                    log /= scalePower(t, theta);
                }
                values[t] = Math.exp(log);
            }
            return outward(values);
        }

        private double gamma(double[] plain) {
            return outer.isEmpty() ? 1 : plain[plain.length - 1];
        }

        private double scalePower(int t, double[] theta) {
            Term.Factor factor = terms.get(t).factors().get(0);
            return factor.multiplier() * (factor.exponent().isEmpty() ? 1 : theta[index(factor.exponent())]);
        }

        @Override
        public double[] internal(double[] parameterValues) {
            double[] published = inward(parameterValues);
            double[] theta = published.clone();
            for (int t = 0; t < terms.size(); t++) {
                double log = Math.log(published[t]);
                if (terms.get(t).form() == Term.Form.SCALE) {
                    log *= scalePower(t, published);
                }
                log -= fixedCentre[t] + base / gamma(published);
                for (int s = 0; s < centre[t].length; s++) {
                    log -= published[slotIndex(t, s)] * centre[t][s];
                }
                theta[t] = Math.exp(log);
            }
            return theta;
        }
    }
}
