"""Every behaviour that the emulator claims has a sentence and a source."""

from tests.docs.emulator_coverage import PROVENANCE, render


def test_every_behaviour_has_a_sentence_and_a_source() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| ") and "on whose word" not in line]
    assert len(rows) > 100
    for row in rows:
        _, sentence, word, _ = row.replace("\\|", "").split("|")
        assert sentence.strip()
        assert word.strip().partition(":")[0] in PROVENANCE
        assert word.strip().partition(":")[2]
