package dev.powersweep.orchestrator.check;

/**
 * What the check has to say of one point of the contract.
 *
 * @param sentence without its end
 */
public record ContractFinding(Verdict verdict, String sentence) {

    public enum Verdict {
        /** As the contract asks. */
        RIGHT,
        /** Allowed; what it costs. */
        NOTE,
        /** Breaks the contract, or loses results. */
        MEND
    }

    static ContractFinding right(String sentence) {
        return new ContractFinding(Verdict.RIGHT, sentence);
    }

    static ContractFinding note(String sentence) {
        return new ContractFinding(Verdict.NOTE, sentence);
    }

    static ContractFinding mend(String sentence) {
        return new ContractFinding(Verdict.MEND, sentence);
    }
}
