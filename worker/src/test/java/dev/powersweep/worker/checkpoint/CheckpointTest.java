package dev.powersweep.worker.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.model.ParameterLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointTest {
    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final Cell CELL = Cells.tiny(100, 2, 1000, 0);
    private static final ParameterLayout PARAMETERS = new ParameterLayout(CELL.shape());
    private static final String LAYOUT = LayoutHash.of(PARAMETERS);
    private static final int LENGTH = (int) PARAMETERS.length();
    private static final Progress PROGRESS = new Progress(
            OptionalDouble.of(0.1 + 0.2),
            3,
            7,
            OptionalDouble.of(Math.PI),
            List.of(new Frame.Evaluation(CELL.id(), 40, "validation", 1.0 / 3, Double.NaN, 64, 0.5, 0.25)));

    @TempDir
    Path directory;

    private static ByteBuffer floats(int count, long seed) {
        ByteBuffer data = ByteBuffer.allocateDirect(4 * count).order(ByteOrder.LITTLE_ENDIAN);
        Random random = new Random(seed);
        while (data.hasRemaining()) {
            // Any bits, NaNs among them.
            data.putInt(random.nextInt());
        }
        return data.flip();
    }

    private static List<Section> sections(long seed) {
        return List.of(
                new Section(Section.PARAMETERS, floats(LENGTH, seed)),
                new Section(Section.FIRST_MOMENT, floats(LENGTH, seed + 1)),
                new Section(Section.SECOND_MOMENT, floats(LENGTH, seed + 2)));
    }

    private CheckpointFile.Written write(String name) {
        return CheckpointFile.write(directory.resolve(name), CELL, 40, LAYOUT, PROGRESS, sections(SEED));
    }

    private CheckpointException refusal(Path file) {
        try {
            CheckpointFile.open(file).restore(CELL, PARAMETERS, sections(1));
        } catch (CheckpointException e) {
            return e;
        }
        throw new AssertionError(file + " was accepted");
    }

    /** A model is laid out as the header says before a weight of it is read. */
    @ParameterizedTest
    @CsvSource({"10000,16,256", "1,4000000,256", "1,16,2000000000"})
    void aHeaderThatDescribesMoreThanTheFileHoldsIsRefused(int layers, int width, int vocabulary) throws Exception {
        ModelShape small = CELL.shape();
        ModelShape large = new ModelShape(
                layers,
                width,
                1,
                small.feedForward(),
                small.context(),
                vocabulary,
                small.activation(),
                small.positions(),
                small.normalization(),
                small.embeddings());
        Cell cell = Cells.of(large, CELL.data(), CELL.seed());
        Path file = CheckpointFile.write(directory.resolve("large.ckpt"), cell, 40, LAYOUT, PROGRESS, sections(SEED))
                .file();
        assertThat(refusal(file))
                .hasMessageContaining("its header describes a model of at least")
                .hasMessageContaining("which its " + Files.size(file) + " bytes do not hold");
    }

    @Test
    void everyBitComesBack() throws Exception {
        CheckpointFile.Written written = write("a.ckpt");
        byte[] bytes = Files.readAllBytes(written.file());
        assertThat(written.bytes()).isEqualTo(bytes.length);
        assertThat(written.sha256())
                .isEqualTo(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        CheckpointFile file = CheckpointFile.open(written.file());
        assertThat(file.header().cell()).isEqualTo(CELL);
        assertThat(file.header().step()).isEqualTo(40);
        assertThat(file.header().progress()).isEqualTo(PROGRESS);
        List<Section> read = sections(1);
        file.restore(CELL, PARAMETERS, read);
        assertThat(read).isEqualTo(sections(SEED));
        assertThat(read).isNotEqualTo(sections(1));
    }

    @Test
    void aTruncatedFileIsRefusedAtEveryLength() throws IOException {
        byte[] bytes = Files.readAllBytes(write("a.ckpt").file());
        Path file = directory.resolve("cut.ckpt");
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            int length = round < 32 ? round : random.nextInt(bytes.length);
            Files.write(file, Arrays.copyOf(bytes, length));
            assertThat(refusal(file).getMessage())
                    .as("length %d, seed %d", length, SEED)
                    .startsWith("The checkpoint " + file + " is truncated")
                    .endsWith("; go on from an earlier checkpoint.");
        }
    }

    @Test
    void oneFlippedBitAnywhereIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(write("a.ckpt").file());
        Path file = directory.resolve("flipped.ckpt");
        Random random = new Random(SEED);
        for (int round = 0; round < 300; round++) {
            int bit = random.nextInt(8 * bytes.length);
            byte[] changed = bytes.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file, changed);
            assertThat(refusal(file).getMessage())
                    .as("bit %d, seed %d", bit, SEED)
                    .contains(file.toString());
        }
    }

    @Test
    void aForeignFileIsToldApart() throws IOException {
        Path text = Files.writeString(directory.resolve("notes.txt"), "a text that is long enough to hold a preamble");
        CheckpointException foreign = refusal(text);
        assertThat(foreign).hasMessage(text + " is not a checkpoint of a trainer; give a file that a trainer wrote.");
        assertThat(foreign.cause()).isEqualTo(CheckpointException.Cause.FOREIGN);

        Cell other = Cells.tiny(100, 2, 1000, 1);
        Path ofOther = directory.resolve("other.ckpt");
        CheckpointFile.write(ofOther, other, 40, LAYOUT, PROGRESS, sections(SEED));
        assertThat(refusal(ofOther))
                .hasMessage("The checkpoint " + ofOther + " is of cell " + other.id() + ", not of " + CELL.id()
                        + "; give one of this cell's own.");

        Path otherLayout = directory.resolve("layout.ckpt");
        CheckpointFile.write(otherLayout, CELL, 40, "feedfeedfeedfeed", PROGRESS, sections(SEED));
        assertThat(refusal(otherLayout))
                .hasMessage("The checkpoint " + otherLayout + " has the parameter layout feedfeedfeedfeed, this"
                        + " trainer's model has " + LAYOUT + "; use the version that wrote it.");

        Path missing = directory.resolve("none.ckpt");
        assertThat(refusal(missing)).hasMessage("There is no checkpoint " + missing + ".");
    }

    @Test
    void aDirectoryKeepsTheNewestTwoAndClearsWhatAKilledWriterLeft() throws IOException {
        Path unfinished = Files.writeString(directory.resolve("." + CELL.id() + "-step-000000000050.ckpt.tmp"), "half");
        Path foreign = Files.writeString(directory.resolve("someone-else.ckpt"), "kept");
        CheckpointDirectory checkpoints = CheckpointDirectory.open(directory, CELL);
        assertThat(unfinished).doesNotExist();
        assertThat(checkpoints.newest()).isEmpty();
        for (long step : new long[] {10, 20, 30}) {
            checkpoints.write(step, LAYOUT, PROGRESS, sections(step));
        }
        assertThat(names()).containsExactly(name(20), name(30), "someone-else.ckpt");
        assertThat(foreign).hasContent("kept");
        // An attempt that goes back takes the place of the one that was ahead.
        checkpoints.write(25, LAYOUT, PROGRESS, sections(25));
        assertThat(names()).containsExactly(name(20), name(25), "someone-else.ckpt");
        assertThat(checkpoints.newest()).hasValue(directory.toAbsolutePath().resolve(name(25)));
    }

    @Test
    void anUnwritableDirectoryIsOneSentence() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "no directory");
        try {
            CheckpointDirectory.open(file.resolve("below"), CELL);
            throw new AssertionError("a directory below a file was accepted");
        } catch (CheckpointException e) {
            assertThat(e.getMessage())
                    .startsWith("The checkpoint directory " + file.resolve("below") + " cannot be used: ");
        }
    }

    private static String name(long step) {
        return CELL.id() + "-step-0000000000" + step + ".ckpt";
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
