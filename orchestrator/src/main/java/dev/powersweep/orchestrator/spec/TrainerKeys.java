package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.program.AssignmentValue;
import dev.powersweep.orchestrator.program.Template;
import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Named;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.StoredName;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The keys of {@code trainer}, and what they must have in common with the rest of a specification. */
final class TrainerKeys {
    private static final String VARIABLE = "[A-Za-z_][A-Za-z0-9_]*";

    private static final SpecKey<List<String>> COMMAND = required(
            "command",
            new Many<>(Text.VERBATIM),
            "Program and arguments as a list, never read by a shell. `${name}` stands for a value of the assignment or of"
                    + " `arguments`.");
    private static final SpecKey<String> FILE_PATH = required(
            "path",
            Text.ANY,
            "Relative to the specification, or on any Hadoop file system; a directory stands for all files below it.");
    private static final SpecKey<String> FILE_NAME = optional(
            "name",
            Text.ANY,
            "its path below the specification's folder, or else its last part",
            "Its path below the program's working folder.");
    private static final SpecKey<List<TrainerSpec.File>> FILES = optional(
            "files",
            new Many<>(Either.of(
                    Text.ANY,
                    path -> new TrainerSpec.File(path, Optional.empty()),
                    Section.of(
                            file -> new TrainerSpec.File(file.get(FILE_PATH), file.find(FILE_NAME)),
                            FILE_PATH,
                            FILE_NAME))),
            "none",
            "Files shipped to where the program runs, into its working folder; their content is part of a cell's identity.");
    private static final SpecKey<Map<String, String>> ENVIRONMENT = withDefault(
            "environment",
            new Named<>(VARIABLE, "letters, digits and '_', no digit first", Text.VERBATIM),
            "{}",
            "Variables of the program; part of a cell's identity. `${name}` as in `command`.");
    private static final SpecKey<Map<String, String>> ARGUMENTS = withDefault(
            "arguments",
            new Named<>(Template.NAME, "letters, digits and '_', a letter first", Text.VERBATIM),
            "{}",
            "Values for `${name}` in `command`, and variables `POWERSWEEP_NAME`; axes may vary them as"
                    + " `trainer.arguments.NAME`.");
    private static final SpecKey<Program.Parameters> PARAMETERS = withDefault(
            "parameters",
            Choice.of(Program.Parameters.class),
            "computed",
            "Where N comes from: `computed` from the shape, or as `grid.points` names it; or `reported` by the program. A"
                    + " point without N is always reported.");
    private static final SpecKey<Integer> VOCABULARY = optional(
            "vocabulary",
            Numeric.whole(2, TokenizerSpec.LARGEST_VOCABULARY),
            "not known",
            "Token kinds of the program's own data, with `corpus: none`.");

    static final Section<TrainerSpec> SECTION =
            Section.of(TrainerKeys::trainer, COMMAND, FILES, ENVIRONMENT, ARGUMENTS, PARAMETERS, VOCABULARY);

    /** Prefix of the paths of axes that vary arguments. */
    static final String ARGUMENT_AXIS = "trainer.arguments.";

    private TrainerKeys() {}

    private static TrainerSpec trainer(Settings trainer) {
        List<String> command = trainer.get(COMMAND);
        if (command.get(0).isBlank()) {
            trainer.wrong(
                    COMMAND, "begins with '', and a program has a name; write a list, such as [python3, train.py]");
        }
        if (command.get(0).matches(".*\\s.*") && !command.get(0).contains("/")) {
            trainer.wrong(
                    COMMAND,
                    "begins with \"" + command.get(0)
                            + "\", and no shell takes that apart; write a list, such as [python3, train.py]");
        }
        for (String text : command) {
            try {
                Template.names(text);
            } catch (IllegalArgumentException e) {
                trainer.wrong(COMMAND, "= \"" + text + "\" " + e.getMessage());
            }
        }
        trainer.get(ENVIRONMENT).forEach((name, text) -> {
            if (name.startsWith("POWERSWEEP_")) {
                trainer.wrongEntry(ENVIRONMENT, name, "is PowerSweep's to set; choose another name");
            }
            try {
                Template.names(text);
            } catch (IllegalArgumentException e) {
                trainer.wrongEntry(ENVIRONMENT, name, e.getMessage());
            }
        });
        for (String name : trainer.get(ARGUMENTS).keySet()) {
            taken(name).ifPresent(why -> trainer.wrongEntry(ARGUMENTS, name, why));
        }
        for (TrainerSpec.File file : trainer.list(FILES)) {
            file.name().ifPresent(name -> {
                try {
                    StoredName.path(name);
                } catch (IllegalArgumentException e) {
                    trainer.wrong(FILES, "has the name \"" + name + "\": " + e.getMessage());
                }
            });
        }
        return new TrainerSpec(
                command,
                trainer.list(FILES),
                trainer.get(ENVIRONMENT),
                trainer.get(ARGUMENTS),
                trainer.get(PARAMETERS),
                trainer.findInt(VOCABULARY));
    }

