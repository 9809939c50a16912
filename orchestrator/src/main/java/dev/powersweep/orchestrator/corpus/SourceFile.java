package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;

/**
 * A file of the corpus and how it is read.
 *
 * @param bytes of the file as it is stored
 * @param beginning hash of its first bytes, unpacked: the order in which whole files are held out
 */
record SourceFile(String path, long bytes, InputKind kind, Compression packing, long beginning)
        implements Serializable {

    SourceFile(String path, long bytes, InputKind kind, Compression packing) {
        this(path, bytes, kind, packing, 0);
    }
}
