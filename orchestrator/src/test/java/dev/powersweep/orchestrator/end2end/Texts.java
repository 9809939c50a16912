package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Text of a few hundred kilobytes in which there is something to learn. */
final class Texts {
    private Texts() {}

    /** Writes one; texts of different seeds are different corpora. */
    static Path write(Path file, long seed) throws IOException {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < 800_000) {
            for (int word = 0; word < 12; word++) {
                int number = (int) Math.abs(random.nextGaussian() * 60);
                text.append(Integer.toString(1000 + number * 7919 % 40_000, 36)).append(' ');
            }
            text.append(random.nextInt(6) == 0 ? ".\n\n" : ".\n");
        }
        return Files.writeString(file, text);
    }
}
