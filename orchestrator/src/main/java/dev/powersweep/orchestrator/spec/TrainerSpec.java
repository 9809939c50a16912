package dev.powersweep.orchestrator.spec;

import dev.powersweep.worker.cell.Program;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * A program that trains the cells in place of PowerSweep's own trainer.
 *
 * @param command program and arguments, never read by a shell
 * @param files to ship to where it runs
 * @param environment declared variables
 * @param arguments values for <code>${name}</code>, unless a point or an axis of the grid gives another one
 * @param parameters where N comes from
 * @param vocabulary token kinds where the program brings its own data
 */
public record TrainerSpec(
        List<String> command,
        List<File> files,
        Map<String, String> environment,
        Map<String, String> arguments,
        Program.Parameters parameters,
        OptionalInt vocabulary) {

    /**
     * @param path beside the specification, or on any Hadoop file system; a directory stands for all files below it
     * @param name where it is found by the program; by its path where absent
     */
    public record File(String path, Optional<String> name) {}

    public TrainerSpec {
        command = List.copyOf(command);
        files = List.copyOf(files);
        environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
    }
}
