package dev.powersweep.orchestrator.doctor;

import dev.powersweep.orchestrator.network.ListeningSocket;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What of PowerSweep and Spark listens on this machine, as far as this user may see, and who can reach it. */
final class NetworkChecks {
    private NetworkChecks() {}

    static Finding run() {
        return judge(ListeningSocket.ofThisUser().stream()
                .filter(ListeningSocket::isOurs)
                .toList());
    }

    static Finding judge(List<ListeningSocket> sockets) {
        List<ListeningSocket> open =
                sockets.stream().filter(ListeningSocket::isOpen).toList();
        if (!open.isEmpty()) {
            return Finding.warning(
                    "listening",
                    describe(open),
                    "other machines reach these ports: see that spark.authenticate is on and a firewall before them, or"
                            + " bind them to 127.0.0.1 (docs/security.md)");
        }
        return Finding.good(
                "listening",
                sockets.isEmpty()
                        ? "nothing of PowerSweep or Spark (of this user) at the moment"
                        : describe(sockets) + "; loopback only");
    }

    private static String describe(List<ListeningSocket> sockets) {
        return sockets.stream()
                .collect(Collectors.groupingBy(
                        socket -> socket.name() + " (pid " + socket.process() + ")",
                        TreeMap::new,
                        Collectors.mapping(socket -> text(socket.address()), Collectors.joining(", "))))
                .entrySet()
                .stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining("; "));
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().isAnyLocalAddress()
                ? "*"
                : address.getAddress().getHostAddress();
        return host + ":" + address.getPort();
    }
}
