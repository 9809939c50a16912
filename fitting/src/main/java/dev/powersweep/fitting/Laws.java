package dev.powersweep.fitting;

import dev.powersweep.fitting.batch.BranchedCriticalBatchLaw;
import dev.powersweep.fitting.batch.CriticalBatchLaw;
import dev.powersweep.fitting.batch.StepsBatch;
import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.isoflop.EnvelopeLaw;
import dev.powersweep.fitting.isoflop.IsoFlopLaw;
import dev.powersweep.fitting.isoflop.OptimaLaw;
import dev.powersweep.fitting.law.Chinchilla;
import dev.powersweep.fitting.law.ChinchillaTied;
import dev.powersweep.fitting.law.Farseer;
import dev.powersweep.fitting.law.Gadre;
import dev.powersweep.fitting.law.KaplanND;
import dev.powersweep.fitting.law.KaplanNS;
import dev.powersweep.fitting.law.KaplanPower;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.Muennighoff;
import dev.powersweep.fitting.law.MultiPower;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.surface.SurfaceLaw;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The laws there are, by the names that scripts use. */
public final class Laws {
    private static final List<Law> ALL = List.of(
            KaplanPower.ofParameters(KaplanPower.Irreducible.NONE),
            KaplanPower.ofParameters(KaplanPower.Irreducible.FITTED),
            KaplanPower.ofTokens(KaplanPower.Irreducible.NONE),
            KaplanPower.ofTokens(KaplanPower.Irreducible.FITTED),
            KaplanPower.ofCompute(KaplanPower.Irreducible.NONE),
            KaplanPower.ofCompute(KaplanPower.Irreducible.FITTED),
            KaplanPower.ofMinimumCompute(KaplanPower.Irreducible.NONE),
            KaplanPower.ofMinimumCompute(KaplanPower.Irreducible.FITTED),
            new KaplanND(),
            new KaplanNS(),
            new Chinchilla(),
            new ChinchillaTied(),
            new Gadre(),
            new Farseer(),
            new Muennighoff(Muennighoff.Fitted.REPETITION),
            new Muennighoff(Muennighoff.Fitted.EVERYTHING),
            new MultiPower(),
            new EnvelopeLaw(),
            IsoFlopLaw.spline(),
            IsoFlopLaw.parabola(),
            new OptimaLaw(),
            new CriticalBatchLaw(),
            new BranchedCriticalBatchLaw(),
            ThreeTerm.constant(),
            ThreeTerm.byData(),
            ThreeTerm.bySize(),
            ThreeTerm.byLoss(),
            ThreeTerm.overSteps(),
            new StepsBatch(),
            SurfaceLaw.learningRate(),
            SurfaceLaw.batch());

    private static final Map<String, Law> BY_NAME =
            ALL.stream().collect(Collectors.toUnmodifiableMap(Law::name, Function.identity()));

    private Laws() {}

    /** Every law, in order of presentation. */
    public static List<Law> all() {
        return ALL;
    }

    /** Every scripted name, in order of presentation. */
    public static List<String> names() {
        return ALL.stream().map(Law::name).toList();
    }

    /**
     * @throws FitRefusal UNKNOWN_LAW naming the laws there are
     */
    public static Law byName(String name) {
        Law law = BY_NAME.get(name.toLowerCase(Locale.ROOT));
        if (law == null) {
            throw new FitRefusal(
                    FitRefusal.Reason.UNKNOWN_LAW,
                    "There is no law named " + name + "; choose one of " + String.join(", ", names()) + ".");
        }
        return law;
    }

    /** The laws that these runs allow. */
    public static Stream<Law> applicable(Observations runs) {
        return ALL.stream().filter(law -> law.refusal(runs).isEmpty());
    }
}
