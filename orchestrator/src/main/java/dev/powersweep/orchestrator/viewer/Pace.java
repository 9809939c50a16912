package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.view.SweepPicture;
import java.util.Arrays;
import java.util.List;

/** Tokens per second of all cells together over time, from what each attempt trained between its beginning and its end. */
final class Pace {
    private static final int BINS = 120;

    private Pace() {}

    /**
     * What an attempt trained.
     *
     * @param begin seconds of {@link DrivenTime}
     * @param end seconds of {@link DrivenTime}
     */
    record Work(double begin, double end, double tokens) {}

    /** The mean rate in each of equal parts of the time; empty where there is none. */
    static SweepPicture.Throughput of(List<Work> works, double seconds) {
        if (works.isEmpty() || !(seconds > 0)) {
            return new SweepPicture.Throughput(new double[0], new double[0]);
        }
        double width = seconds / BINS;
        double[] tokens = new double[BINS];
        for (Work work : works) {
            double lasted = Math.max(work.end() - work.begin(), 1e-3);
            int first = bin(work.begin() / width);
            int last = bin(work.end() / width);
            for (int i = first; i <= last; i++) {
                double from = Math.max(work.begin(), i * width);
                double to = Math.min(work.begin() + lasted, (i + 1) * width);
                tokens[i] += work.tokens() * (first == last ? 1 : Math.max(0, to - from) / lasted);
            }
        }
        double[] middles = new double[BINS];
        for (int i = 0; i < BINS; i++) {
            middles[i] = (i + 0.5) * width;
        }
        return new SweepPicture.Throughput(
                middles, Arrays.stream(tokens).map(of -> of / width).toArray());
    }

    private static int bin(double place) {
        return (int) Math.max(0, Math.min(BINS - 1, Math.floor(place)));
    }
}
