package dev.powersweep.orchestrator.corpus;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;

/**
 * Opens files whatever their names. Hadoop's local file system looks for a checksum file beside each file, and cannot name
 * one beside a name with a colon: those are read past it.
 */
final class LocalNames {
    private LocalNames() {}

    static FSDataInputStream open(Path path, Configuration configuration) throws IOException {
        FileSystem files = path.getFileSystem(configuration);
        return unsayable(path, files)
                ? ((LocalFileSystem) files).getRawFileSystem().open(path)
                : files.open(path);
    }

    static InputFile parquet(Path path, Configuration configuration) throws IOException {
        return unsayable(path, path.getFileSystem(configuration))
                ? new LocalInputFile(java.nio.file.Path.of(path.toUri().getPath()))
                : HadoopInputFile.fromPath(path, configuration);
    }

    private static boolean unsayable(Path path, FileSystem files) {
        return files instanceof LocalFileSystem && path.getName().indexOf(':') >= 0;
    }
}
