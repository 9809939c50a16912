package dev.powersweep.orchestrator.network;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Lets a request to Spark's pages pass only if it asks for a host that is this machine, so that a page on the web that
 * gives its own name this machine's address (DNS rebinding) reads nothing. Accepted are addresses written as numbers, which
 * need no name, {@code localhost}, this machine's own names, and the names of the parameter {@link #HOSTS}. What ends a
 * stage, a job or a driver must not come from a page of another host either.
 */
public final class HostFilter implements Filter {
    /** Init parameter: further names, separated by commas. */
    static final String HOSTS = "hosts";

    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9a-f:.]+]");

    private final Set<String> names = new HashSet<>(Set.of("localhost"));

    @Override
    public void init(FilterConfig config) {
        Optional.ofNullable(config.getInitParameter(HOSTS)).ifPresent(this::add);
        Optional.ofNullable(System.getenv("SPARK_PUBLIC_DNS")).ifPresent(this::add);
        Optional.ofNullable(System.getenv("POWERSWEEP_UI_HOSTS")).ifPresent(this::add);
        try {
            InetAddress machine = InetAddress.getLocalHost();
            add(machine.getHostName());
            add(machine.getCanonicalHostName());
        } catch (UnknownHostException e) {
            // A machine without a name is asked for by address.
            config.getServletContext().log("this machine's name has no address; pages answer to localhost alone", e);
        }
    }

    private void add(String hosts) {
        Arrays.stream(hosts.split(","))
                .map(host -> host.strip().toLowerCase(Locale.ROOT))
                .filter(host -> !host.isEmpty())
                .forEach(names::add);
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request instanceof HttpServletRequest asked && response instanceof HttpServletResponse answer) {
            String host = host(Optional.ofNullable(asked.getHeader("Host")).orElse(""));
            if (!accepts(host)) {
                answer.sendError(
                        HttpServletResponse.SC_FORBIDDEN,
                        "this server does not answer to that host name; set " + DriverNetwork.UI_HOSTS
                                + " if it is right");
                return;
            }
            if (asked.getRequestURI().contains("/kill") && !ownPage(asked, host)) {
                answer.sendError(HttpServletResponse.SC_FORBIDDEN, "asked for by a page of another host");
                return;
            }
        }
        chain.doFilter(request, response);
    }

    private boolean accepts(String host) {
        return ADDRESS.matcher(host).matches() || names.contains(host);
    }

    /** Whether the page that sent the request is this server's own, or there is none, as with curl. */
    private static boolean ownPage(HttpServletRequest asked, String host) {
        for (String header : new String[] {"Origin", "Referer"}) {
            String from = asked.getHeader(header);
            if (from != null && !authority(from).equals(host)) {
                return false;
            }
        }
        return true;
    }

    private static String authority(String url) {
        try {
            return Optional.ofNullable(URI.create(url).getAuthority())
                    .map(HostFilter::host)
                    .orElse("");
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    /** Without the port, in lower case. */
    static String host(String hostAndPort) {
        return hostAndPort.strip().replaceFirst(":[0-9]*$", "").toLowerCase(Locale.ROOT);
    }
}
