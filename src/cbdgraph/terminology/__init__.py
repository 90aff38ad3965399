"""The vocabulary: terms with their names, definitions and features, how definitions compare, where terms are used."""
