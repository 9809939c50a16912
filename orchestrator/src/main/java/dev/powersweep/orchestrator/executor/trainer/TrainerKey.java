package dev.powersweep.orchestrator.executor.trainer;

import java.util.List;
import java.util.Map;

/**
 * Everything that is fixed when a trainer process starts; a trainer serves cells that ask for the same.
 *
 * @param nativeCache where JavaCPP unpacks its libraries; only one trainer at a time may be the first to use it
 */
public record TrainerKey(List<String> commandLine, Map<String, String> environment, String nativeCache) {
    public TrainerKey {
        commandLine = List.copyOf(commandLine);
        environment = Map.copyOf(environment);
    }
}
