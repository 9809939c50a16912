package dev.powersweep.orchestrator.network;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Names that pages of this machine answer to. A page on the web that gives its own name this machine's address (DNS
 * rebinding) asks for another one. Accepted are addresses written as numbers, which need no name, {@code localhost},
 * this machine's own names, and those of the environment variables {@code SPARK_PUBLIC_DNS} and
 * {@code POWERSWEEP_UI_HOSTS}.
 */
public final class HostNames {
    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9a-f:.]+]");

    private final Set<String> names;

    private HostNames(Set<String> names) {
        this.names = names;
    }

    /** @param further names, separated by commas; empty for none */
    public static HostNames of(String further) {
        Set<String> names = new HashSet<>(Set.of("localhost"));
        add(names, further);
        for (String variable : new String[] {"SPARK_PUBLIC_DNS", "POWERSWEEP_UI_HOSTS"}) {
            Optional.ofNullable(System.getenv(variable)).ifPresent(hosts -> add(names, hosts));
        }
        try {
            InetAddress machine = InetAddress.getLocalHost();
            add(names, machine.getHostName());
            add(names, machine.getCanonicalHostName());
        } catch (UnknownHostException e) {
            // A machine without a name is asked for by address.
            return new HostNames(names);
        }
        return new HostNames(names);
    }

    private static void add(Set<String> names, String hosts) {
        Arrays.stream(hosts.split(","))
                .map(host -> host.strip().toLowerCase(Locale.ROOT))
                .filter(host -> !host.isEmpty())
                .forEach(names::add);
    }

    /** @param header the request's {@code Host}, with its port or without; empty where there was none */
    public boolean accepts(String header) {
        String host = host(header);
        return ADDRESS.matcher(host).matches() || names.contains(host);
    }

    /** Without the port, in lower case. */
    static String host(String hostAndPort) {
        return hostAndPort.strip().replaceFirst(":[0-9]*$", "").toLowerCase(Locale.ROOT);
    }
}
