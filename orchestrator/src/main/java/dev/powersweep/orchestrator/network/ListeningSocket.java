package dev.powersweep.orchestrator.network;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A TCP socket that waits for connections, as Linux's {@code /proc} lists it.
 *
 * @param process id of the process that holds it
 * @param command that process's words, separated by spaces
 */
public record ListeningSocket(InetSocketAddress address, long process, String command) {
    private static final String LISTENING = "0A";
    private static final Pattern MAIN =
            Pattern.compile(" (?:org\\.apache\\.spark|dev\\.powersweep)(?:\\.[a-z0-9]+)+\\.([A-Z]\\w*)");
    private static final Pattern SOCKET = Pattern.compile("socket:\\[([0-9]+)]");

    /**
     * Sockets of processes whose files this user may see, which are his own (or all, for root). Empty where there is no
     * {@code /proc}. Processes that end meanwhile are left out.
     */
    public static List<ListeningSocket> ofThisUser() {
        Map<String, InetSocketAddress> byInode = new HashMap<>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            for (String line : lines(Path.of(table))) {
                String[] fields = line.strip().split("\\s+");
                if (fields.length > 9 && fields[3].equals(LISTENING)) {
                    byInode.put(fields[9], address(fields[1]));
                }
            }
        }
        List<ListeningSocket> found = new ArrayList<>();
        if (!byInode.isEmpty()) {
            ProcessHandle.allProcesses().forEach(process -> found.addAll(of(process.pid(), byInode)));
        }
        return found;
    }

    /** Whether it belongs to PowerSweep or to a process of Spark. */
    public boolean isOurs() {
        return MAIN.matcher(command).find();
    }

    /** Whether other machines can reach it, firewalls apart. */
    public boolean isOpen() {
        return !address.getAddress().isLoopbackAddress();
    }

    /** The class that the process runs, e.g. {@code Worker}, for people. */
    public String name() {
        Matcher main = MAIN.matcher(command);
        return main.find() ? main.group(1) : "java";
    }

    private static List<ListeningSocket> of(long process, Map<String, InetSocketAddress> byInode) {
        List<ListeningSocket> found = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of("/proc/" + process + "/fd"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Matcher socket = SOCKET.matcher(target(file));
                if (socket.matches() && byInode.containsKey(socket.group(1))) {
                    found.add(new ListeningSocket(byInode.get(socket.group(1)), process, command(process)));
                }
            }
        } catch (IOException | UncheckedIOException e) {
            // Another user's, or it has just ended.
            return found;
        }
        return found;
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static String command(long process) {
        try {
            return new String(Files.readAllBytes(Path.of("/proc/" + process + "/cmdline")), StandardCharsets.UTF_8)
                    .replace('\0', ' ')
                    .strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            return List.of();
        }
    }

    /** {@code 0100007F:1BB5}: 32-bit words in the machine's byte order, and a port. */
    private static InetSocketAddress address(String hexadecimal) {
        int colon = hexadecimal.indexOf(':');
        ByteBuffer words = ByteBuffer.wrap(HexFormat.of().parseHex(hexadecimal.substring(0, colon)))
                .order(ByteOrder.nativeOrder());
        ByteBuffer bytes = ByteBuffer.allocate(words.capacity());
        while (words.hasRemaining()) {
            bytes.putInt(words.getInt());
        }
        try {
            return new InetSocketAddress(
                    InetAddress.getByAddress(bytes.array()), Integer.parseInt(hexadecimal.substring(colon + 1), 16));
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("not an address: " + hexadecimal, e);
        }
    }
}
