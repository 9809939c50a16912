package dev.powersweep.orchestrator.report;

import java.util.List;
import java.util.Locale;

/**
 * Colours that stay apart for colour-blind readers and on a black-and-white print.
 *
 * <p>Ordered values take viridis (van der Walt and Smith 2015, CC0), lightest end left out because it vanishes on white;
 * unordered ones the palette of Okabe and Ito (2008).
 */
public final class Palette {
    public static final String INK = "#1b1f24";
    public static final String GREY = "#6b7480";
    public static final String BLUE = "#0072b2";
    public static final String VERMILION = "#d55e00";
    public static final String GREEN = "#009e73";
    public static final String PURPLE = "#cc79a7";
    public static final String ORANGE = "#e69f00";
    public static final String SKY = "#56b4e9";

    private static final List<String> CATEGORIES = List.of(BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK);
    private static final int[][] VIRIDIS = {
        {68, 1, 84},
        {72, 36, 117},
        {65, 68, 135},
        {53, 95, 141},
        {42, 120, 142},
        {33, 144, 141},
        {34, 168, 132},
        {66, 190, 113},
        {122, 209, 81},
        {189, 223, 38},
        {253, 231, 37}
    };
    /** How far along viridis a line still shows on white. */
    private static final double DARK_ENOUGH = 0.86;

    private Palette() {}

    /** The {@code index}-th of {@code count} ordered colours, dark to light. */
    public static String ordered(int index, int count) {
        return viridis(count <= 1 ? 0.35 : DARK_ENOUGH * index / (count - 1));
    }

    public static String category(int index) {
        return CATEGORIES.get(index % CATEGORIES.size());
    }

    /** Viridis at 0 ≤ position ≤ 1. */
    public static String viridis(double position) {
        int[] rgb = rgb(position);
        return String.format(Locale.ROOT, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    }

    /** Black or white, whichever reads better on viridis at {@code position} (WCAG relative luminance). */
    public static String inkOn(double position) {
        int[] rgb = rgb(position);
        double luminance = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
        return luminance > 0.179 ? "#000000" : "#ffffff";
    }

    private static int[] rgb(double position) {
        double place = Math.min(1, Math.max(0, position)) * (VIRIDIS.length - 1);
        int below = Math.min(VIRIDIS.length - 2, (int) place);
        double share = place - below;
        int[] rgb = new int[3];
        for (int i = 0; i < 3; i++) {
            rgb[i] = (int) Math.round(VIRIDIS[below][i] * (1 - share) + VIRIDIS[below + 1][i] * share);
        }
        return rgb;
    }

    private static double linear(int channel) {
        double c = channel / 255.0;
        return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    }
}
