package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.train.ListenerException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;

/** The listeners of one attempt, made anew by the names of their classes, so that none has seen another cell. */
final class Listeners {

    private Listeners() {}

    /**
     * Lets listeners of these classes see a network. Each has a public constructor without parameters, or one of the
     * {@link Cell} that it is going to see.
     *
     * @throws ListenerException naming the class that no listener can be made of
     */
    static void attach(List<String> classes, Cell cell, MultiLayerNetwork network) {
        List<TrainingListener> all =
                classes.stream().map(name -> make(name, cell)).toList();
        if (!all.isEmpty()) {
            network.setListeners(all);
        }
    }

    static TrainingListener make(String name, Cell cell) {
        try {
            Class<?> type = Class.forName(name, false, Listeners.class.getClassLoader());
            if (!TrainingListener.class.isAssignableFrom(type)) {
                throw fault(name, "is no " + TrainingListener.class.getName() + "; let the class implement it", null);
            }
            return (TrainingListener) instance(type, cell);
        } catch (ClassNotFoundException e) {
            throw fault(
                    name,
                    "is not on the trainer's class path; name the jar that holds it in run.listeners.files, or mend the"
                            + " name",
                    e);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof OutOfMemoryError memory) {
                throw memory;
            }
            throw fault(name, "cannot be made: its constructor threw " + e.getCause(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw fault(
                    name,
                    "cannot be made: it has no public constructor without parameters or of a " + Cell.class.getName()
                            + "; add one, in a public class that is not abstract",
                    e);
        } catch (LinkageError e) {
            throw fault(name, "cannot be loaded: " + e, e);
        }
    }

    private static Object instance(Class<?> type, Cell cell) throws ReflectiveOperationException {
        for (Constructor<?> constructor : type.getConstructors()) {
            if (List.of(constructor.getParameterTypes()).equals(List.of(Cell.class))) {
                return constructor.newInstance(cell);
            }
        }
        return type.getConstructor().newInstance();
    }

    private static ListenerException fault(String name, String what, Throwable reason) {
        return new ListenerException("the training listener " + name + " " + what, reason);
    }
}
