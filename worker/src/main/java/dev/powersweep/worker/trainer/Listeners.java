package dev.powersweep.worker.trainer;

import dev.powersweep.worker.train.TrainingListener;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.Consumer;

/** All listeners of a trainer; what one of them throws names it. */
final class Listeners {

    private final List<TrainingListener> all;

    private Listeners(List<TrainingListener> all) {
        this.all = List.copyOf(all);
    }

    /**
     * Those on the class path.
     *
     * @throws BadInputException when one cannot be made
     */
    static Listeners onClassPath() {
        try {
            return new Listeners(ServiceLoader.load(TrainingListener.class).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList());
        } catch (ServiceConfigurationError e) {
            throw new BadInputException(
                    "A training listener on the class path cannot be used: " + e.getMessage()
                            + "; mend it or take it off the class path.",
                    e);
        }
    }

    void tell(Consumer<TrainingListener> news) {
        for (int i = 0; i < all.size(); i++) {
            TrainingListener listener = all.get(i);
            try {
                news.accept(listener);
            } catch (RuntimeException e) {
                throw new IllegalStateException(
                        "the training listener " + listener.getClass().getName() + " threw " + e, e);
            }
        }
    }
}
