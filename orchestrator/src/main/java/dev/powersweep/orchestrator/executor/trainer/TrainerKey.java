package dev.powersweep.orchestrator.executor.trainer;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that is fixed when a trainer process starts; a trainer serves cells that ask for the same.
 *
 * @param nativeCache where JavaCPP unpacks its libraries; only one trainer at a time may be the first to use it
 * @param cachedJar of {@code commandLine} where it is one of the host's cache, whose classes are worth an archive
 */
public record TrainerKey(
        List<String> commandLine, Map<String, String> environment, String nativeCache, Optional<Path> cachedJar) {
    public TrainerKey {
        commandLine = List.copyOf(commandLine);
        environment = Map.copyOf(environment);
    }
}