    /** Why a name cannot be an argument's; empty where it can. */
    static Optional<String> taken(String name) {
        String variable = AssignmentValue.variable(name);
        return Arrays.stream(AssignmentValue.values())
                .filter(each -> each.variable().equals(variable))
                .findFirst()
                .map(each -> "is the assignment's own " + each.word() + "; choose another name");
    }

    /** Notes what a specification with a program of its own cannot have, and names that nothing gives a value. */
    static void check(Settings root, SpecKey<TrainerSpec> key, SweepSpec spec) {
        TrainerSpec trainer = spec.trainer().orElseThrow();
        Settings section = root.nested(key);
        boolean corpus = !(spec.corpus().source() instanceof CorpusSpec.Source.None);
        if (corpus) {
            section.refuse(VOCABULARY, "is the corpus's; take it away, or say corpus: none");
        }
        Set<String> used = new LinkedHashSet<>();
        for (String text : trainer.command()) {
            used.addAll(namesOf(text));
        }
        trainer.environment().values().forEach(text -> used.addAll(namesOf(text)));
        Set<String> told = new HashSet<>();
        for (GridSpec.Part part : spec.grid().parts()) {
            for (ModelSize size : part.modelSizes()) {
                Map<String, String> own = size instanceof ModelSize.Point point ? point.arguments() : Map.of();
                if (!(size instanceof ModelSize.Point)
                        && !corpus
                        && trainer.vocabulary().isEmpty()
                        && told.add("")) {
                    section.need(VOCABULARY, "grid.modelSizes with corpus: none needs it for the size of embeddings");
                }
                Set<String> given = new TreeSet<>(own.keySet());
                given.addAll(part.variants().get(0).arguments().keySet());
                for (String name : used) {
                    lacking(name, size, given, corpus || trainer.vocabulary().isPresent(), corpus)
                            .filter(told::add)
                            .ifPresent(why -> section.wrong(COMMAND, "names ${" + name + "}, " + why));
                }
            }
        }
    }

    private static Set<String> namesOf(String text) {
        try {
            return Template.names(text);
        } catch (IllegalArgumentException e) {
            // Noted where the section was read.
            return Set.of();
        }
    }

    /** Why a name has no value in cells of this size. */
    private static Optional<String> lacking(
            String name, ModelSize size, Set<String> arguments, boolean vocabulary, boolean corpus) {
        if (arguments.contains(name)) {
            return Optional.empty();
        }
        Optional<AssignmentValue> value = AssignmentValue.of(name);
        if (value.isEmpty()) {
            Set<String> known = new TreeSet<>(arguments);
            Arrays.stream(AssignmentValue.values()).forEach(each -> known.add(each.word()));
            return Optional.of("which is neither a value of the assignment nor an argument"
                    + (size instanceof ModelSize.Point ? " of each of grid.points" : "")
                    + NearestName.to(name, known)
                            .map(near -> "; did you mean ${" + near + "}?")
                            .orElse("; give it under trainer.arguments"));
        }
        boolean point = size instanceof ModelSize.Point;
        boolean there =
                switch (value.get().needs()) {
                    case NOTHING -> true;
                    case SHAPE -> !point;
                    case SIZE ->
                        !(size instanceof ModelSize.Point of) || of.parameters().isPresent();
                    case VOCABULARY -> vocabulary;
                    case CORPUS -> corpus;
                };
        return there
                ? Optional.empty()
                : Optional.of(
                        switch (value.get().needs()) {
                            case SHAPE -> "which models of grid.points do not have; name it in their arguments";
                            case SIZE -> "which grid.points does not name everywhere; give N there";
                            case VOCABULARY -> "which is not known; give trainer.vocabulary";
                            default -> "and there is no corpus";
                        });
    }
}
