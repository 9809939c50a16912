package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.kernels.cpu.OneDnnCall.Descriptor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.bytedeco.dnnl.const_dnnl_op_desc_t;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_matmul_desc_t;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Pointer;

/**
 * Products of bfloat16 factors with sums and results in single precision, by oneDNN; one thread.
 *
 * <p>Factors stay row-major: the forms that oneDNN 2.5 prefers for weights take it longer to make than they save.
 */
final class Bfloat16Products implements AutoCloseable {

    private static final Logger LOG = LogManager.getLogger(Bfloat16Products.class);

    private static final int[] FROM_TO = {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO};
    private static final int[] FACTORS_AND_RESULT = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};

    private record Shape(Descriptor a, Descriptor b, Write write) {}

    private final Bfloat16Unit unit;
    private final dnnl_engine engine = new dnnl_engine();
    private final dnnl_stream stream = new dnnl_stream();
    private final Map<Descriptor, OneDnnCall> roundings = new HashMap<>();
    private final Map<Shape, OneDnnCall> products = new HashMap<>();
    private final List<CpuSpan> spans = new ArrayList<>();
    private long mostShared;
    private Optional<CpuSpan> shared = Optional.empty();

    Bfloat16Products(Bfloat16Unit unit) {
        this.unit = unit;
        if (unit == Bfloat16Unit.AVX512) {
            LOG.warn("there is no AMX here, and bfloat16 products by AVX512-BF16 may take longer than float32 ones;"
                    + " powersweep bench train --precision bfloat16 says whether they do");
        }
        OneDnn.check(dnnl.dnnl_engine_create(engine, dnnl.dnnl_cpu, 0));
        OneDnn.check(dnnl.dnnl_stream_create(stream, engine, dnnl.dnnl_stream_default_flags));
    }

    String describe() {
        return "bfloat16 products by " + unit + " of " + OneDnn.version();
    }

    static Descriptor bfloat16(long rows, long columns) {
        return Descriptor.of(rows, columns, dnnl.dnnl_bf16);
    }

    /** Rounds row-major single precision [rows, columns] to the nearest bfloat16, ties to even. */
    OneDnnCall rounding(int rows, int columns) {
        return roundings.computeIfAbsent(Descriptor.of(rows, columns, dnnl.dnnl_f32), from -> {
            Descriptor to = bfloat16(rows, columns);
            dnnl_primitive_desc made = new dnnl_primitive_desc();
            OneDnn.check(dnnl.dnnl_reorder_primitive_desc_create(
                    made, from.description(), engine, to.description(), engine, null));
            return new OneDnnCall(engine, stream, made, FROM_TO, from, to);
        });
    }

    /** {@code C = A·B} or {@code C += A·B} with C row-major in single precision. */
    OneDnnCall product(Descriptor a, Descriptor b, Write write) {
        return products.computeIfAbsent(new Shape(a, b, write), shape -> {
            Descriptor c = Descriptor.of(a.rows(), b.columns(), dnnl.dnnl_f32);
            dnnl_matmul_desc_t product = new dnnl_matmul_desc_t();
            dnnl_memory_desc_t noBias = new dnnl_memory_desc_t();
            Pointer.memset(noBias, 0, noBias.sizeof());
            OneDnn.check(
                    dnnl.dnnl_matmul_desc_init(product, a.description(), b.description(), noBias, c.description()));
            dnnl_primitive_attr attributes = attributes(write);
            dnnl_primitive_desc made = new dnnl_primitive_desc();
            OneDnn.check(
                    dnnl.dnnl_primitive_desc_create(made, new const_dnnl_op_desc_t(product), attributes, engine, null));
            OneDnn.check(dnnl.dnnl_primitive_attr_destroy(attributes));
            return new OneDnnCall(engine, stream, made, FACTORS_AND_RESULT, a, b, c);
        });
    }

    private static dnnl_primitive_attr attributes(Write write) {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        OneDnn.check(dnnl.dnnl_primitive_attr_create(attributes));
        if (write == Write.ADD) {
            dnnl_post_ops sum = new dnnl_post_ops();
            OneDnn.check(dnnl.dnnl_post_ops_create(sum));
            OneDnn.check(dnnl.dnnl_post_ops_append_sum(sum, 1));
            OneDnn.check(dnnl.dnnl_primitive_attr_set_post_ops(attributes, sum));
            OneDnn.check(dnnl.dnnl_post_ops_destroy(sum));
        }
        return attributes;
    }

    /** Room for so many bfloat16 numbers, kept until this is closed. */
    CpuSpan allocate(long numbers) {
        CpuSpan span = CpuSpan.allocate((numbers + 1) / 2);
        spans.add(span);
        return span;
    }

    /** Sees to it that {@link #shared} has room for so many numbers. */
    void share(long numbers) {
        mostShared = Math.max(mostShared, numbers);
    }

    /** Address of room that every map may overwrite, for one call. */
    long shared() {
        if (shared.isEmpty() || shared.get().length() < (mostShared + 1) / 2) {
            shared = Optional.of(allocate(mostShared));
        }
        return shared.get().address;
    }

    @Override
    public void close() {
        roundings.values().forEach(OneDnnCall::close);
        roundings.clear();
        products.values().forEach(OneDnnCall::close);
        products.clear();
        spans.forEach(span -> span.array.close());
        spans.clear();
        dnnl.dnnl_stream_destroy(stream);
        dnnl.dnnl_engine_destroy(engine);
    }
}
