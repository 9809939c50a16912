package dev.powersweep.orchestrator.storage;

/** How Spark's readers of files take the paths they are given. */
public final class PathOption {

    /** Spark's own option ({@code DataSource.GLOB_PATHS_KEY}): whether brackets and stars in paths are patterns. */
    public static final String AS_PATTERNS = "__globPaths__";

    private PathOption() {}
}
