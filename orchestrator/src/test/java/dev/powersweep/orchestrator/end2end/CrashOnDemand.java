package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.instrument.Instrumentation;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import sun.misc.Unsafe;

/** An agent that a test puts into trainers: they crash in native code, for real, when a file appears. */
public final class CrashOnDemand {
    private CrashOnDemand() {}

    /** @param file that is deleted, and with that the process */
    public static void premain(String file, Instrumentation instrumentation) {
        Thread thread = new Thread(() -> watch(Path.of(file)), "crash-on-demand");
        thread.setDaemon(true);
        thread.start();
    }

    private static void watch(Path file) {
        try {
            while (!Files.deleteIfExists(file)) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            Field field = Unsafe.class.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            ((Unsafe) field.get(null)).putLong(0L, 1L);
        } catch (IOException | InterruptedException | ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A Java home whose Java has the agent in it. */
    static Path javaHome(Path folder, Path trigger) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Premain-Class", CrashOnDemand.class.getName());
        Files.createDirectories(folder);
        Path jar = folder.resolve("agent.jar");
        String name = CrashOnDemand.class.getName().replace('.', '/') + ".class";
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file, manifest)) {
            out.putNextEntry(new JarEntry(name));
            try (var in = CrashOnDemand.class.getResourceAsStream("/" + name)) {
                in.transferTo(out);
            }
            out.closeEntry();
        }
        return javaHome(folder, "-javaagent:" + jar + "=" + trigger, "");
    }

    /**
     * A Java home of a script before the real one.
     *
     * @param options of the JVM
     * @param before lines of shell that run first
     */
    static Path javaHome(Path folder, String options, String before) throws IOException {
        Path script = folder.resolve("bin/java");
        Files.createDirectories(script.getParent());
        Files.createFile(script, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Files.writeString(
                script,
                "#!/bin/sh\n" + before + "\nexec " + Path.of(System.getProperty("java.home"), "bin", "java") + " "
                        + options + " \"$@\"\n");
        return folder;
    }
}
