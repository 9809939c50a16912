package dev.powersweep.orchestrator.corpus;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The process that runs a {@code tokenizer.json}, see {@link TokenizerProcess}. On standard input come the file and then
 * texts, each with its length before it, or tokens; on standard output go, after {@value #READY} for the file, each text's tokens with
 * their number before them (or the tokens' text with its length), or {@value #REFUSED} and a message. It ends with its input, and of itself after
 * {@value #IDLE_SECONDS} seconds without a text.
 */
final class TokenizerMain {
    static final int READY = 0;
    static final int REFUSED = -1;
    /** In place of a text's length: tokens follow, whose text is asked for. */
    static final int TOKENS_FOLLOW = -1;

    private static final int IDLE_SECONDS = 20;

    private volatile long idleSince = System.nanoTime();
    private volatile boolean idle = true;

    private TokenizerMain() {}

    public static void main(String[] arguments) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out))) {
            // Libraries that print must not print among the tokens.
            System.setOut(System.err);
            new TokenizerMain().serve(in, out);
        } catch (EOFException parentIsDone) {
            Runtime.getRuntime().halt(0);
        }
        Runtime.getRuntime().halt(0);
    }

    private void serve(DataInputStream in, DataOutputStream out) throws IOException {
        try (HuggingFaceTokenizer tokenizer = library(text(in, in.readInt()))) {
            out.writeInt(READY);
            out.flush();
            endWhenIdle();
            while (true) {
                int length = in.readInt();
                if (length == TOKENS_FOLLOW) {
                    long[] tokens = tokens(in);
                    idle = false;
                    answer(tokenizer, tokens, out);
                } else {
                    String text = text(in, length);
                    idle = false;
                    answer(tokenizer, text, out);
                }
                out.flush();
                idleSince = System.nanoTime();
                idle = true;
            }
        } catch (RuntimeException refused) {
            out.writeInt(REFUSED);
            out.writeUTF(CorpusJob.rootMessage(refused));
            out.flush();
        }
    }

    private static void answer(HuggingFaceTokenizer tokenizer, String text, DataOutputStream out) throws IOException {
        long[] tokens = tokenizer.encode(text, false, false).getIds();
        out.writeInt(tokens.length);
        for (long token : tokens) {
            out.writeInt(Math.toIntExact(token));
        }
    }

    private static void answer(HuggingFaceTokenizer tokenizer, long[] tokens, DataOutputStream out) throws IOException {
        byte[] text = tokenizer.decode(tokens, false).getBytes(StandardCharsets.UTF_8);
        out.writeInt(text.length);
        out.write(text);
    }

    private void endWhenIdle() {
        Thread watch = new Thread(
                () -> {
                    while (!idle || System.nanoTime() - idleSince < TimeUnit.SECONDS.toNanos(IDLE_SECONDS)) {
                        try {
                            TimeUnit.SECONDS.sleep(1);
                        } catch (InterruptedException e) {
                            return;
                        }
                    }
                    Runtime.getRuntime().halt(0);
                },
                "idle");
        watch.setDaemon(true);
        watch.start();
    }

    private static HuggingFaceTokenizer library(String json) throws IOException {
        // Else it would fetch another native library where it sees a GPU.
        System.setProperty("RUST_FLAVOR", "cpu");
        System.setProperty("ai.djl.offline", "true");
        return HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
                Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
    }

    private static String text(DataInputStream in, int length) throws IOException {
        return new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    private static long[] tokens(DataInputStream in) throws IOException {
        long[] tokens = new long[in.readInt()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = in.readInt();
        }
        return tokens;
    }
}
