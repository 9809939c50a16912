package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.TrainerCommand;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.Vector;
import org.junit.jupiter.api.Test;

/** A vector that is handed to a method, or given by one, lies on the heap unless the method is inlined. */
class InliningTest {

    private static final String INLINE = "-XX:CompileCommand=inline,";

    private static final List<String> OPTIONS =
            TrainerCommand.of(TrainerCommand.Resources.threads(1)).jvmOptions();

    @Test
    void trainersInlineEveryMethodThatTakesOrGivesVectors() throws Exception {
        List<Method> methods = kernels().stream()
                .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                .filter(method -> Stream.concat(
                                Stream.of(method.getReturnType()), Arrays.stream(method.getParameterTypes()))
                        .anyMatch(Vector.class::isAssignableFrom))
                .toList();
        assertThat(methods).hasSizeGreaterThan(5).allSatisfy(method -> {
            String type = method.getDeclaringClass().getName();
            assertThat(OPTIONS).containsAnyOf(INLINE + type + "::*", INLINE + type + "::" + method.getName());
        });
    }

    @Test
    void whatTheyInlineIsThere() throws Exception {
        List<Class<?>> kernels = kernels();
        assertThat(OPTIONS.stream().filter(option -> option.startsWith(INLINE)))
                .isNotEmpty()
                .allSatisfy(option -> {
                    String[] name = option.substring(INLINE.length()).split("::");
                    assertThat(kernels.stream()
                                    .filter(type -> type.getName().equals(name[0]))
                                    .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
                                    .map(Method::getName))
                            .as(option)
                            .anyMatch(method -> name[1].equals("*") || method.equals(name[1]));
                });
    }

    private static List<Class<?>> kernels() throws Exception {
        try (Stream<Path> files = Files.list(folder())) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".class") && !file.equals("package-info.class"))
                    .<Class<?>>map(file -> load(file.substring(0, file.length() - ".class".length())))
                    .toList();
        }
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(
                    CpuKernels.class.getPackageName() + "." + name, false, CpuKernels.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static Path folder() throws URISyntaxException {
        return Path.of(CpuKernels.class.getResource("CpuKernels.class").toURI()).getParent();
    }
}
