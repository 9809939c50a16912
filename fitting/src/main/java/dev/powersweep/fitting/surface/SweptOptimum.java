package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import java.util.List;

/**
 * A swept (N, D) with its optimum.
 *
 * @param axes the setting asked for, and the other where it varies
 * @param loss of the sweep's rows, nats/token
 */
record SweptOptimum(SettingSweep sweep, List<Quantity> axes, double[] loss, Minimum minimum) {
    double setting() {
        return minimum.setting(0);
    }

    double logSetting() {
        return minimum.logSetting()[0];
    }
}
