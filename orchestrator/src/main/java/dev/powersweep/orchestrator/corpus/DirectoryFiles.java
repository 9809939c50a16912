package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.corpus.InputFiles.InputFile;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;

/**
 * The files of one directory that a user named. Cards and metadata are left out. A directory with splits, as data sets of
 * Hugging Face are, gives its training split, and its validation split as held-out text.
 */
final class DirectoryFiles {
    private enum Split {
        TRAIN("train"),
        VALIDATION("validation"),
        TEST("test");

        private final String title;

        Split(String title) {
            this.title = title;
        }
    }

    private static final Map<String, Split> SPLITS = Map.of(
            "train", Split.TRAIN,
            "validation", Split.VALIDATION,
            "valid", Split.VALIDATION,
            "val", Split.VALIDATION,
            "dev", Split.VALIDATION,
            "test", Split.TEST);
    private static final Set<String> METADATA = Set.of(
            "dataset_infos.json",
            "dataset_info.json",
            "dataset_dict.json",
            "croissant.json",
            "state.json",
            "sha256sums",
            "sha256sums.txt",
            "md5sums",
            "md5sums.txt",
            "thumbs.db",
            "desktop.ini");
    private static final Pattern CARD =
            Pattern.compile("(readme|licen[cs]e|copying|citation|notice)(\\.(md|txt|rst|cff|bib))?");
    /** {@code train-00000-of-00002.parquet} and the like: a file's number and how many there are. */
    private static final Pattern NUMBERED = Pattern.compile("(.*?)-(\\d{5})-of-(\\d{5})(.*)");

    private static final int MOST_NAMED = 5;

    private final Path directory;
    private final List<InputFile> found = new ArrayList<>();
    private final List<String> cards = new ArrayList<>();
    private final List<String> hidden = new ArrayList<>();
    private final List<String> empty = new ArrayList<>();
    private final List<String> otherSplits = new ArrayList<>();
    private List<InputFile> training = List.of();
    private List<InputFile> heldOut = List.of();

    DirectoryFiles(Path directory) {
        this.directory = directory;
    }

    void hidden(FileStatus child) {
        hidden.add(relative(child.getPath().toString()));
    }

    void add(FileStatus file) {
        String name = file.getPath().getName().toLowerCase(Locale.ROOT);
        if (METADATA.contains(name) || CARD.matcher(name).matches()) {
            cards.add(relative(file.getPath().toString()));
        } else if (file.getLen() == 0) {
            empty.add(relative(file.getPath().toString()));
        } else {
            found.add(new InputFile(file.getPath().toString(), file.getLen()));
        }
    }

    /** Sorts the files into splits; throws {@link UserError} where they are of several kinds or not all there. */
    void split() {
        complete();
        Map<Split, List<InputFile>> splits = new TreeMap<>();
        List<InputFile> none = new ArrayList<>();
        for (InputFile file : found) {
            split(relative(file.path()))
                    .ifPresentOrElse(
                            split -> splits.computeIfAbsent(split, key -> new ArrayList<>())
                                    .add(file),
                            () -> none.add(file));
        }
        if (!splits.containsKey(Split.TRAIN) || splits.size() < 2) {
            training = List.copyOf(found);
            oneConfiguration(training);
            return;
        }
        if (!none.isEmpty()) {
            throw new UserError(directory + " holds files of splits ("
                    + relative(splits.get(Split.TRAIN).get(0).path())
                    + ") beside others (" + relative(none.get(0).path())
                    + "); name the files to train on, or a glob of them");
        }
        training = splits.get(Split.TRAIN);
        heldOut = splits.getOrDefault(Split.VALIDATION, List.of());
        oneConfiguration(training);
        splits.getOrDefault(Split.TEST, List.of()).forEach(file -> otherSplits.add(relative(file.path())));
    }

    /** The configurations of a data set mostly hold the same text. */
    private void oneConfiguration(List<InputFile> files) {
        Set<String> configurations = new TreeSet<>();
        for (InputFile file : files) {
            String relative = relative(file.path());
            if (NUMBERED.matcher(relative).matches() && name(relative).startsWith("train")) {
                configurations.add(relative.contains("/") ? relative.substring(0, relative.lastIndexOf('/')) : ".");
            }
        }
        if (configurations.size() > 1) {
            throw new UserError(directory + " holds a data set in " + configurations.size() + " configurations ("
                    + some(List.copyOf(configurations)) + "); name the one to train on, e.g. " + directory + "/"
                    + configurations.iterator().next() + ", or several as a list");
        }
    }

    /** Files that number themselves say how many they are. */
    private void complete() {
        Map<String, Set<String>> numbers = new TreeMap<>();
        Map<String, Integer> totals = new TreeMap<>();
        for (InputFile file : found) {
            Matcher matcher = NUMBERED.matcher(relative(file.path()));
            if (matcher.matches()) {
                String group = matcher.group(1) + "-*-of-" + matcher.group(3) + matcher.group(4);
                numbers.computeIfAbsent(group, key -> new TreeSet<>()).add(matcher.group(2));
                totals.put(group, Integer.parseInt(matcher.group(3)));
            }
        }
        numbers.forEach((group, present) -> {
            if (present.size() < totals.get(group)) {
                throw new UserError(directory + " holds " + present.size() + " of the " + totals.get(group) + " files "
                        + group + "; fetch the others, or name the files to train on");
            }
        });
    }

    private static Optional<Split> split(String relative) {
        String[] parts = relative.split("/");
        for (int i = 0; i < parts.length - 1; i++) {
            if (SPLITS.containsKey(parts[i])) {
                return Optional.of(SPLITS.get(parts[i]));
            }
        }
        String[] words = parts[parts.length - 1].split("[-_.]");
        if (words.length > 0 && SPLITS.containsKey(words[0])) {
            return Optional.of(SPLITS.get(words[0]));
        }
        // wiki.train.raw and the like.
        return words.length == 3 && SPLITS.containsKey(words[1]) ? Optional.of(SPLITS.get(words[1])) : Optional.empty();
    }

    List<InputFile> training() {
        return training;
    }

    List<InputFile> heldOut() {
        return heldOut;
    }

    /** Clauses for a reader: which files of the directory are not read, and why. */
    List<String> leftOut() {
        List<String> clauses = new ArrayList<>();
        clause(clauses, cards, "cards and metadata");
        clause(clauses, hidden, "names that begin with _ or .");
        clause(clauses, empty, "empty");
        clause(clauses, otherSplits, "the split " + Split.TEST.title);
        return clauses;
    }

    private void clause(List<String> clauses, List<String> names, String why) {
        if (!names.isEmpty()) {
            clauses.add(some(names) + " of " + directory + " (" + why + ")");
        }
    }

    private static String name(String relative) {
        return relative.substring(relative.lastIndexOf('/') + 1);
    }

    private static String some(List<String> names) {
        return names.size() <= MOST_NAMED
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, MOST_NAMED)) + " and " + (names.size() - MOST_NAMED) + " more";
    }

    private String relative(String path) {
        String folder = directory.toString();
        return path.startsWith(folder + "/") ? path.substring(folder.length() + 1) : path;
    }
}
