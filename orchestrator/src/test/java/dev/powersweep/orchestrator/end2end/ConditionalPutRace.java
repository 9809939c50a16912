package dev.powersweep.orchestrator.end2end;

import dev.powersweep.orchestrator.storage.Storage;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * Writers, each with a client of its own, that all want every name at the same moment, as a process: {@code
 * ConditionalPutRace DIRECTORY WRITERS ROUNDS}. Says for every name how many took it, how many were told that it is
 * taken, and whether it holds what the one wrote who took it.
 */
public final class ConditionalPutRace {
    private ConditionalPutRace() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = new Path(arguments[0]);
        int writers = Integer.parseInt(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        Configuration configuration = new Configuration();
        configuration.setBoolean("fs.s3a.impl.disable.cache", true);
        List<Storage> storages = new ArrayList<>();
        for (int writer = 0; writer < writers; writer++) {
            storages.add(Storage.of(directory, configuration));
        }
        ExecutorService threads = Executors.newFixedThreadPool(writers);
        CyclicBarrier together = new CyclicBarrier(writers);
        for (int round = 0; round < rounds; round++) {
            Path file = new Path(directory, "name-" + round);
            List<Callable<Boolean>> attempts = new ArrayList<>();
            for (int writer = 0; writer < writers; writer++) {
                Storage storage = storages.get(writer);
                byte[] content = content(writer);
                attempts.add(() -> {
                    together.await();
                    try {
                        storage.createNew(file, content);
                        return true;
                    } catch (FileAlreadyExistsException e) {
                        return false;
                    }
                });
            }
            List<Integer> winners = new ArrayList<>();
            List<Future<Boolean>> ends = threads.invokeAll(attempts);
            for (int writer = 0; writer < writers; writer++) {
                if (ends.get(writer).get()) {
                    winners.add(writer);
                }
            }
            String held = new String(storages.get(0).read(file), StandardCharsets.UTF_8);
            boolean theirs = winners.stream()
                    .allMatch(winner -> held.equals(new String(content(winner), StandardCharsets.UTF_8)));
            System.out.println("took " + winners.size() + " refused " + (writers - winners.size()) + " holds "
                    + (theirs ? "the winner's" : "another's"));
        }
        threads.shutdown();
    }

    private static byte[] content(int writer) {
        return ("writer " + writer + " ").repeat(1000).getBytes(StandardCharsets.UTF_8);
    }
}
