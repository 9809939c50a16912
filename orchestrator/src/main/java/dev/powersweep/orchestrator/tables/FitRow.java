package dev.powersweep.orchestrator.tables;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;

/** One parameter of one fitted law. */
public record FitRow(
        @Column("when the law was fitted") Instant fittedAt,
        @Column("name of the law, as the option --law takes it") String law,
        @Column("name of the parameter") String parameter,
        @Column(value = "its estimate", unit = "see unit") double estimate,
        @Column("unit of the estimate") String unit,
        @Column(value = "lower end of the interval", unit = "see unit") OptionalDouble lower,
        @Column(value = "upper end of the interval", unit = "see unit") OptionalDouble upper,
        @Column(value = "level of the interval, e.g. 0.95", unit = "1") OptionalDouble confidence,
        @Column("how N is counted: non-embedding or total parameters") String parameterConvention,
        @Column("which loss was fitted: train or the name of an evaluation set") String lossConvention,
        @Column("name of the objective") String objective,
        @Column(value = "objective at the optimum", unit = "1") double objectiveValue,
        @Column(value = "observations fitted", unit = "1") long observations,
        @Column("a refusal or a caveat in plain words; absent when there is none") Optional<String> note) {}
