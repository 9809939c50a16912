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
import java.net.URI;
import java.util.Optional;

/**
 * Lets a request to Spark's pages pass only if it asks for a host that {@link HostNames} accepts, or for one of the
 * parameter {@link #HOSTS}. What ends a stage, a job or a driver must not come from a page of another host either.
 */
public final class HostFilter implements Filter {
    /** Init parameter: further names, separated by commas. */
    static final String HOSTS = "hosts";

    private HostNames names = HostNames.of("");

    @Override
    public void init(FilterConfig config) {
        names = HostNames.of(Optional.ofNullable(config.getInitParameter(HOSTS)).orElse(""));
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (request instanceof HttpServletRequest asked && response instanceof HttpServletResponse answer) {
            String host =
                    HostNames.host(Optional.ofNullable(asked.getHeader("Host")).orElse(""));
            if (!names.accepts(host)) {
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
                    .map(HostNames::host)
                    .orElse("");
        } catch (IllegalArgumentException e) {
            return "";
        }
    }
}
