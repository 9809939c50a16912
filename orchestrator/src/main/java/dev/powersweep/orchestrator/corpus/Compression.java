package dev.powersweep.orchestrator.corpus;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.compress.BZip2Codec;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.io.compress.GzipCodec;
import org.apache.hadoop.util.ReflectionUtils;

/** How the bytes of a file are compressed. */
enum Compression {
    NONE("", ""),
    GZIP("gzip", ".gz"),
    ZSTD("zstd", ".zst"),
    BZIP2("bzip2", ".bz2"),
    /** Whatever else of Hadoop's codecs a name stands for, in Hadoop's own framing. */
    HADOOP("a Hadoop codec", "");

    /** What a file may unpack to, whatever its size. */
    static final long ALWAYS_ALLOWED_BYTES = 1L << 30;
    /** What a larger one may unpack to, in bytes for each of its own. Text stays below 20, logs below 100. */
    static final long MOST_TIMES = 250;

    private final String title;
    private final String suffix;

    Compression(String title, String suffix) {
        this.title = title;
        this.suffix = suffix;
    }

    String title() {
        return title;
    }

    /** The packing that a name ends in; empty where it is a Hadoop codec's or none. */
    static Optional<Compression> named(String path) {
        String lower = path.toLowerCase(Locale.ROOT);
        if (lower.endsWith(".zstd")) {
            return Optional.of(ZSTD);
        }
        for (Compression packing : values()) {
            if (!packing.suffix.isEmpty() && lower.endsWith(packing.suffix)) {
                return Optional.of(packing);
            }
        }
        return Optional.empty();
    }

    /** The name without the packing's suffix. */
    static String inner(String path) {
        return named(path).isPresent() ? path.substring(0, path.lastIndexOf('.')) : path;
    }

    /**
     * The bytes of a file, unpacked.
     *
     * @param packedBytes of the file; what it unpacks to is bounded by them
     * @throws UnpackException when it unpacks to more than {@link #ALWAYS_ALLOWED_BYTES} and {@link #MOST_TIMES} its size
     */
    InputStream open(Path path, long packedBytes, Configuration configuration) throws IOException {
        return open(path, Math.max(ALWAYS_ALLOWED_BYTES, MOST_TIMES * packedBytes), packedBytes, configuration);
    }

    /** The same within any bound. */
    InputStream open(Path path, long most, long packedBytes, Configuration configuration) throws IOException {
        InputStream raw = LocalNames.open(path, configuration);
        try {
            InputStream unpacked =
                    switch (this) {
                        case NONE -> raw;
                        case GZIP -> codec(GzipCodec.class, configuration).createInputStream(raw);
                        case BZIP2 -> codec(BZip2Codec.class, configuration).createInputStream(raw);
                        case ZSTD -> new ZstdInputStreamNoFinalizer(raw).setLongMax(31);
                        case HADOOP ->
                            new CompressionCodecFactory(configuration)
                                    .getCodec(path)
                                    .createInputStream(raw);
                    };
            return this == NONE ? raw : new Bounded(unpacked, packedBytes, most);
        } catch (IOException | RuntimeException e) {
            raw.close();
            throw e;
        }
    }

    private static CompressionCodec codec(Class<? extends CompressionCodec> codec, Configuration configuration) {
        return ReflectionUtils.newInstance(codec, configuration);
    }

    /** A file that unpacks to more than its size allows. */
    static final class UnpackException extends IOException {
        private static final long serialVersionUID = 1L;

        UnpackException(String message) {
            super(message);
        }
    }

    private static final class Bounded extends FilterInputStream {
        private final long packedBytes;
        private final long most;
        private long read;

        Bounded(InputStream unpacked, long packedBytes, long most) {
            super(unpacked);
            this.packedBytes = packedBytes;
            this.most = most;
        }

        @Override
        public int read() throws IOException {
            int value = super.read();
            count(value < 0 ? 0 : 1);
            return value;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int count = super.read(target, offset, length);
            count(Math.max(0, count));
            return count;
        }

        /** What is passed over is unpacked all the same. */
        @Override
        public long skip(long wanted) throws IOException {
            long passed = super.skip(wanted);
            count(passed);
            return passed;
        }

        private void count(long more) throws IOException {
            read += more;
            if (read > most) {
                throw new UnpackException("its " + packedBytes + " bytes unpack to more than " + most
                        + ", which is more than any text does; unpack it yourself if that is meant");
            }
        }
    }
}
