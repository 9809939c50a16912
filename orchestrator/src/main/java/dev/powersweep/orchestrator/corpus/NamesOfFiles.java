package dev.powersweep.orchestrator.corpus;

/** What this JVM makes of names of files that are not ASCII. */
final class NamesOfFiles {
    private NamesOfFiles() {}

    /** Whether a name has lost characters on its way into the JVM, as all but ASCII does in the locale POSIX. */
    static boolean lost(String name) {
        return name.indexOf('\ufffd') >= 0;
    }

    /** The encoding that the JVM takes from the locale. */
    static String encoding() {
        return System.getProperty("sun.jnu.encoding", "of an unknown encoding");
    }
}
