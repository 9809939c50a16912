package dev.powersweep.orchestrator.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class TemplateTest {
    @Test
    void namesStandForValuesAndNothingElseIsSpecial() {
        assertThat(Template.names("--lr=${learningRate}/${width}")).containsExactly("learningRate", "width");
        assertThat(Template.fill("--lr=${learningRate}", Map.of("learningRate", "0.1")))
                .isEqualTo("--lr=0.1");
        assertThat(Template.fill("$HOME `id` $(id) \\1 ; ${a}", Map.of("a", "$1 \\ ${b}")))
                .isEqualTo("$HOME `id` $(id) \\1 ; $1 \\ ${b}");
        assertThat(Template.fill("${resumeFrom}", Map.of())).isEmpty();
        assertThat(Template.fill("$${width} ${width}", Map.of("width", "8"))).isEqualTo("${width} 8");
        assertThat(Template.names("$${width}")).isEmpty();
    }

    @Test
    void anUnfinishedNameIsRefused() {
        assertThatThrownBy(() -> Template.names("${width")).hasMessageContaining("without its }");
        assertThatThrownBy(() -> Template.names("${a b}")).hasMessageContaining("${a b}");
        assertThatThrownBy(() -> Template.names("${}")).hasMessageContaining("no name");
    }

    @Test
    void variablesAreNamedAfterWords() {
        assertThat(AssignmentValue.LEARNING_RATE.variable()).isEqualTo("POWERSWEEP_LEARNING_RATE");
        assertThat(AssignmentValue.BATCH_SEQUENCES.variable()).isEqualTo("POWERSWEEP_BATCH_SEQUENCES");
        assertThat(AssignmentValue.variable("n_head")).isEqualTo("POWERSWEEP_N_HEAD");
    }
}
