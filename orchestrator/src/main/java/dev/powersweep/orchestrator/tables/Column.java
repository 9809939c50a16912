package dev.powersweep.orchestrator.tables;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What a row's component means; the one definition that files, readers and the documentation follow. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Column {
    /** One sentence. */
    String value();

    /** Unit of the value; {@code 1} for a pure number, empty where a unit makes no sense. */
    String unit() default "";

    /** First release that wrote the column; a reader of older files sees it as absent. */
    String since() default "0.1";
}
