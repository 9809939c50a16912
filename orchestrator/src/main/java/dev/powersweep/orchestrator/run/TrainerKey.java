package dev.powersweep.orchestrator.run;

import java.util.List;
import java.util.Map;

/**
 * Everything that is fixed when a trainer process starts; a trainer serves cells that ask for the same.
 *
 * @param nativeCache where JavaCPP unpacks its libraries; only one trainer at a time may be the first to use it
 */
record TrainerKey(List<String> commandLine, Map<String, String> environment, String nativeCache) {
    TrainerKey {
        commandLine = List.copyOf(commandLine);
        environment = Map.copyOf(environment);
    }
}
