package dev.powersweep.orchestrator.results;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How the parameters of a cell are counted. Exponents move with the count: Porian et al. 2024 find .71 instead of .84 for that of
 * N_opt when the FLOPs of the head are counted, Pearce and Song 2024 find Kaplan's to turn into Chinchilla's.
 */
public enum Convention {
    /** N without embeddings and norms, C = 6·N·D: Kaplan et al. 2020, and what a sweep's laws are told in. */
    NON_EMBEDDING("non-embedding parameters") {
        @Override
        public double parameters(CellResult cell) {
            return cell.parameters();
        }
    },
    /** N with embeddings and norms, C = 6·N·D: Hoffmann et al. 2022. */
    TOTAL("total parameters, embeddings and norms among them") {
        @Override
        public double parameters(CellResult cell) {
            return cell.totalParameters();
        }
    },
    /** N such that C = 6·N·D is every FLOP of training, head and attention among them. */
    EXACT_FLOPS("a sixth of the exact FLOPs per token, head and attention among them") {
        @Override
        public double parameters(CellResult cell) {
            return Math.rint(cell.trainingFlops() / (6 * cell.tokens()));
        }
    };

    private final String text;

    Convention(String text) {
        this.text = text;
    }

    /** N of a cell. */
    public abstract double parameters(CellResult cell);

    /** The count in words. */
    public String text() {
        return text;
    }

    /** The name scripts use. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Those by which N is known of every finished cell: a program of one's own may report one count and no other. */
    public static List<Convention> known(SweepResults results) {
        return Arrays.stream(values())
                .filter(count -> results.counted(count).usable().size()
                        == results.usable().size())
                .toList();
    }

    /**
     * @throws UserError naming the conventions there are
     */
    public static Convention byName(String name) {
        return Arrays.stream(values())
                .filter(known -> known.label().equals(name.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new UserError("--convention " + name + ": choose one of "
                        + Arrays.stream(values()).map(Convention::label).collect(Collectors.joining(", "))));
    }
}
