package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptInput;
import dev.powersweep.orchestrator.dispatch.AttemptState.TrainerHealth;
import dev.powersweep.orchestrator.dispatch.TrainerExit;
import dev.powersweep.orchestrator.executor.CellSupervisor.Context;
import dev.powersweep.orchestrator.executor.trainer.TrainerProcess;
import dev.powersweep.orchestrator.executor.trainer.TrainerSeat;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** PowerSweep's own trainer, which serves one cell after the other or several at once, in the hands of one attempt. */
final class TrainerSession implements TrainerLink {
    private static final Logger LOG = LogManager.getLogger(TrainerSession.class);

    /** The line that a JVM's report of its own crash, or of a failed allocation, begins with. */
    private static final String CRASH_REPORT = "\n#\n# ";

    private static final int LOG_BYTES = 1 << 20;
    private static final int DETAIL_BYTES = 4096;

    private final TrainerSeat trainer;
    /** Position in its standard error at which this attempt begins. */
    private final long errorsFrom;

    TrainerSession(TrainerSeat trainer) {
        this.trainer = trainer;
        this.errorsFrom = trainer.process().errorBytes();
    }

    @Override
    public Frame.Ready ready() {
        return trainer.ready();
    }

    @Override
    public AttemptInput send(Assignment assignment) {
        try {
            trainer.process().send(assignment);
            return new AttemptInput.Sent();
        } catch (IOException e) {
            return new AttemptInput.FoundDead(exit("").text());
        }
    }

    @Override
    public Optional<AttemptInput> poll(long millis) throws InterruptedException {
        return trainer.poll(millis).map(this::input);
    }

    private AttemptInput input(TrainerProcess.Message message) {
        if (message instanceof TrainerProcess.Message.Said said) {
            return new AttemptInput.Said(said.frame());
        } else if (message instanceof TrainerProcess.Message.Garbage garbage) {
            return new AttemptInput.Babbled(garbage.line(), garbage.reason());
        }
        return new AttemptInput.Exited(exit(lastWords()));
    }

    private TrainerExit exit(String words) {
        TrainerProcess process = trainer.process();
        int status = process.exitStatus().orElse(-1);
        return new TrainerExit(status, process.killedByUs(), process.memorySufficed(), words);
    }

    @Override
    public void askToStop() {
        trainer.askToStop();
    }

    @Override
    public void end(TrainerHealth health) {
        trainer.end(health);
    }

    @Override
    public String keepLog(Context context, String cell, int attempt) {
        if (trainer.process().errorBytes() <= errorsFrom) {
            return "";
        }
        String name = "attempt-" + attempt + ".log";
        try {
            byte[] text = trainer.process().errors(errorsFrom, LOG_BYTES);
            context.storage().write(new Path(context.directory().logs(cell), name), text);
            return "logs/" + cell + "/" + name;
        } catch (IOException | RuntimeException e) {
            LOG.warn("the log of cell {} could not be kept: {}", cell, e.toString());
            return "";
        }
    }

    @Override
    public String lastWords() {
        try {
            String text = new String(trainer.process().errors(errorsFrom, LOG_BYTES), StandardCharsets.UTF_8);
            // What a crashing JVM begins with says more than the hundred kilobytes that follow.
            int crash = text.indexOf(CRASH_REPORT);
            int from = crash >= 0 ? crash : Math.max(0, text.length() - DETAIL_BYTES);
            return text.substring(from, Math.min(text.length(), from + DETAIL_BYTES));
        } catch (IOException e) {
            return "";
        }
    }
}
