package dev.powersweep.worker.kernels.cpu;

import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;

/** One of oneDNN's primitives, compiled for matrices of fixed shapes; where they lie is given at each call. */
final class OneDnnCall implements AutoCloseable {

    /**
     * A matrix whose element [i, j] lies {@code i·rowStride + j·columnStride} numbers behind its begin.
     *
     * @param type of its numbers, as oneDNN has it
     */
    record Descriptor(long rows, long columns, int type, long rowStride, long columnStride) {

        static Descriptor of(long rows, long columns, int type) {
            return new Descriptor(rows, columns, type, columns, 1);
        }

        /** The same memory seen as [columns, rows]. */
        Descriptor transposed() {
            return new Descriptor(columns, rows, type, columnStride, rowStride);
        }

        dnnl_memory_desc_t description() {
            dnnl_memory_desc_t description = new dnnl_memory_desc_t();
            OneDnn.check(dnnl.dnnl_memory_desc_init_by_strides(
                    description, 2, new long[] {rows, columns}, type, new long[] {rowStride, columnStride}));
            return description;
        }
    }

    private final dnnl_stream stream;
    private final dnnl_primitive primitive = new dnnl_primitive();
    private final dnnl_memory[] memories;
    private final Operand place = new Operand();
    private final dnnl_exec_arg_t arguments;

    /**
     * @param made is freed here
     * @param roles of the matrices, as oneDNN numbers them
     */
    OneDnnCall(dnnl_engine engine, dnnl_stream stream, dnnl_primitive_desc made, int[] roles, Descriptor... matrices) {
        this.stream = stream;
        OneDnn.check(dnnl.dnnl_primitive_create(primitive, made));
        OneDnn.check(dnnl.dnnl_primitive_desc_destroy(made));
        memories = new dnnl_memory[matrices.length];
        arguments = new dnnl_exec_arg_t(matrices.length);
        for (int i = 0; i < matrices.length; i++) {
            memories[i] = new dnnl_memory();
            OneDnn.check(dnnl.dnnl_memory_create(memories[i], matrices[i].description(), engine, place));
            arguments.position(i).arg(roles[i]);
            arguments.position(i).memory(memories[i]);
        }
        arguments.position(0);
    }

    /** Operands are addresses in the process. */
    void run(long from, long to) {
        place(0, from);
        place(1, to);
        OneDnn.check(dnnl.dnnl_primitive_execute(primitive, stream, 2, arguments));
    }

    /** Operands are addresses in the process. */
    void run(long a, long b, long c) {
        place(0, a);
        place(1, b);
        place(2, c);
        OneDnn.check(dnnl.dnnl_primitive_execute(primitive, stream, 3, arguments));
    }

    private void place(int operand, long address) {
        place.address(address);
        OneDnn.check(dnnl.dnnl_memory_set_data_handle(memories[operand], place));
    }

    @Override
    public void close() {
        dnnl.dnnl_primitive_destroy(primitive);
        for (dnnl_memory memory : memories) {
            dnnl.dnnl_memory_destroy(memory);
        }
    }
}
