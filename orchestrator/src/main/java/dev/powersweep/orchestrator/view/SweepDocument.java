package dev.powersweep.orchestrator.view;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.util.kvstore.KVIndex;
import org.apache.spark.util.kvstore.KVStore;
import org.apache.spark.util.kvstore.KVStoreIterator;

/**
 * A piece of a board in the store that Spark keeps of an application, in memory or on the History Server's disk.
 *
 * <p>Not a record: Spark's store looks for its index on fields or on methods, and a record's component is both.
 */
public final class SweepDocument {
    /** Order of the pieces. */
    @KVIndex
    @JsonProperty("key")
    public final String key;

    @JsonProperty("json")
    public final String json;

    @JsonCreator
    SweepDocument(@JsonProperty("key") String key, @JsonProperty("json") String json) {
        this.key = key;
        this.json = json;
    }

    /** Puts a board into a store, in place of the one there; an empty board leaves nothing. */
    static void write(SweepBoard board, KVStore store) {
        try {
            int number = 0;
            for (SweepEvent event : board.events()) {
                store.write(new SweepDocument(
                        String.format(Locale.ROOT, "%08d", number++),
                        LedgerJson.mapper().writerFor(SparkListenerEvent.class).writeValueAsString(event)));
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an event cannot be written as JSON", e);
        } catch (Exception e) {
            throw new IllegalStateException("Spark's store of the application cannot be written", e);
        }
    }

    /** The board of a store; empty where no sweep ran. */
    static SweepBoard read(KVStore store) {
        SweepBoard board = new SweepBoard();
        try (KVStoreIterator<SweepDocument> documents =
                store.view(SweepDocument.class).closeableIterator()) {
            while (documents.hasNext()) {
                Object event = LedgerJson.mapper().readValue(documents.next().json, SparkListenerEvent.class);
                if (event instanceof SweepEvent sweep && SoundEvents.sound(sweep)) {
                    board.apply(sweep);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new IllegalStateException("Spark's store of the application cannot be read", e);
        }
        return board;
    }
}
