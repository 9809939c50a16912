package dev.powersweep.orchestrator.executor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A program and everything that it has started: processes of its session, and those that carry its mark in their
 * environment, since launchers such as torchrun start workers in sessions of their own.
 *
 * @param pid of the program, which leads its session where the host has {@code setsid}
 * @param mark {@code NAME=value} that no other program has
 */
record ProcessTree(long pid, String mark) {
    private static final Path PROC = Path.of("/proc");
    private static final int KILL_ROUNDS = 40;
    private static final long BETWEEN_ROUNDS_MILLIS = 25;

    /** Sends SIGTERM to all of them. */
    void terminate() {
        members().forEach(ProcessHandle::destroy);
    }

    /** Sends SIGKILL until none is left; says whether none is. */
    boolean kill() {
        for (int round = 0; round < KILL_ROUNDS; round++) {
            List<ProcessHandle> left = members();
            if (left.isEmpty()) {
                return true;
            }
            left.forEach(ProcessHandle::destroyForcibly);
            try {
                Thread.sleep(BETWEEN_ROUNDS_MILLIS);
            } catch (InterruptedException e) {
                members().forEach(ProcessHandle::destroyForcibly);
                Thread.currentThread().interrupt();
                return members().isEmpty();
            }
        }
        return members().isEmpty();
    }

    /** Resident bytes of all of them together; pages that they share count several times. */
    long residentBytes() {
        long bytes = 0;
        for (ProcessHandle member : members()) {
            try {
                bytes +=
                        Files.readAllLines(PROC.resolve(member.pid() + "/status"), StandardCharsets.ISO_8859_1).stream()
                                .filter(line -> line.startsWith("VmRSS:"))
                                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                                .sum();
            } catch (IOException | RuntimeException e) {
                // Gone meanwhile.
                continue;
            }
        }
        return bytes;
    }

    /** Those that live; zombies and this JVM are none of them. */
    List<ProcessHandle> members() {
        List<ProcessHandle> members = new ArrayList<>();
        long self = ProcessHandle.current().pid();
        if (!Files.isDirectory(PROC)) {
            ProcessHandle.of(pid).ifPresent(root -> {
                root.descendants().forEach(members::add);
                members.add(root);
            });
            members.removeIf(each -> !each.isAlive());
            return members;
        }
        try (Stream<Path> entries = Files.list(PROC)) {
            entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> name.chars().allMatch(Character::isDigit))
                    .map(Long::parseLong)
                    .filter(each -> each != self && belongs(each))
                    .forEach(each -> ProcessHandle.of(each).ifPresent(members::add));
        } catch (IOException | UncheckedIOException e) {
            ProcessHandle.of(pid).filter(ProcessHandle::isAlive).ifPresent(members::add);
        }
        return members;
    }

    private boolean belongs(long candidate) {
        Optional<String[]> stat = stat(candidate);
        if (stat.isEmpty() || stat.get()[0].equals("Z") || stat.get()[0].equals("X")) {
            return false;
        }
        return candidate == pid || Long.parseLong(stat.get()[3]) == pid || carriesMark(candidate);
    }

    /** State, parent, group, session and so on: what follows the name, which may hold anything. */
    private static Optional<String[]> stat(long candidate) {
        try {
            String line = Files.readString(PROC.resolve(candidate + "/stat"), StandardCharsets.ISO_8859_1);
            return Optional.of(line.substring(line.lastIndexOf(')') + 2).split(" "));
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private boolean carriesMark(long candidate) {
        try {
            String environment = Files.readString(PROC.resolve(candidate + "/environ"), StandardCharsets.ISO_8859_1);
            return ("\0" + environment + "\0").contains("\0" + mark + "\0");
        } catch (IOException | RuntimeException e) {
            // Another user's, or gone.
            return false;
        }
    }
}
