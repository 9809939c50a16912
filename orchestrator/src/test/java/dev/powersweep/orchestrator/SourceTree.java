package dev.powersweep.orchestrator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Packages of some modules as their main sources have them. */
final class SourceTree {
    private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);");
    /** In imports and in names written out in full. */
    private static final Pattern REFERENCE =
            Pattern.compile("\\bdev\\.powersweep\\.([a-z0-9]+(?:\\.[a-z0-9]+)*)\\.[A-Z]\\w*");

    /** Names of Apache's libraries. */
    private static final Pattern LIBRARY = Pattern.compile("\\borg\\.apache\\.[\\w.]+");

    /** Comments and text, in which names are no references. */
    private static final Pattern NO_CODE = Pattern.compile(
            "/\\*.*?\\*/|//[^\\n]*|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\])+'", Pattern.DOTALL);

    /**
     * @param knows first sentence of its package-info; empty where there is none
     * @param imports packages that it imports from
     * @param types top-level
     * @param libraries names that it imports from elsewhere
     */
    record Package(
            String module,
            String knows,
            SortedSet<String> imports,
            SortedSet<String> types,
            SortedSet<String> libraries) {}

    private final SortedMap<String, Package> packages = new TreeMap<>();

    private SourceTree() {}

    static SourceTree read(Path root, List<String> modules) {
        SourceTree tree = new SourceTree();
        for (String module : modules) {
            try (Stream<Path> files = Files.walk(root.resolve(module).resolve("src/main/java"))) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java"))
                        .sorted()
                        .toList()) {
                    tree.add(module, file.getFileName().toString(), Files.readString(file));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        tree.packages.values().removeIf(found -> found.types.isEmpty());
        return tree;
    }

    private void add(String module, String file, String text) {
        String code = NO_CODE.matcher(text).replaceAll(" ");
        Matcher declared = PACKAGE.matcher(code);
        if (!declared.find()) {
            throw new IllegalStateException(file + " declares no package");
        }
        String name = declared.group(1);
        Package known =
                packages.getOrDefault(name, new Package(module, "", new TreeSet<>(), new TreeSet<>(), new TreeSet<>()));
        boolean info = file.equals("package-info.java");
        packages.put(
                name,
                new Package(
                        module, info ? firstSentence(text) : known.knows, known.imports, known.types, known.libraries));
        if (!info) {
            known.types.add(file.replace(".java", ""));
        }
        Matcher libraries = LIBRARY.matcher(code);
        while (libraries.find()) {
            known.libraries.add(libraries.group());
        }
        Matcher references = REFERENCE.matcher(code);
        while (references.find()) {
            String to = "dev.powersweep." + references.group(1);
            if (!to.equals(name)) {
                known.imports.add(to);
            }
        }
    }

    private static String firstSentence(String info) {
        Matcher comment = Pattern.compile("/\\*\\*(.*?)\\*/", Pattern.DOTALL).matcher(info);
        if (!comment.find()) {
            return "";
        }
        String words = comment.group(1)
                .replaceAll("(?m)^\\s*\\*", " ")
                .replaceAll("\\{@(?:link|code)\\s+(?:[\\w.]+\\.)?(\\w+)}", "`$1`")
                .replaceAll("<p>.*", "")
                .replaceAll("\\s+", " ")
                .strip();
        Matcher end = Pattern.compile("(?<!et al|e\\.g)\\. ").matcher(words);
        return end.find() ? words.substring(0, end.start() + 1) : words;
    }

    SortedMap<String, Package> packages() {
        return packages;
    }

    String module(String name) {
        return packages.containsKey(name)
                ? packages.get(name).module
                : name.replace("dev.powersweep.", "").replaceAll("\\..*", "");
    }

    /** Packages of a module so that each stands below all that it imports; circles in the order of their names. */
    List<String> bottomUp(String module) {
        List<String> order = new ArrayList<>();
        Set<String> open = packages.keySet().stream()
                .filter(name -> packages.get(name).module.equals(module))
                .collect(Collectors.toCollection(TreeSet::new));
        while (!open.isEmpty()) {
            List<String> next = open.stream()
                    .filter(name -> packages.get(name).imports.stream().noneMatch(open::contains))
                    .toList();
            if (next.isEmpty()) {
                next = List.of(open.iterator().next());
            }
            order.addAll(next);
            next.forEach(open::remove);
        }
        return order;
    }

    /** Largest sets of packages each of which reaches all others of its set. */
    List<Set<String>> circles() {
        Map<String, Set<String>> reached =
                packages.keySet().stream().collect(Collectors.toMap(name -> name, this::reached));
        return packages.keySet().stream()
                .filter(name -> reached.get(name).contains(name))
                .map(name -> reached.get(name).stream()
                        .filter(other -> reached.getOrDefault(other, Set.of()).contains(name))
                        .collect(Collectors.<String, Set<String>>toCollection(TreeSet::new)))
                .distinct()
                .toList();
    }

    private Set<String> reached(String from) {
        Set<String> seen = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(List.of(from));
        while (!open.isEmpty()) {
            Package next = packages.get(open.pop());
            if (next != null) {
                next.imports.stream().filter(seen::add).forEach(open::push);
            }
        }
        return seen;
    }

    /** Packages that name a library, themselves or through a package that they import. */
    Set<String> standOn(String library) {
        return packages.keySet().stream()
                .filter(name -> Stream.concat(Stream.of(name), reached(name).stream())
                        .map(packages::get)
                        .anyMatch(found ->
                                found != null && found.libraries.stream().anyMatch(named -> named.startsWith(library))))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The arrows inside of each set, for a message. */
    String imports(List<Set<String>> sets) {
        return sets.stream()
                .flatMap(set -> set.stream()
                        .map(name -> name + " imports "
                                + packages.get(name).imports.stream()
                                        .filter(set::contains)
                                        .collect(Collectors.joining(", "))))
                .collect(Collectors.joining("\n"));
    }
}
