"""What must happen: pure rules, values in and values out. Modules are nouns and touch nothing outside."""
