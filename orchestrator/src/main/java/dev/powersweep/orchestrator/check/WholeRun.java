package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.check.ContractCheck.Seen;
import dev.powersweep.orchestrator.executor.ProgramWitness;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** What a run that was let alone shows. */
final class WholeRun {
    private static final Set<String> OPTIONAL = new TreeSet<>(
            Set.of("learningRate", "gradientNorm", "gradientSquareSmall", "gradientSquareBig", "seconds"));

    /** Seconds; what is shorter may have spent them on its start. */
    private static final double LONG_ENOUGH = 3;

    private static final double LATE = 0.8;
    private static final long FEW_STEPS = 10;

    private final Cell cell;
    private final Seen seen;
    private final String log;
    private final List<ContractFinding> findings = new ArrayList<>();

    /** @param log last lines of the program's output */
    WholeRun(Cell cell, Seen seen, String log) {
        this.cell = cell;
        this.seen = seen;
        this.log = log;
    }

    List<ContractFinding> findings() {
        Observer observer = seen.observer();
        observer.notes().stream()
                .filter(note -> !note.startsWith("there is no evaluation"))
                .map(ContractFinding::mend)
                .forEach(findings::add);
        if (seen.report().state() != CellState.FINISHED) {
            findings.add(ContractFinding.mend(ContractCheck.end(seen.report()) + log));
            observer.leave().ifPresent(this::leave);
            return findings;
        }
        steps();
        columns();
        evaluations();
        size();
        observer.leave().ifPresent(this::leave);
        late();
        overhead();
        return findings;
    }

    private void steps() {
        long steps = cell.data().steps();
        long told = seen.observer().steps();
        findings.add(
                told == steps
                        ? ContractFinding.right("reports each of its " + steps + " steps once")
                        : ContractFinding.note("reports " + told + " of " + steps + " steps: the others have no row"));
    }

    private void columns() {
        Set<String> absent = new TreeSet<>(OPTIONAL);
        absent.removeAll(seen.observer().columns());
        if (!seen.observer().columns().isEmpty()) {
            findings.add(ContractFinding.right("tells, beside the loss, "
                    + String.join(", ", seen.observer().columns())));
        }
        if (!absent.isEmpty()) {
            findings.add(ContractFinding.note("does not tell " + String.join(", ", absent) + ": null in the tables"));
        }
    }

    private void evaluations() {
        String first = cell.evaluation().sets().get(0);
        List<Frame.Evaluation> all = seen.observer().evaluations();
        boolean atEnd = all.stream()
                .anyMatch(each ->
                        each.set().equals(first) && each.step() == seen.report().step());
        findings.add(
                atEnd
                        ? ContractFinding.right("evaluates after its last step; evaluations in all: " + all.size())
                        : ContractFinding.mend("there is no evaluation of the set \"" + first
                                + "\" after the last step, so the cell has no loss that laws can be fitted to: add"
                                + " {\"frame\": \"evaluation\", \"loss\": …} at the end"));
        for (String set :
                cell.evaluation().sets().subList(1, cell.evaluation().sets().size())) {
            if (all.stream().noneMatch(each -> each.set().equals(set))) {
                findings.add(
                        ContractFinding.note("does not evaluate the set \"" + set + "\" that evaluation.sets names"));
            }
        }
    }

    private void size() {
        boolean reports = cell.program().orElseThrow().parameters() == Program.Parameters.REPORTED;
        if (reports
                && seen.report()
                        .size()
                        .flatMap(size -> size.nonEmbedding().stream().boxed().findFirst())
                        .isEmpty()) {
            findings.add(ContractFinding.mend(
                    "N is to be reported, and it is not: add {\"frame\": \"model\", \"parameters\": …}"
                            + " with the parameters without embeddings, norms and biases, or name N in the grid"));
        } else if (reports) {
            findings.add(ContractFinding.right(String.format(
                    Locale.ROOT,
                    "reports N = %,d",
                    seen.report().size().orElseThrow().nonEmbedding().orElseThrow())));
        } else if (seen.observer().size().isPresent()
                && !seen.observer()
                        .size()
                        .get()
                        .counts()
                        .nonEmbedding()
                        .equals(cell.counts().nonEmbedding())) {
            findings.add(ContractFinding.note("reports N = "
                    + seen.observer().size().get().counts().nonEmbedding().orElse(0) + ", and "
                    + cell.counts().nonEmbedding().orElse(0)
                    + " of the grid counts: with trainer.parameters: reported its own would"));
        }
    }

    private void leave(ProgramWitness.Leave leave) {
        if (leave.linesAfterEnd() > 0) {
            findings.add(ContractFinding.mend("adds lines to POWERSWEEP_FRAMES after it has said how it ended ("
                    + leave.linesAfterEnd() + "), and nothing of them is read: let the last frame be the last"));
        }
        if (seen.report().state() == CellState.FINISHED && leave.status() < 0) {
            findings.add(ContractFinding.mend(
                    "says that it has finished and does not end within ten seconds: it is killed; let the process end after its"
                            + " last frame"));
        }
        if (leave.processesLeft() > 0) {
            findings.add(ContractFinding.note("leaves processes behind (" + leave.processesLeft()
                    + "), which are killed: let it wait for them before it ends"));
        }
    }

    /** Frames that wait in a buffer until the program ends. */
    private void late() {
        double last = seen.observer().lastWordAt().orElse(0);
        double first = seen.observer().firstStepAt().orElse(last);
        if (last > LONG_ENOUGH && first > LATE * last && seen.observer().steps() > FEW_STEPS) {
            findings.add(ContractFinding.note(String.format(
                    Locale.ROOT,
                    "all of its %d steps were seen in the last %.1f of %.1f s: flush after each line, or at least once a"
                            + " second, since a program of which nothing is seen shows no progress and counts as stuck after"
                            + " run.hangSeconds",
                    seen.observer().steps(),
                    last - first,
                    last)));
        }
    }

    private void overhead() {
        double all = seen.report().seconds() + seen.report().overheadSeconds();
        double program = seen.observer().lastWordAt().orElse(all);
        findings.add(ContractFinding.right(String.format(
                Locale.ROOT,
                "took %.2f s to its last word, its first step's report after %.2f s; storing and ending took %.2f s"
                        + " more",
                program,
                seen.observer().firstStepAt().orElse(program),
                Math.max(0, all - program))));
    }
}
