package dev.powersweep.worker.bench;

import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** A kernel set that adds up what each of its operations takes. */
final class TimedKernels {

    private final Map<String, long[]> nanoseconds = new TreeMap<>();
    private final LongSupplier clock;
    private final Kernels timed;

    TimedKernels(Kernels kernels, LongSupplier clock) {
        this.clock = clock;
        timed = proxy(
                Kernels.class,
                (proxy, method, arguments) -> method.getName().equals("linearMap")
                        ? timed((LinearMap) call(kernels, method, arguments, method.getName()), (LinearMap.Shape)
                                arguments[2])
                        : call(kernels, method, arguments, method.getName()));
    }

    /** A pass through a map is told apart by the map's shape. */
    private LinearMap timed(LinearMap map, LinearMap.Shape shape) {
        return proxy(
                LinearMap.class,
                (proxy, method, arguments) ->
                        call(map, method, arguments, method.getName() + " " + shape.inputs() + "→" + shape.outputs()));
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    /** The set to train with. */
    Kernels kernels() {
        return timed;
    }

    void reset() {
        nanoseconds.clear();
    }

    /** Seconds by operation since the last {@link #reset}. */
    Map<String, Double> seconds() {
        Map<String, Double> seconds = new TreeMap<>();
        nanoseconds.forEach((name, sum) -> seconds.put(name, sum[0] / 1e9));
        return seconds;
    }

    private Object call(Object operand, Method method, Object[] arguments, String name) throws Throwable {
        long begin = clock.getAsLong();
        try {
            return method.invoke(operand, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            long[] sum = nanoseconds.computeIfAbsent(name, any -> new long[1]);
            sum[0] += clock.getAsLong() - begin;
        }
    }
}
