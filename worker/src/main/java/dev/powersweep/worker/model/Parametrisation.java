package dev.powersweep.worker.model;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.model.ParameterLayout.Role;
import dev.powersweep.worker.model.ParameterLayout.Tensor;

/**
 * How initial weights, learning rates and two factors of the forward pass depend on width.
 *
 * <p>Standard, or μP (Yang et al. 2022, table 8) relative to a base width, with m = width / base width: initial hidden
 * weights shrink by 1/√m, their learning rates by 1/m, logits are multiplied by 1/m, and attention scores by
 * {@value #ATTENTION_NUMERATOR}/d_head in place of 1/√d_head (equal at d_head = 64). Weight decay is not scaled: every
 * decayed tensor loses the same share a step.
 *
 * @param widthRatio m; 1 under the standard parametrisation
 * @param attentionScale factor of attention scores
 * @param logitScale factor of logits
 */
public record Parametrisation(
        double widthRatio, float attentionScale, float logitScale, double initialStandardDeviation, int layers) {

    private static final int ATTENTION_NUMERATOR = 8;

    public static Parametrisation of(ModelShape shape, TrainingRule training) {
        if (training.mupBaseWidth().isEmpty()) {
            return standard(shape, training.initialStandardDeviation());
        }
        double headWidth = (double) shape.width() / shape.heads();
        double ratio = (double) shape.width() / training.mupBaseWidth().getAsInt();
        return new Parametrisation(
                ratio,
                (float) (ATTENTION_NUMERATOR / headWidth),
                (float) (1 / ratio),
                training.initialStandardDeviation(),
                shape.layers());
    }

    /** Nothing depends on width but the scale of attention. */
    public static Parametrisation standard(ModelShape shape, double initialStandardDeviation) {
        double headWidth = (double) shape.width() / shape.heads();
        return new Parametrisation(1, (float) (1 / Math.sqrt(headWidth)), 1, initialStandardDeviation, shape.layers());
    }

    /** Factor of the learning rate for a tensor. */
    public double learningRateScale(Tensor tensor) {
        return hidden(tensor) ? 1 / widthRatio : 1;
    }

    /** Of the initial weights of tensors with this role; 0 for norms, which start at 1 (gains) and 0 (biases). */
    public double standardDeviation(Role role) {
        double hidden = initialStandardDeviation / Math.sqrt(widthRatio);
        return switch (role) {
            case EMBEDDING, UNEMBEDDING -> initialStandardDeviation;
            case HIDDEN -> hidden;
            case RESIDUAL_PROJECTION -> hidden / Math.sqrt(2.0 * layers);
            case GAIN, BIAS -> 0;
        };
    }

    private static boolean hidden(Tensor tensor) {
        return tensor.role() == Role.HIDDEN || tensor.role() == Role.RESIDUAL_PROJECTION;
    }
}
