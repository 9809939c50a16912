package dev.powersweep.worker.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.gpu.EmulatedDevice.Threads;
import dev.powersweep.worker.gpu.TokenStores.Store;
import dev.powersweep.worker.train.RingSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TokenStoresTest {

    /** The first of the numbers 0, 1, 2, … of one text. */
    private record Numbers(Object tokens, long ringTokens) implements RingSource {
        @Override
        public void ring(long position, int count, int[] to) {
            for (int i = 0; i < count; i++) {
                to[i] = (int) position + i;
            }
        }

        @Override
        public long start(long step, int sequence) {
            return 0;
        }

        @Override
        public void batch(long step, int[] inputs, int[] targets) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void tokensAreKeptOnceForAllThatReadThem() {
        try (EmulatedDevice device = new EmulatedDevice(Threads.FORWARDS)) {
            TokenStores stores = new TokenStores(device);
            Store first = stores.take(new Numbers("text", 300), 2);
            assertThat(stores.take(new Numbers("text", 200), 2)).isSameAs(first);
            assertThat(stores.take(new Numbers("text", 301), 2)).isNotSameAs(first);
            assertThat(stores.take(new Numbers("other", 300), 2)).isNotSameAs(first);
            assertThat(stores.take(new Numbers("text", 300), 1)).isNotSameAs(first);
            ByteBuffer bytes = ByteBuffer.allocate(600).order(ByteOrder.LITTLE_ENDIAN);
            device.read(first.address(), bytes);
            assertThat(bytes.getShort(2 * 299)).isEqualTo((short) 299);
            // The last one that reads them lets them go.
            stores.giveBack(first);
            assertThat(stores.take(new Numbers("text", 300), 2)).isSameAs(first);
            stores.giveBack(first);
            stores.giveBack(first);
            assertThat(stores.take(new Numbers("text", 100), 2)).isNotSameAs(first);
        }
    }
}
