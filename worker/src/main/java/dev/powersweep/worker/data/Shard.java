package dev.powersweep.worker.data;

import dev.powersweep.worker.shard.ShardManifest;
import java.util.Map;

/** An opened shard: every file of the manifest mapped, complete and with the checksum that the manifest names. */
public final class Shard {
    private final String directory;
    private final ShardManifest manifest;
    private final StoredTokens train;
    private final Map<String, StoredTokens> evaluation;

    Shard(String directory, ShardManifest manifest, StoredTokens train, Map<String, StoredTokens> evaluation) {
        this.directory = directory;
        this.manifest = manifest;
        this.train = train;
        this.evaluation = Map.copyOf(evaluation);
    }

    public ShardManifest manifest() {
        return manifest;
    }

    /** Where it was opened, for messages. */
    String directory() {
        return directory;
    }

    StoredTokens train() {
        return train;
    }

    /** Throws {@link ShardException} when the shard has no such set. */
    StoredTokens evaluation(String set) {
        StoredTokens tokens = evaluation.get(set);
        if (tokens == null) {
            throw ShardException.unsuitable("evaluation.sets names '" + set + "', which the shard in " + directory
                    + " does not hold; it has "
                    + evaluation.keySet().stream().sorted().toList()
                    + ".");
        }
        return tokens;
    }

    ShardManifest.TokenFile evaluationFile(String set) {
        return manifest.evaluation().stream()
                .filter(file -> file.name().equals(set))
                .findFirst()
                .orElseThrow();
    }
}
