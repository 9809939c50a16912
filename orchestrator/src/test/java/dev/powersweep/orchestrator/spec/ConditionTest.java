package dev.powersweep.orchestrator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionTest {
    private static final Condition.Quantities CELL = new Condition.Quantities(
            25_000,
            1e6,
            2048,
            488,
            1.5e11,
            5e5,
            0.003,
            Map.of("training.optimizer.weightDecay", "0.1", "model.activation", "squared-relu"));

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            D >= 40*N                              | true
            D > 40*N                               | false
            N < 1M and C < 1e12                    | true
            N > 1M or not (C < 1e12)               | false
            (N + D) / 2 > 500k && !(S = 1)         | true
            2^3^2 == 512                           | true
            -2^2 == -4                             | true
            2 - 3 - 4 = -5                         | true
            12/3/2 == 2                            | true
            min(N, D) == N and max(B, S) == 2048   | true
            sqrt(ln(N)) < log10(1G)                | true
            ((((N)))) == 25_000                    | true
            U != D                                 | true
            N > 1M or N > 1k and N < 2k            | false
            """)
    void conditionsMeanWhatTheySay(String text, boolean holds) {
        assertThat(Condition.parse(text).holds(CELL)).isEqualTo(holds);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            N                | a condition with a comparison such as >= at column 2
            N > foo          | a condition with a number or one of N, D, B, S, C, U, learningRate at column 5
            N > (1           | a condition with ')' at column 7
            N > 1 D          | a condition with the end, 'and' or 'or' at column 7
            N > 1; exit()    | a condition with a number, a quantity or an operator at column 6
            n > 1            | a condition with a number or one of N, D, B, S, C, U, learningRate at column 1
            (N > 1e6 and D > x) | a condition with a number or one of N, D, B, S, C, U, learningRate at column 18
            ((N > 1) and (D > 2 or ((B > q)))) | a condition with a number or one of N, D, B, S, C, U, learningRate at column 30
            N > 1 and (D)    | a condition with a comparison such as >= at column 14
            (N > 1) + 2 > 3  | a condition with 'and', 'or' or the end, since what stands before it is a condition at column 9
            ln(N > 1) > 3    | a condition with ')' at column 6
            not N            | a condition with a comparison such as >= at column 6
            """)
    void whatIsWrongIsToldWithItsColumn(String text, String message) {
        assertThatThrownBy(() -> Condition.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            weightDecay == 0.1                                              | true
            training.optimizer.weightDecay > 1e-2 and N > 1                 | true
            optimizer.weightDecay * 10 < learningRate                       | false
            learningRate <= 3e-3                                            | true
            activation == 'squared-relu'                                    | true
            model.activation != "gelu" and not (activation = 'gelu')        | true
            """)
    void axesAreKnownByTheirPathsAndTheirEnds(String text, boolean holds) {
        Map<String, Boolean> axes = Map.of("training.optimizer.weightDecay", true, "model.activation", false);
        assertThat(Condition.parse(text, axes).holds(CELL)).isEqualTo(holds);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            activation > 'gelu'  | a condition with == or !=, since what stands before it is text at column 12
            activation == 3      | a condition with text in quotes at column 15
            activation + 1 > 3   | a condition with a number in place of the text that ends at column 12
            positions == 'x'     | a condition with a number or one of N, D, B, S, C, U, learningRate, activation at column 1
            """)
    void axesOfWordsAreComparedWithText(String text, String message) {
        assertThatThrownBy(() -> Condition.parse(text, Map.of("model.activation", false)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void aLongChainIsNoDeeperThanAShortOne() {
        String terms = "N > 1k and D + 1 - 1 > 1k and ".repeat(900);
        assertThat(Condition.parse(terms + "B > 1").holds(CELL)).isTrue();
        assertThat(Condition.parse(terms + "B < 1").holds(CELL)).isFalse();
        assertThat(Condition.parse("D " + "+ 1 ".repeat(4900) + "> 1M").holds(CELL))
                .isTrue();
        assertThatThrownBy(() -> Condition.parse("N > 1" + " and N > 1".repeat(60_000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a condition with at most 20000 words and signs, and no more at column 50001");
        assertThatThrownBy(() -> Condition.parse("N > 1" + "+1".repeat(60_000)))
                .hasMessageContaining("at most 20000 words and signs");
    }

    @Test
    void bothOfTwoConditionsMustHold() {
        assertThat(Condition.parse("N > 1k")
                        .and(Condition.parse("D > 1k or B > 1M"))
                        .holds(CELL))
                .isTrue();
        assertThat(Condition.parse("N > 1k").and(Condition.parse("D < 1k")).holds(CELL))
                .isFalse();
    }

    @Test
    void deepNestingIsRefusedQuickly() {
        assertThatThrownBy(() -> Condition.parse("(".repeat(5000) + "N > 1" + ")".repeat(5000)))
                .hasMessageContaining("less deeply nested");
        // Each way to go deeper alone: the limit is of all of them together.
        for (String nested : List.of(
                "-".repeat(5000) + "N > 1",
                "not ".repeat(5000) + "N > 1",
                "!".repeat(5000) + "N > 1",
                "1^".repeat(5000) + "N > 1",
                "abs(".repeat(5000) + "N" + ")".repeat(5000) + " > 1",
                "max(1, ".repeat(3000) + "N" + ")".repeat(3000) + " > 1",
                "max(".repeat(3000) + "N" + ", 1)".repeat(3000) + " > 1")) {
            assertThatThrownBy(() -> Condition.parse(nested))
                    .as(nested.substring(0, 10))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("less deeply nested");
        }
    }
}
