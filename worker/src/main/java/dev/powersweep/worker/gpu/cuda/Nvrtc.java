package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Library;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/** What is used of libnvrtc. Every call answers an nvrtcResult, 0 for success. */
interface Nvrtc extends Library {

    int nvrtcVersion(IntByReference major, IntByReference minor);

    String nvrtcGetErrorString(int code);

    int nvrtcCreateProgram(
            PointerByReference program, String source, String name, int headers, String[] texts, String[] names);

    int nvrtcDestroyProgram(PointerByReference program);

    int nvrtcCompileProgram(Pointer program, int count, String[] options);

    int nvrtcGetProgramLogSize(Pointer program, LongByReference bytes);

    int nvrtcGetProgramLog(Pointer program, byte[] log);

    int nvrtcGetCUBINSize(Pointer program, LongByReference bytes);

    int nvrtcGetCUBIN(Pointer program, byte[] image);
}
