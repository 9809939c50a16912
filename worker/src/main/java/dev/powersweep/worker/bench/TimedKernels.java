package dev.powersweep.worker.bench;

import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
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
        timed = (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, arguments) -> call(kernels, method, arguments));
    }

    /** The set to train with. */
    Kernels kernels() {
        return timed;
    }

    void reset() {
        nanoseconds.clear();
    }

    /** Seconds by operation since the last {@link #reset}; products are told apart by their shape. */
    Map<String, Double> seconds() {
        Map<String, Double> seconds = new TreeMap<>();
        nanoseconds.forEach((name, sum) -> seconds.put(name, sum[0] / 1e9));
        return seconds;
    }

    private Object call(Kernels kernels, Method method, Object[] arguments) throws Throwable {
        long begin = clock.getAsLong();
        try {
            return method.invoke(kernels, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            long[] sum = nanoseconds.computeIfAbsent(name(method, arguments), any -> new long[1]);
            sum[0] += clock.getAsLong() - begin;
        }
    }

    private static String name(Method method, Object[] arguments) {
        boolean product = method.getName().equals("linear") || method.getName().equals("weightGradient");
        if (!product || !(arguments[0] instanceof Span)) {
            return method.getName();
        }
        return method.getName() + " " + arguments[4] + "→" + arguments[5];
    }
}
