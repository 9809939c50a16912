package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The identity against its definition: the tree is built, then hashed. */
class CellIdTest {

    @Test
    void theIdentityIsTheHashOfTheTreeWithSortedKeysAndNumbersByTheirBits() throws Exception {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        for (int i = 0; i < 500; i++) {
            Cell cell = cell(random);
            assertThat(cell.id()).as(CellJson.line(cell)).isEqualTo(ofTheTree(cell));
        }
    }

    /** Cells were identified before there was a choice of numbers. */
    @Test
    void float32IsNoPartOfTheIdentityAndOtherNumbersAre() {
        Cell drawn = cell(new SplittableRandom(1));
        Cell cell = in(drawn, Precision.FLOAT32);
        assertThat(CellJson.line(cell)).doesNotContain("precision");
        Cell narrow = in(cell, Precision.BFLOAT16);
        assertThat(narrow.id()).isNotEqualTo(cell.id());
        assertThat(in(cell, Precision.TF32).id()).isNotEqualTo(narrow.id());
        assertThat(CellJson.read(CellJson.line(narrow), Cell.class)).isEqualTo(narrow);
        assertThat(CellJson.read(CellJson.line(cell), Cell.class)).isEqualTo(cell);
        assertThat(narrow.training().with(new Schedule.Constant()).products()).isEqualTo(Precision.BFLOAT16);
    }

    private static Cell in(Cell cell, Precision precision) {
        return new Cell(
                cell.model(),
                cell.data(),
                cell.training().with(precision),
                cell.evaluation(),
                cell.seed(),
                cell.program());
    }

    private static Cell cell(SplittableRandom random) {
        boolean foreign = random.nextBoolean();
        Schedule schedule = List.of(
                        new Schedule.Constant(),
                        new Schedule.Cosine(random.nextDouble()),
                        new Schedule.Linear(1),
                        new Schedule.SharedTrunk(random.nextDouble(1e-9, 1)))
                .get(random.nextInt(4));
        return new Cell(
                foreign ? program(random) : ModelShape.gpt(random.nextInt(1, 99), 64, 4, 32, 256),
                new DataRule("c0ffee", random.nextLong(1, Long.MAX_VALUE), 16, 1_000_000),
                new TrainingRule(
                        random.nextDouble(1e-300, 10),
                        random.nextLong(100),
                        schedule,
                        0.9,
                        0.95,
                        1e-8,
                        0,
                        1,
                        0,
                        0.02,
                        random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(1, 9)),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT,
                        random.nextBoolean() ? Optional.empty() : Optional.of(Precision.TF32)),
                new EvaluationRule(50, 65_536, random.nextBoolean() ? List.of("validation") : List.of("b", "a", "ä")),
                random.nextLong(),
                foreign ? Optional.of(trainer(random)) : Optional.empty());
    }

    private static ProgramModel program(SplittableRandom random) {
        return new ProgramModel(
                random.nextBoolean() ? OptionalLong.empty() : OptionalLong.of(random.nextLong(1, 1L << 50)),
                Map.of("width", "" + random.nextInt(), "Width", "größe", "a\n\"", "𝄞"),
                32,
                OptionalInt.empty());
    }

    private static Program trainer(SplittableRandom random) {
        return new Program(
                List.of("sh", "-c", "x".repeat(random.nextInt(5000))),
                List.of(new Program.File("b", "0".repeat(64), 1), new Program.File("a", "1".repeat(64), 2)),
                Map.of("Z", "", "a", "1"),
                Map.of(),
                Program.Parameters.REPORTED);
    }

    private static String ofTheTree(Cell cell) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        absorb(CellJson.mapper().valueToTree(cell), digest);
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }

    private static void absorb(JsonNode node, MessageDigest digest) {
        if (node.isObject()) {
            TreeSet<String> names = new TreeSet<>();
            node.fieldNames().forEachRemaining(names::add);
            digest.update((byte) '{');
            for (String name : names) {
                text(name, digest);
                absorb(node.get(name), digest);
            }
            digest.update((byte) '}');
        } else if (node.isArray()) {
            digest.update((byte) '[');
            node.forEach(item -> absorb(item, digest));
            digest.update((byte) ']');
        } else if (node.isIntegralNumber()) {
            number('i', node.longValue(), digest);
        } else if (node.isNumber()) {
            number('d', Double.doubleToLongBits(node.doubleValue()), digest);
        } else if (node.isNull()) {
            digest.update((byte) '0');
        } else {
            text(node.asText(), digest);
        }
    }

    private static void text(String value, MessageDigest digest) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        number('s', bytes.length, digest);
        digest.update(bytes);
    }

    private static void number(char tag, long value, MessageDigest digest) {
        digest.update((byte) tag);
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(value).array());
    }
}
