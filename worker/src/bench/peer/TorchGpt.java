import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The benchmark's peer: the same GPT (pre-norm, no linear biases, GELU, tied embeddings, AdamW) in libtorch on one CPU
 * thread. Run by Java's source launcher on the jars of the benchmark profile; never part of the product.
 *
 * <p>Arguments: layers width heads context batch vocabulary precision. Of precision {@code BFLOAT16} the forward pass runs
 * under CPU autocast to bfloat16, with the parameters in float32. Each line of standard input, the number of steps to make,
 * is answered with a line holding tokens per second.
 */
public final class TorchGpt {

    private static int width;
    private static int heads;
    private static int context;
    private static int batch;
    private static final List<Tensor> PARAMETERS = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        int layers = Integer.parseInt(args[0]);
        width = Integer.parseInt(args[1]);
        heads = Integer.parseInt(args[2]);
        context = Integer.parseInt(args[3]);
        batch = Integer.parseInt(args[4]);
        int vocabulary = Integer.parseInt(args[5]);
        boolean autocast = args[6].equals("BFLOAT16");
        torch.set_num_threads(1);
        if (autocast) {
            torch.set_autocast_dtype(torch.DeviceType.CPU, torch.ScalarType.BFloat16);
            // Every weight is used once a step, and there is no call that empties the cache after one.
            torch.set_autocast_cache_enabled(false);
        }
        Tensor tokens = normal(vocabulary, width);
        Tensor positions = normal(context, width);
        Tensor[][] blocks = new Tensor[layers][];
        for (int i = 0; i < layers; i++) {
            blocks[i] = new Tensor[] {
                filled(1), filled(0), normal(3 * width, width), normal(width, width),
                filled(1), filled(0), normal(4 * width, width), normal(width, 4 * width)
            };
        }
        Tensor gain = filled(1);
        Tensor bias = filled(0);
        AdamW optimiser = new AdamW(new TensorVector(PARAMETERS.toArray(new Tensor[0])), new AdamWOptions(1e-3));
        TensorOptions integers = new TensorOptions().dtype(new ScalarTypeOptional(torch.ScalarType.Long));
        Tensor inputs = torch.randint(vocabulary, new long[] {batch, context}, integers);
        Tensor targets = torch.randint(vocabulary, new long[] {(long) batch * context}, integers);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println("ready");
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            int steps = Integer.parseInt(line.strip());
            long begin = now();
            for (int step = 0; step < steps; step++) {
                try (PointerScope scope = new PointerScope()) {
                    torch.set_autocast_enabled(torch.DeviceType.CPU, autocast);
                    Tensor x = torch.embedding(tokens, inputs).add(positions);
                    for (Tensor[] block : blocks) {
                        x = x.add(torch.linear(attention(torch.linear(norm(x, block[0], block[1]), block[2])), block[3]));
                        Tensor hidden = torch.gelu(torch.linear(norm(x, block[4], block[5]), block[6]), "tanh");
                        x = x.add(torch.linear(hidden, block[7]));
                    }
                    Tensor logits = torch.linear(norm(x, gain, bias), tokens).reshape((long) batch * context, vocabulary);
                    Tensor loss = torch.cross_entropy_loss(logits, targets);
                    torch.set_autocast_enabled(torch.DeviceType.CPU, false);
                    optimiser.zero_grad();
                    loss.backward();
                    optimiser.step();
                    if (!Float.isFinite(loss.item_float())) {
                        throw new IllegalStateException("the peer's loss is not finite");
                    }
                }
            }
            double seconds = (now() - begin) / 1e9;
            System.out.println(String.format(Locale.ROOT, "%.1f", (double) steps * batch * context / seconds));
        }
    }

    /** Wall time, or this thread's CPU time (libtorch runs the backward pass on it too) where other programs disturb. */
    private static long now() {
        return Boolean.getBoolean("powersweep.cpuTime")
                ? java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
                : System.nanoTime();
    }

    private static Tensor attention(Tensor packed) {
        TensorVector parts = packed.split(width, 2);
        Tensor attended = torch.scaled_dot_product_attention(
                byHead(parts.get(0)), byHead(parts.get(1)), byHead(parts.get(2)),
                new TensorOptional(), 0.0, true, new DoubleOptional(), false);
        return attended.transpose(1, 2).reshape(batch, context, width);
    }

    private static Tensor byHead(Tensor x) {
        return x.view(batch, context, heads, width / heads).transpose(1, 2);
    }

    private static Tensor norm(Tensor x, Tensor gain, Tensor bias) {
        return torch.layer_norm(x, new long[] {width}, new TensorOptional(gain), new TensorOptional(bias), 1e-5, false);
    }

    private static Tensor normal(long... shape) {
        return parameter(torch.randn(shape).mul_(new Scalar(0.02)));
    }

    private static Tensor filled(double value) {
        return parameter(torch.zeros(width).fill_(new Scalar(value)));
    }

    private static Tensor parameter(Tensor values) {
        Tensor parameter = values.requires_grad_(true);
        PARAMETERS.add(parameter);
        return parameter;
    }
}
