package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs programs of this repository as a user would: as processes, from the built jars. */
final class PowerSweepProcess {
    /** The repository's root: tests run in the orchestrator's folder. */
    static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private PowerSweepProcess() {}

    record Result(int exitCode, String out, String err) {
        Result orFail() {
            if (exitCode != 0) {
                throw new AssertionError("exit code " + exitCode + "\nstdout:\n" + out + "\nstderr:\n" + err);
            }
            return this;
        }
    }

    /** {@code bin/powersweep ARGUMENTS}. */
    static Result powersweep(Object... arguments) {
        return run(Map.of(), "bin/powersweep", arguments);
    }

    static Result run(Map<String, String> environment, String program, Object... arguments) {
        List<String> command = new ArrayList<>(List.of(ROOT.resolve(program).toString()));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        try {
            Path out = Files.createTempFile("powersweep-it", ".out");
            Path err = Files.createTempFile("powersweep-it", ".err");
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(ROOT.toFile())
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().remove("SPARK_HOME");
            builder.environment().putAll(environment);
            ClassArchive.use(command, builder.environment());
            Optional<Path> archive =
                    program.equals("bin/powersweep") && command.get(1).equals("run")
                            ? ClassArchive.write(builder.environment())
                            : Optional.empty();
            Process process = builder.start();
            if (!process.waitFor(20, TimeUnit.MINUTES)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError("no end after 20 minutes: " + command + "\nstderr:\n" + Files.readString(err));
            }
            if (process.exitValue() == 0) {
                archive.ifPresent(ClassArchive::keep);
            }
            Result result = new Result(
                    process.exitValue(),
                    Files.readString(out, StandardCharsets.UTF_8),
                    Files.readString(err, StandardCharsets.UTF_8));
            Files.delete(out);
            Files.delete(err);
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }
}
