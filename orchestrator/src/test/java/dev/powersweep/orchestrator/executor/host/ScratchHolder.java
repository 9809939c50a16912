package dev.powersweep.orchestrator.executor.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A process that has a scratch folder below the directory it is given, says where, and waits to be killed. */
final class ScratchHolder {
    private ScratchHolder() {}

    public static void main(String[] arguments) throws IOException {
        HostScratch scratch = new HostCache(Path.of(arguments[0])).scratch();
        Files.writeString(scratch.folder().resolve("checkpoint"), "state");
        System.out.println(scratch.folder());
        System.in.read();
    }
}
