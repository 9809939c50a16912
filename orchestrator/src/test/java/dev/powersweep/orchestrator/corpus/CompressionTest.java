package dev.powersweep.orchestrator.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CompressionTest {
    private static final int UNPACKED = 64 << 20;
    private static final int BUDGET = 1 << 20;

    @TempDir
    java.nio.file.Path folder;

    /** Small ones, with a budget as much smaller than that of a corpus. */
    @ParameterizedTest
    @EnumSource(names = {"GZIP", "ZSTD", "BZIP2"})
    void aBombIsReadToItsBudgetAndNoFurther(Compression packing) throws IOException {
        java.nio.file.Path bomb = folder.resolve("bomb");
        try (OutputStream out = packer(packing, Files.newOutputStream(bomb))) {
            byte[] blanks = new byte[1 << 20];
            for (int written = 0; written < UNPACKED; written += blanks.length) {
                out.write(blanks);
            }
        }
        long packed = Files.size(bomb);
        assertThat(packed).isLessThan(UNPACKED / 250);
        long[] read = {0};
        assertThatThrownBy(() -> {
                    try (InputStream in = packing.open(new Path(bomb.toUri()), BUDGET, packed, new Configuration())) {
                        byte[] buffer = new byte[1 << 16];
                        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                            read[0] += count;
                        }
                    }
                })
                .isInstanceOf(Compression.UnpackException.class)
                .hasMessageContaining("its " + packed + " bytes unpack to more than " + BUDGET);
        assertThat(read[0]).isLessThanOrEqualTo(BUDGET);
        assertThatThrownBy(() -> {
                    try (InputStream in = packing.open(new Path(bomb.toUri()), BUDGET, packed, new Configuration())) {
                        in.skipNBytes(UNPACKED);
                    }
                })
                .as("passed over")
                .isInstanceOf(Compression.UnpackException.class);
    }

    private static OutputStream packer(Compression packing, OutputStream file) throws IOException {
        return switch (packing) {
            case GZIP -> new GZIPOutputStream(file);
            case ZSTD -> new com.github.luben.zstd.ZstdOutputStream(file);
            case BZIP2 -> new BZip2CompressorOutputStream(file);
            default -> throw new IllegalArgumentException(packing + " is not tried");
        };
    }
}
