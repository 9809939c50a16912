package dev.powersweep.orchestrator.executor.trainer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.SparkEnv;

/**
 * What a trainer gets of its executor's environment: names on a list. An executor's environment holds Spark's secret and
 * the storage's keys, and a trainer needs neither.
 */
public final class TrainerEnvironment {
    /** Spark configuration: further names, separated by commas. */
    static final String MORE = "spark.powersweep.trainerEnvironment";

    private static final Set<String> NAMES = Set.of(
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "LANG",
            "LANGUAGE",
            "TZ",
            "TMPDIR",
            "TMP",
            "TEMP",
            "SYSTEMROOT",
            "LD_LIBRARY_PATH",
            "LD_PRELOAD",
            "POWERSWEEP_CUDA_LIBRARIES");

    /** Of the locale, of OpenMP, BLAS and oneDNN, of CUDA and ND4J, and of what is meant for trainers alone. */
    private static final List<String> PREFIXES = List.of(
            "LC_",
            "OMP_",
            "GOMP_",
            "KMP_",
            "OPENBLAS_",
            "MKL_",
            "DNNL_",
            "ONEDNN_",
            "MALLOC_",
            "CUDA_",
            "CUBLAS_",
            "CUDNN_",
            "NVIDIA_",
            "ND4J_",
            "POWERSWEEP_TRAINER_");

    private TrainerEnvironment() {}

    /** Of this process. */
    public static Map<String, String> inherited() {
        String more = Optional.ofNullable(SparkEnv.get())
                .map(spark -> spark.conf().get(MORE, ""))
                .orElse("");
        return of(System.getenv(), more);
    }

    static Map<String, String> of(Map<String, String> environment, String more) {
        Set<String> named = Arrays.stream(more.split(",")).map(String::strip).collect(Collectors.toSet());
        Map<String, String> allowed = new HashMap<>();
        environment.forEach((name, value) -> {
            if (NAMES.contains(name)
                    || named.contains(name)
                    || PREFIXES.stream().anyMatch(name::startsWith)) {
                allowed.put(name, value);
            }
        });
        return allowed;
    }
}
