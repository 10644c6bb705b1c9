from tests.docs.emulator_coverage import PAGE, PROVENANCE, render


def test_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: make docs"


def test_every_behaviour_has_a_sentence_and_a_source() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| ") and "on whose word" not in line]
    assert len(rows) > 100
    for row in rows:
        _, sentence, word, _ = row.replace("\\|", "").split("|")
        assert sentence.strip()
        assert word.strip().partition(":")[0] in PROVENANCE
        assert word.strip().partition(":")[2]
