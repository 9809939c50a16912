package dev.powersweep.worker.gpu;

import dev.powersweep.worker.train.RingSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Training tokens on a device: each store once, for all groups of cells that read it, and for as long as one does.
 *
 * <p>Assumes the device's thread.
 */
public final class TokenStores {

    /** Tokens that go to the device at once. */
    private static final int STRETCH = 1 << 20;

    private final Device device;
    private final List<Store> stores = new ArrayList<>();

    /** Tokens of one store, from its first one on. */
    static final class Store {
        private final Object tokens;
        private final int tokenBytes;
        private final long length;
        private final long address;
        private int users;

        private Store(Object tokens, int tokenBytes, long length, long address) {
            this.tokens = tokens;
            this.tokenBytes = tokenBytes;
            this.length = length;
            this.address = address;
        }

        long address() {
            return address;
        }

        long bytes() {
            return length * tokenBytes;
        }
    }

    public TokenStores(Device device) {
        this.device = device;
    }

    /**
     * Where a ring's tokens stand, of {@code tokenBytes} each; sent to the device where no store has them yet.
     *
     * <p>To be {@linkplain #giveBack given back} as often as it was taken.
     */
    Store take(RingSource ring, int tokenBytes) {
        for (Store store : stores) {
            if (store.tokens.equals(ring.tokens())
                    && store.tokenBytes == tokenBytes
                    && store.length >= ring.ringTokens()) {
                store.users++;
                return store;
            }
        }
        Store store = new Store(
                ring.tokens(), tokenBytes, ring.ringTokens(), device.allocate(ring.ringTokens() * tokenBytes));
        try {
            send(store, ring);
        } catch (RuntimeException | Error e) {
            device.free(store.address);
            throw e;
        }
        store.users = 1;
        stores.add(store);
        return store;
    }

    void giveBack(Store store) {
        store.users--;
        if (store.users == 0) {
            stores.remove(store);
            device.free(store.address);
        }
    }

    private void send(Store store, RingSource ring) {
        int[] tokens = new int[(int) Math.min(STRETCH, ring.ringTokens())];
        for (long from = 0; from < ring.ringTokens(); from += tokens.length) {
            int count = (int) Math.min(tokens.length, ring.ringTokens() - from);
            ring.ring(from, count, tokens);
            ByteBuffer bytes = ByteBuffer.allocate(count * store.tokenBytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < count; i++) {
                switch (store.tokenBytes) {
                    case 1 -> bytes.put((byte) tokens[i]);
                    case 2 -> bytes.putShort((short) tokens[i]);
                    default -> bytes.putInt(tokens[i]);
                }
            }
            device.write(store.address + from * store.tokenBytes, bytes.flip());
        }
    }
}
