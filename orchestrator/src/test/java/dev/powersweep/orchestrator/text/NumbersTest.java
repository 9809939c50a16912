package dev.powersweep.orchestrator.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NumbersTest {
    @Test
    void countsAreOnTheShortScale() {
        assertThat(Numbers.count(640)).isEqualTo("640");
        assertThat(Numbers.count(20_480)).isEqualTo("20.5k");
        assertThat(Numbers.count(999_936, 2)).isEqualTo("1M");
        assertThat(Numbers.count(1.5e6)).isEqualTo("1.5M");
        assertThat(Numbers.count(3e9)).isEqualTo("3B");
        assertThat(Numbers.count(1024, 4)).isEqualTo("1,024");
    }

    @Test
    void powersAndSmallNumbersKeepTheirDigits() {
        assertThat(Numbers.power(5.76e23, 3)).isEqualTo("5.76·10²³");
        assertThat(Numbers.power(9.999e-5, 2)).isEqualTo("10⁻⁴");
        assertThat(Numbers.significant(0.00034, 2)).isEqualTo("0.00034");
        assertThat(Numbers.fixed(-0.5, 2)).isEqualTo("−0.50");
    }

    @Test
    void spansOfTimeAreReadable() {
        assertThat(Numbers.duration(45)).isEqualTo("45 s");
        assertThat(Numbers.duration(200)).isEqualTo("3 min 20 s");
        assertThat(Numbers.duration(7500)).isEqualTo("2 h 5 min");
    }

    @Test
    void whatIsNoNumberIsADash() {
        assertThat(Numbers.count(Double.NaN)).isEqualTo("–");
        assertThat(Numbers.significant(Double.POSITIVE_INFINITY, 3)).isEqualTo("∞");
    }
}
