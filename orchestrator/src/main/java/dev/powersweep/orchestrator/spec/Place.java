package dev.powersweep.orchestrator.spec;

/**
 * Where a value stands.
 *
 * @param source name of the file, or of the override
 * @param line from 1; 0 where there is none
 * @param path of the key, dots between
 */
record Place(String source, int line, String path) {

    Place child(String key) {
        return new Place(source, line, path.isEmpty() ? key : path + "." + key);
    }

    /** "sweep.yaml:7". */
    String label() {
        return line == 0 ? source : source + ":" + line;
    }
}
