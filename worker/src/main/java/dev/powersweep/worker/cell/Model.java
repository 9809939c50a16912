package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;

/** What a cell trains. Its JSON is that of the record, which its properties tell. */
@JsonTypeInfo(use = JsonTypeInfo.Id.DEDUCTION, defaultImpl = ModelShape.class)
@JsonSubTypes({@JsonSubTypes.Type(ModelShape.class), @JsonSubTypes.Type(ProgramModel.class)})
public sealed interface Model permits ModelShape, ProgramModel {

    /** Tokens a sequence holds, n_ctx. */
    int context();

    /** As far as it is known without asking a program. */
    @JsonIgnore
    ModelCounts counts();
}
