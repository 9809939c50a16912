package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A program that trains a cell in place of the trainer of this module; all of it is part of the cell's identity.
 *
 * @param command program and arguments, never read by a shell; <code>${name}</code> stands for a value of the assignment
 * @param files shipped to where it runs, by their content; in the order of their names
 * @param environment declared variables
 * @param arguments values for <code>${name}</code> that the specification names, the model's own not among them
 * @param parameters where N comes from
 */
public record Program(
        List<String> command,
        List<File> files,
        Map<String, String> environment,
        Map<String, String> arguments,
        Parameters parameters) {

    /** Where N, the non-embedding parameters, comes from. */
    public enum Parameters {
        /** From the shape, or as the specification names it. */
        COMPUTED,
        /** From the program's own report. */
        REPORTED
    }

    /**
     * @param name path below the program's working directory, with {@code /} between its parts
     * @param sha256 of the content
     */
    public record File(String name, String sha256, long bytes) {
        public File {
            StoredName.path(name);
            StoredName.sha256(sha256);
            StoredName.count("bytes", bytes);
        }
    }

    public Program {
        if (command.isEmpty() || command.get(0).isBlank()) {
            throw new IllegalArgumentException("program.command is empty");
        }
        command = List.copyOf(command);
        files = files.stream().sorted(Comparator.comparing(File::name)).toList();
        Set<String> names = new HashSet<>();
        for (File file : files) {
            if (!names.add(file.name())) {
                throw new IllegalArgumentException("program.files has two files " + file.name());
            }
        }
        environment = Collections.unmodifiableSortedMap(new TreeMap<>(environment));
        arguments = Collections.unmodifiableSortedMap(new TreeMap<>(arguments));
    }

    /** The same with other arguments of the specification. */
    public Program with(Map<String, String> others) {
        return new Program(command, files, environment, others, parameters);
    }

    /** The command in one line, for people. */
    @JsonIgnore
    public String shown() {
        return shown(command);
    }

    /** A command in one line, for people; arguments that are empty or hold blanks stand in quotes. */
    public static String shown(List<String> command) {
        return command.stream()
                .map(word -> word.isEmpty() || word.chars().anyMatch(Character::isWhitespace) ? "'" + word + "'" : word)
                .collect(Collectors.joining(" "));
    }
}
