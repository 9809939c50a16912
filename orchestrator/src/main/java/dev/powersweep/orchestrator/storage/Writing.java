package dev.powersweep.orchestrator.storage;

import java.io.Closeable;
import java.io.IOException;

/** Writes to something and closes it, whatever happens. */
public interface Writing<T extends Closeable> {

    void to(T target) throws IOException;

    /**
     * As try-with-resources would, but for streams of HDFS, which throw their first failure once more when they are
     * closed: what a failure suppresses must not be itself.
     */
    static <T extends Closeable> void closing(T target, Writing<T> writing) throws IOException {
        try {
            writing.to(target);
        } catch (IOException | RuntimeException e) {
            try {
                target.close();
            } catch (IOException | RuntimeException again) {
                if (again != e) {
                    e.addSuppressed(again);
                }
            }
            throw e;
        }
        target.close();
    }
}
