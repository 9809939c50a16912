package dev.powersweep.orchestrator.viewer;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.powersweep.orchestrator.network.HostNames;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.view.SweepPages;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Serves pages on 127.0.0.1. Answers GET and HEAD alone, and only to hosts that {@link HostNames} accepts; nothing that it
 * is asked changes anything.
 */
public final class PageServer implements AutoCloseable {
    /** Seconds until the JDK's server gives up on a request that does not come in, and on a reader that does not take it. */
    private static final Map<String, String> LIMITS =
            Map.of("sun.net.httpserver.maxReqTime", "20", "sun.net.httpserver.maxRspTime", "120");

    private static final Logger LOG = LogManager.getLogger(PageServer.class);
    private static final int THREADS = 4;
    /** Styles are in the page, scripts and data from this server alone. */
    private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src"
            + " 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private final HttpServer server;
    private final ExecutorService threads;
    private final ServedPages pages;
    private final HostNames hosts = HostNames.of("");

    private PageServer(HttpServer server, ServedPages pages) {
        this.server = server;
        this.pages = pages;
        this.threads = Executors.newFixedThreadPool(THREADS, work -> {
            Thread thread = new Thread(work, "pages");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Begins to serve.
     *
     * @param sweeps at least one
     * @param port 0 for any that is free
     * @throws UserError where the port is taken
     */
    public static PageServer start(List<SweepWatch> sweeps, int port) {
        try {
            // A request that somebody begins and does not end would keep its thread for good.
            LIMITS.forEach((name, seconds) -> System.getProperties().putIfAbsent(name, seconds));
            InetAddress loopback = InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1});
            PageServer pages = new PageServer(
                    HttpServer.create(new InetSocketAddress(loopback, port), 0), new ServedPages(sweeps));
            pages.server.createContext("/", pages::handle);
            pages.server.setExecutor(pages.threads);
            pages.server.start();
            return pages;
        } catch (IOException e) {
            throw new UserError(
                    "cannot listen on port " + port + " of 127.0.0.1 (" + e.getMessage()
                            + "); choose another --port, or none for one that is free",
                    e);
        }
    }

    /** Makes ready for the first page while nobody has asked for it; comes back at once. */
    public void warm() {
        threads.execute(() -> {
            try {
                pages.warm();
            } catch (RuntimeException e) {
                // Whoever asks for the page is told of it.
                LOG.debug("the first page could not be made ready", e);
            }
        });
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /**
     * What is answered.
     *
     * @param type of the body
     */
    record Answer(int status, String type, String body) {
        static Answer html(String body) {
            return new Answer(200, "text/html;charset=utf-8", body);
        }

        static Answer script() {
            return new Answer(200, "text/javascript;charset=utf-8", SweepPages.script());
        }

        static Answer json(JsonNode body) {
            return new Answer(200, "application/json", body.toString());
        }

        static Answer text(int status, String sentence) {
            return new Answer(status, "text/plain;charset=utf-8", sentence + "\n");
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (RuntimeException e) {
                LOG.warn(
                        "no page could be made for {}", exchange.getRequestURI().getPath(), e);
                answer = Answer.text(500, "the page could not be made: " + e);
            }
            send(exchange, answer);
        }
    }

    private Answer answer(HttpExchange exchange) {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            return Answer.text(405, "only GET and HEAD are answered");
        }
        String host = Optional.ofNullable(exchange.getRequestHeaders().getFirst("Host"))
                .orElse("");
        if (!hosts.accepts(host)) {
            return Answer.text(403, "this server does not answer to that host name");
        }
        URI asked = exchange.getRequestURI();
        return pages.answer(
                Optional.ofNullable(asked.getPath()).orElse("/"),
                parameters(Optional.ofNullable(asked.getRawQuery()).orElse("")));
    }

    private static Function<String, Optional<String>> parameters(String query) {
        Map<String, String> values = Arrays.stream(query.split("&"))
                .filter(part -> part.indexOf('=') > 0)
                .collect(Collectors.toMap(
                        part -> decoded(part.substring(0, part.indexOf('='))),
                        part -> decoded(part.substring(part.indexOf('=') + 1)),
                        (first, second) -> first));
        return name -> Optional.ofNullable(values.get(name));
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", answer.type());
        exchange.getResponseHeaders().set("Content-Security-Policy", POLICY);
        exchange.getResponseHeaders().set("Cross-Origin-Resource-Policy", "same-origin");
        exchange.getResponseHeaders().set("Referrer-Policy", "no-referrer");
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }
}
