package dev.powersweep.orchestrator.corpus;

/** What a file of a corpus holds. */
enum InputKind {
    TEXT("text"),
    JSON_LINES("JSON Lines"),
    PARQUET("Parquet"),
    TOKENS("tokens");

    private final String title;

    InputKind(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }
}
