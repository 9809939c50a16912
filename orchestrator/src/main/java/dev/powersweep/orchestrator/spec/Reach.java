package dev.powersweep.orchestrator.spec;

import dev.powersweep.worker.cell.Program;
import java.util.ArrayList;
import java.util.List;

/**
 * What of the machine a specification reads or runs. A specification of one's own says what it means; one that lies in a
 * sweep's directory may have been written by somebody else, and is shown before its reach is taken over.
 */
public final class Reach {
    private Reach() {}

    /** One entry a key, as {@code corpus.text: /path}; empty for a specification that needs nothing of the machine. */
    public static List<String> of(SweepSpec spec) {
        List<String> reach = new ArrayList<>();
        CorpusSpec.Source source = spec.corpus().source();
        if (source instanceof CorpusSpec.Source.Text text) {
            text.paths().forEach(path -> reach.add("corpus.text: " + path));
        } else if (source instanceof CorpusSpec.Source.Tokens tokens) {
            tokens.train().forEach(path -> reach.add("corpus.tokens.train: " + path));
            tokens.validation().forEach(path -> reach.add("corpus.tokens.validation: " + path));
        }
        if (spec.tokenizer() instanceof TokenizerSpec.JsonFile file) {
            reach.add("tokenizer.path: " + file.path());
        }
        spec.evaluation().sets().forEach(set -> set.paths()
                .forEach(path -> reach.add("evaluation.sets." + set.name() + ": " + path)));
        spec.trainer().ifPresent(trainer -> {
            reach.add("trainer.command: " + Program.shown(trainer.command()));
            trainer.files().forEach(file -> reach.add("trainer.files: " + file.path()));
            trainer.environment().forEach((name, value) -> reach.add("trainer.environment: " + name + "=" + value));
        });
        spec.run().listeners().ifPresent(listeners -> {
            listeners.classes().forEach(name -> reach.add("run.listeners.classes: " + name));
            listeners.files().forEach(path -> reach.add("run.listeners.files: " + path));
        });
        spec.resources().trainerJava().ifPresent(home -> reach.add("resources.trainerJava: " + home));
        return reach;
    }
}
