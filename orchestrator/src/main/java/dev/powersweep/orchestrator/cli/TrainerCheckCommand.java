package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.check.ContractCheck;
import dev.powersweep.orchestrator.check.ContractFinding;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.shipment.ProgramFiles;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep trainer check}: whether a program keeps the contract of docs/any-trainer.md; starts no Spark. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Trains the specification's smallest cell, cut to a few steps, as an executor would: lets it alone,"
                        + " kills it, goes on with it, asks it to stop, compares; and says what the program does right and"
                        + " what it should mend. A corpus is not read: the tokens are made up. Exit status 1 where"
                        + " something is to be mended.")
final class TrainerCheckCommand implements Callable<Integer> {
    private static final int UNREAD_TOKENIZER = 32_768;
    private static final int GPT2 = 50_257;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "SPEC.yaml", description = "A specification with a trainer.")
    private String specification = "";

    @Option(
            names = "--set",
            paramLabel = "key=value",
            description = "Overrides a key of the specification; may be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Option(
            names = "--steps",
            paramLabel = "COUNT",
            description = "Steps of each run. Default: the cell's own and at most 200; more where they are over in less"
                    + " than a second.")
    private Optional<Long> steps = Optional.empty();

    @Override
    public Integer call() throws IOException {
        if (steps.isPresent() && steps.get() < 2) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--steps = " + steps.get() + " must be at least 2");
        }
        Configuration configuration = HadoopSettings.configuration();
        SpecificationFile file = SpecificationFile.of(specification, configuration);
        SweepSpec spec = SweepSpecReader.read(file.text(configuration), specification, overrides);
        TrainerSpec trainer = spec.trainer()
                .orElseThrow(() -> new UserError(specification + " names no program: there is nothing to check without"
                        + " trainer.command, since PowerSweep's own trainer is tested by PowerSweep"));
        ProgramFiles files = ProgramFiles.read(trainer, file.path().getParent(), configuration);
        Path folder = Files.createTempDirectory("powersweep-check-");
        Map<ContractFinding.Verdict, Integer> counts = new EnumMap<>(ContractFinding.Verdict.class);
        try {
            new ContractCheck(folder, configuration, SweepPlanner.policy(spec), files, finding -> {
                        counts.merge(finding.verdict(), 1, Integer::sum);
                        print(finding);
                    })
                    .check(spec, vocabulary(spec.tokenizer()), steps);
        } finally {
            HostCache.deleteAll(folder);
        }
        int mend = counts.getOrDefault(ContractFinding.Verdict.MEND, 0);
        PrintWriter out = command.commandLine().getOut();
        out.println(
                mend == 0
                        ? "the program keeps the contract"
                        : mend == 1 ? "one thing is to be mended" : mend + " things are to be mended");
        out.flush();
        return mend == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private void print(ContractFinding finding) {
        PrintWriter out = command.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%-6s %s%n",
                finding.verdict().name().toLowerCase(Locale.ROOT),
                finding.sentence().replace("\n", "\n       "));
        out.flush();
    }

    /** Of tokenizers that are made from text, or read from a file, only about as many as they have. */
    private static int vocabulary(TokenizerSpec tokenizer) {
        if (tokenizer instanceof TokenizerSpec.Bpe bpe) {
            return bpe.vocabulary();
        } else if (tokenizer instanceof TokenizerSpec.External external) {
            return external.vocabulary();
        } else if (tokenizer instanceof TokenizerSpec.Gpt2) {
            return GPT2;
        }
        return tokenizer instanceof TokenizerSpec.Bytes ? 1 << Byte.SIZE : UNREAD_TOKENIZER;
    }
}
